# SPDX-License-Identifier: Apache-2.0
"""Convolutions, built for Cortex-M and run in an emulator, against the reference: every bit and every saved register."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import BOARDS

from codesign.compiler.layers.conv_runs_code import conv_runs
from codesign.compiler.layers.convolution import Convolution
from codesign.compiler.layers.depthwise_code import depthwise_rows
from codesign.compiler.layers.packing_pairs import pack_depthwise
from codesign.compiler.layers.packing_rows import pack_depthwise_rows
from codesign.testing.calls import Calls
from codesign.testing.qemu_calls import QemuCalls
from codesign.testing.unicorn_calls import UnicornCalls
from convolutions import convolution, function, gtcrn_layers, run_structs, source_of, structs, with_constants
from integer_layers import integers

CANARY = 0x5C


def run(image: Calls, layer: Convolution, x: np.ndarray) -> tuple[np.ndarray, int]:
    """(y, instructions), by the function that the emitted C would call."""
    image.clear()
    vectors = isinstance(image, QemuCalls) and conv_runs(layer) is not None
    made = run_structs(layer, image.put) if vectors else structs(layer, ctypes.c_uint32, image.put)
    filled = [(image.put(bytes(c)), phase) for c, phase in made]
    count, instructions = int(np.prod(layer.result_shape)), 0
    x_at, y_at = image.put(np.ascontiguousarray(x)), image.put(np.full(count + 8, 99, x.dtype))
    scratch = image.put(bytes([CANARY]) * (layer.scratch_bytes + 64))
    for c, phase in filled:
        image.call("cs_conv_runs_s16" if vectors else function(layer), c, x_at, y_at + x.itemsize * phase.y_offset, scratch)
        instructions += image.instructions
    assert bytes(image.get(scratch + layer.scratch_bytes, np.uint8, 64)) == bytes([CANARY]) * 64
    assert (image.get(y_at + x.itemsize * count, x.dtype, 8) == 99).all()
    return image.get(y_at, x.dtype, count).reshape(layer.result_shape), instructions


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_random_convolutions_are_the_reference(cores: Callable[[str], Calls], board: str, bits: int) -> None:
    image, rng = cores(board), np.random.default_rng(bits)
    for index in range(40 if board != "mps3_an547" else 12):
        kind = ("random", "extreme", "maximum")[index % 3]
        layer = convolution(rng, bits, kind, transposed=index % 2 == 1, big=index % 4 > 1)
        x = source_of(rng, layer, kind)
        np.testing.assert_array_equal(run(image, layer, x)[0], layer.apply(x), err_msg=f"{index}: {layer}")


@pytest.mark.parametrize("board", ["nrf5340dk", "stm32f746g_disco", "mps3_an547"])
def test_neighbours_that_are_moved_as_words_are_the_reference(cores: Callable[[str], Calls], board: str) -> None:
    """Kernels of three and five taps over rows whose last patches are even and odd in number, with and without padding."""
    image, rng = cores(board), np.random.default_rng(5)
    for taps, inputs, size, stride, before, after in (
        *((3, 2, size, 1, 1, 1) for size in (1, 2, 3, 6)),
        *((5, 3, size, 2, 2, 2) for size in (10, 11, 13, 16)),
        *((5, 4, 14, stride, 2, 3) for stride in (1, 3)),
        *((5, 2, size, 1, 0, 0) for size in (5, 6, 7)),
        (5, 2, 9, 1, 0, 1),
    ):
        weights = integers(rng, (5, inputs, 1, taps), "random")
        layer = with_constants(rng, weights, (inputs, 2, size), (1, stride), padding=((0, 0), (before, after)))
        x = source_of(rng, layer, "random")
        np.testing.assert_array_equal(run(image, layer, x)[0], layer.apply(x), err_msg=str(layer))


def test_runs_of_a_staged_source_are_the_reference(cores: Callable[[str], Calls]) -> None:
    """Every number of vectors, rows that do not fill their blocks, several blocks and frames, all ends of rows of results."""
    image, rng = cores("mps3_an547"), np.random.default_rng(9)
    for outputs, inputs, taps, shape, stride, groups, transposed in (
        (4, 8, (1, 1), (1, 4), 1, 1, False),
        (7, 5, (1, 3), (2, 9), 1, 1, False),
        (5, 8, (1, 3), (1, 17), 2, 1, False),
        (3, 7, (2, 2), (4, 75), 1, 1, False),
        (2, 4, (2, 5), (3, 12), 3, 2, False),
        (2, 9, (1, 5), (1, 150), 2, 1, False),
        (3, 2, (3, 3), (5, 1), 1, 3, False),
        *((4, 6, (1, 5), (1, size), 2, 2, True) for size in (1, 4, 8, 36)),
        (2, 4, (3, 4), (4, 6), 3, 1, True),
    ):
        weights = integers(rng, (groups * outputs, inputs, *taps), "random")
        padding = ((taps[0] - 1, 0), (taps[1] // 2, taps[1] // 2))
        geometry = {"padding": padding, "groups": groups, "transposed": transposed}
        some = with_constants(rng, weights, (groups * inputs, *shape), (1, stride), **geometry)
        negative = None if some.negative is None else np.minimum(some.negative, some.multiplier)
        layer = dataclasses.replace(some, **_usual(rng, groups * outputs), negative=negative)
        assert conv_runs(layer) is not None
        for source in ("random", "extreme"):
            x = source_of(rng, layer, source)
            np.testing.assert_array_equal(run(image, layer, x)[0], layer.apply(x), err_msg=str(layer))


@pytest.mark.parametrize("board", ["nrf5340dk", "stm32f746g_disco"])
def test_rows_that_are_finished_with_their_sums_are_the_reference(cores: Callable[[str], Calls], board: str) -> None:
    """Fours of rows over all of int16: one and two multipliers, an odd last result, several rounds of columns, two phases."""
    image, rng = cores(board), np.random.default_rng(7)
    for outputs, inputs, taps, size, stride, transposed in (
        *((4, 3, 3, size, 1, False) for size in (1, 2, 5)),
        (8, 20, 5, 7, 1, False),
        (4, 24, 3, 6, 1, False),
        (12, 4, 1, 67, 1, False),
        *((4, 5, 5, size, 2, True) for size in (1, 2, 3, 4, 5)),
    ):
        for prelu in (False, True):
            weights = integers(rng, (outputs, inputs, 1, taps), "random")
            padding = ((0, 0), (taps // 2, taps // 2))
            some = with_constants(
                rng, weights, (inputs, 1, size), (1, stride), padding=padding, transposed=transposed, prelu=prelu
            )
            layer = dataclasses.replace(some, **_usual(rng, outputs))
            for source in ("random", "extreme"):
                x = source_of(rng, layer, source)
                np.testing.assert_array_equal(run(image, layer, x)[0], layer.apply(x), err_msg=str(layer))


@pytest.mark.parametrize("board", ["nrf5340dk", "mps3_an547"])
@pytest.mark.parametrize("bits", [8, 16])
def test_depthwise_taps_are_the_reference(cores: Callable[[str], Calls], board: str, bits: int) -> None:
    """Any taps, steps, dilations and ends of rows, fewer results than four and more."""
    image, rng = cores(board), np.random.default_rng(bits)
    for taps, size, stride, dilation, padding, transposed in (
        ((1, 5), 33, 1, 1, (2, 2), False),
        ((3, 3), 65, 2, 1, (1, 0), False),
        ((2, 7), 12, 1, 2, (6, 7), False),
        ((1, 4), 6, 3, 1, (3, 3), False),
        ((3, 2), 3, 1, 1, (0, 0), False),
        ((2, 3), 17, 2, 1, (1, 1), True),
    ):
        weights = integers(rng, (6, 1, *taps), "random")
        geometry = {"padding": ((taps[0] - 1, 0), padding), "groups": 3, "bits": bits, "transposed": transposed}
        layer = with_constants(rng, weights, (3, 2, size), (1, stride), (1, dilation), **geometry)
        assert layer.depthwise
        x = source_of(rng, layer, "random")
        np.testing.assert_array_equal(run(image, layer, x)[0], layer.apply(x), err_msg=str(layer))


@pytest.mark.parametrize("board", ["nrf5340dk", "stm32f746g_disco", "mps3_an547"])
@pytest.mark.parametrize(("size", "frames", "dilation"), [(5, 3, 1), (6, 5, 2), (8, 4, 1), (9, 11, 5), (33, 3, 1)])
def test_a_depthwise_kernel_reads_a_ring(
    cores: Callable[[str], Calls], board: str, size: int, frames: int, dilation: int
) -> None:
    """A ring that may have older frames than the kernel reads."""
    image, rng, read = cores(board), np.random.default_rng(size), 2 * dilation + 1
    weights = integers(rng, (5, 1, 3, 3), "random")
    geometry = {"dilation": (dilation, 1), "padding": ((0, 0), (1, 1)), "groups": 5}
    some = with_constants(rng, weights, (5, read, size), **geometry, prelu=size % 2 == 1)
    layer = dataclasses.replace(some, **_usual(rng, 5))
    assert depthwise_rows(layer) is not None
    negative = layer.multiplier if layer.negative is None else layer.negative
    image.clear()
    pack = pack_depthwise_rows if board == "mps3_an547" else pack_depthwise
    words = pack(weights.reshape(5, 3, 3), layer.bias, layer.multiplier, negative, layer.shift)
    head = np.array([image.put(words)], np.uint32).tobytes()
    struct = image.put(head + np.array([5, frames, size, frames - read, dilation], np.uint16).tobytes())
    x = (32767 * rng.choice([-1, 1], (5, frames, size))).astype(np.int16)
    ring, place, y = image.put(x), image.put(np.zeros(1, np.int16)), image.put(np.full(5 * size + 8, 99, np.int16))
    for step in range(frames + 2):
        new = rng.integers(-32767, 32768, (5, 1, size)).astype(np.int16)
        x = np.concatenate([x[:, 1:], new], axis=1)
        image.call("cs_ring_s16", ring, place, image.put(new), 5, frames, size)
        at = int(image.get(place, np.int16, 1)[0])
        assert at == (step + 1) % frames
        image.call("cs_depthwise_rows_s16", struct, ring, at, y)
        np.testing.assert_array_equal(
            image.get(y, np.int16, 5 * size).reshape(5, 1, size), layer.apply(x[:, -read:]), err_msg=str(step)
        )
    assert (image.get(y + 10 * size, np.int16, 8) == 99).all()


def _usual(rng: np.random.Generator, outputs: int) -> dict[str, object]:
    """Constants of channels of a quantized network: every int16, shifts that leave the rounding room."""
    return {"shift": rng.integers(-14, -1, outputs).astype(np.int32), "low": -32767, "high": 32767, "twice": False}


LIMITS = {
    "9→16, 1×5, stride 2": 1.6,
    "16→16, 1×5, stride 2, 2 groups": 2.1,
    "24→16, 1×1": 1.8,
    "depthwise 16, 3×3, dilation 5": 6.2,
    "16→8, 1×1": 2.4,
    "transposed 16→16, 1×5, stride 2, 2 groups": 2.7,
    "transposed 16→2, 1×5, stride 2": 4.9,
}


VECTOR_LIMITS = {"9→16, 1×5, stride 2": 0.43, "24→16, 1×1": 0.51, "16→8, 1×1": 0.70, "transposed 16→2, 1×5, stride 2": 0.54}


@pytest.mark.parametrize(("board", "limits"), [("nrf5340dk", LIMITS), ("mps3_an547", VECTOR_LIMITS)])
def test_instructions_per_mac(counting: Callable[[str], Calls], board: str, limits: dict[str, float]) -> None:
    image, rng = counting(board), np.random.default_rng(0)
    layers = gtcrn_layers(rng)
    for name, limit in limits.items():
        outputs = len(layers[name].weights)
        usual = {"shift": np.full(outputs, -9, np.int32), "low": -32767, "high": 32767, "twice": False}
        some = layers[name]
        negative = None if some.negative is None else np.minimum(some.negative, some.multiplier)
        layer = dataclasses.replace(some, **usual, negative=negative)
        _, instructions = run(image, layer, source_of(rng, layer, "random"))
        assert instructions <= limit * layer.macs, name


@pytest.mark.parametrize("name", ["cs_conv_multiply", "cs_conv_rows", "cs_depthwise_three", "cs_depthwise_channels"])
def test_stack_use_is_what_the_symbol_declares(cores: Callable[[str], Calls], name: str) -> None:
    image = cores("nrf5340dk")
    assert isinstance(image, UnicornCalls)
    declared = next(symbol.value for symbol in image.elf.symbols if symbol.name == f"{name}.stack_bytes")
    image.clear()
    below = image.stack_top - 256
    arguments = 24 if name == "cs_conv_rows" else 16  # five words, or three or four, the stack aligned to 8
    image.engine.mem_write(below, bytes([CANARY]) * 256)
    one, other, bias, acc = (image.put(bytes(64)) for _ in range(4))
    if name == "cs_conv_multiply":
        image.call(name, one, other, 4, 1, bias, acc, 2)
    elif name == "cs_conv_rows":
        image.call(name, one, other, 4, 2, image.put(bytes(80)), acc, 2, 0, 1)
    elif name == "cs_depthwise_channels":
        image.call(name, one, other, other, other, 1, 10, 5, acc)
    else:
        image.call(name, one, 1, other, 0, 0, 4, acc)
    untouched = image.read(below, 256)
    assert untouched[: 256 - arguments - declared] == bytes([CANARY]) * (256 - arguments - declared)
    assert untouched[256 - arguments - declared : 256 - arguments].count(CANARY) < declared


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_layers_of_a_network(cores: Callable[[str], Calls], board: str, bits: int) -> None:
    rng = np.random.default_rng(bits)
    for name, layer in gtcrn_layers(rng, bits).items():
        x = source_of(rng, layer, "random")
        np.testing.assert_array_equal(run(cores(board), layer, x)[0], layer.apply(x), err_msg=name)
