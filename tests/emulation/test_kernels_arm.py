# SPDX-License-Identifier: Apache-2.0
"""runtime/nn, built for Cortex-M and run under Unicorn, against the reference: every bit and every saved register."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import BOARDS, CASES, build, open_calls

from codesign.compiler.layers import FullyConnected, Lstm
from codesign.compiler.layers.packing import PACKERS
from codesign.compiler.layers.tables import lookup16
from codesign.firmware.boards import load_board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.elf import read_elf
from codesign.firmware.machines.profile import thumb_instructions
from codesign.firmware.toolchain.kernels import best_kernel
from codesign.testing.calls import Calls
from codesign.testing.unicorn_calls import UnicornCalls
from integer_layers import fully_connected, integers, lstm

BLOCK_ROWS = 64
CANARY = 0x5C


def round_up(n: int) -> int:
    return -(-n // 4) * 4


def prepared_bytes(n: int) -> int:
    return 2 * round_up(n) + 8


def matrix(image: Calls, weights: np.ndarray, kernel: str) -> bytes:
    address = image.put(PACKERS[kernel](weights))
    return struct.pack("<IIHH", image.address(f"cs_kernel_{kernel}"), address, *weights.shape)


def run_fully_connected(image: Calls, layer: FullyConnected, x: np.ndarray, kernel: str, bits: int) -> np.ndarray:
    image.clear()
    rows, columns = layer.weights.shape
    pointers = (image.put(layer.bias), image.put(layer.multiplier), image.put(layer.shift.astype(np.int8)))
    constants = struct.pack("<IIIiii", *pointers, layer.zero_point, layer.low, layer.high)
    struct_at = image.put(matrix(image, layer.weights, kernel) + constants)
    dtype = np.int16 if bits == 16 else np.int8
    x_at = image.put(x)
    y_at = image.put(np.zeros(rows, dtype))
    scratch_bytes = prepared_bytes(columns) + 4 * min(round_up(rows), BLOCK_ROWS)
    scratch = image.put(bytes([CANARY]) * (scratch_bytes + 64))
    image.call(f"cs_fully_connected_s{bits}", struct_at, x_at, y_at, scratch)
    assert bytes(image.get(scratch + scratch_bytes, np.uint8, 64)) == bytes([CANARY]) * 64
    return image.get(y_at, dtype, rows)


def run_lstm(
    image: Calls, layer: Lstm, x: np.ndarray, hidden: np.ndarray, cell: np.ndarray, kernel: str
) -> tuple[np.ndarray, np.ndarray]:
    image.clear()
    head = matrix(image, layer.input_weights, kernel) + matrix(image, layer.recurrent_weights, kernel)
    words = (*layer.input_multiplier, *layer.recurrent_multiplier)
    tail = (layer.cell_fraction, layer.hidden_shift, layer.hidden_zero_point, layer.hidden_multiplier)
    body = struct.pack("<I8i4BBBbxi", image.put(layer.bias), *words, *layer.gate_shift, *tail)
    struct_at = image.put(head + body)
    x_at, hidden_at, cell_at = image.put(x), image.put(hidden), image.put(cell)
    scratch_bytes = prepared_bytes(layer.inputs) + prepared_bytes(layer.units) + 8 * BLOCK_ROWS
    scratch = image.put(bytes([CANARY]) * (scratch_bytes + 64))
    image.call("cs_lstm_step", struct_at, x_at, hidden_at, cell_at, scratch)
    assert bytes(image.get(scratch + scratch_bytes, np.uint8, 64)) == bytes([CANARY]) * 64
    return image.get(hidden_at, np.int8, layer.units), image.get(cell_at, np.int16, layer.units)


@pytest.mark.parametrize(("board", "kernel"), CASES)
@pytest.mark.parametrize("kind", ["random", "extreme", "maximum"])
def test_matvec_over_all_columns(cores: Callable[[str], Calls], board: str, kernel: str, kind: str) -> None:
    image, rng = cores(board), np.random.default_rng(5)
    prepare, matvec = struct.unpack("<II", image.read(image.address(f"cs_kernel_{kernel}"), 8))
    image.clear()
    jobs, expected = [], []
    for columns in range(1, 514):
        rows = 4 * int(rng.integers(1, 3))
        weights, x = integers(rng, (rows, columns), kind), integers(rng, (columns,), kind)
        x_at, weights_at = image.put(x), image.put(PACKERS[kernel](weights))
        prepared = image.put(np.zeros(prepared_bytes(columns), np.uint8))
        acc = image.put(np.full(rows + 1, CANARY, np.int32))
        jobs += [prepare, x_at, columns, prepared, 0, 0, matvec, weights_at, prepared, rows, columns, acc]
        expected.append((acc, [*(256 * (weights.astype(np.int64) @ x)), CANARY]))
    image.call("sweep", image.put(np.array(jobs, np.uint32)), len(jobs) // 6)
    for columns, (acc, sums) in enumerate(expected, start=1):
        wrapped = np.array(sums, np.int64).astype(np.uint32).view(np.int32)
        np.testing.assert_array_equal(image.get(acc, np.int32, len(sums)), wrapped, err_msg=f"{columns} columns")


@pytest.mark.parametrize(("board", "kernel"), CASES)
@pytest.mark.parametrize("kind", ["random", "extreme", "maximum"])
def test_fully_connected_is_the_reference(cores: Callable[[str], Calls], board: str, kernel: str, kind: str) -> None:
    image, rng = cores(board), np.random.default_rng(1)
    shapes = [(int(rng.integers(1, 150)), columns) for columns in (1, 3, 4, 15, 16, 17, 31, 33, 100, 136, 255, 256, 512)]
    for rows, columns in shapes:
        bits = int(rng.choice([8, 16]))
        layer = fully_connected(rng, rows, columns, bits, kind)
        x = integers(rng, (columns,), kind)
        y = run_fully_connected(image, layer, x, kernel, bits)
        np.testing.assert_array_equal(y, layer.apply(x), err_msg=f"{rows}x{columns}")


@pytest.mark.parametrize(("board", "kernel"), CASES)
@pytest.mark.parametrize("fraction", [8, 11, 12, 13, 15])
def test_lstm_is_the_reference(cores: Callable[[str], Calls], board: str, kernel: str, fraction: int) -> None:
    image, rng = cores(board), np.random.default_rng(fraction)
    shapes = ((1, 1), (3, 5), (33, 17), (96, 40), (20, 97))
    for (inputs, units), kind, gain in zip(
        shapes, ("random", "extreme", "maximum", "random", "random"), (24, 30, 30, 25, 24), strict=True
    ):
        layer = lstm(rng, inputs, units, fraction, kind, gain)
        hidden, cell = integers(rng, (units,), kind), rng.integers(-32768, 32768, units).astype(np.int16)
        for _ in range(3):
            x = integers(rng, (inputs,), kind)
            expected = layer.apply(x, hidden, cell)
            hidden, cell = run_lstm(image, layer, x, hidden, cell, kernel)
            np.testing.assert_array_equal(hidden, expected[0])
            np.testing.assert_array_equal(cell, expected[1])


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("table", ["sigmoid", "tanh"])
def test_lookup_over_all_inputs(cores: Callable[[str], Calls], board: str, table: str) -> None:
    image = cores(board)
    image.clear()
    q = np.arange(-32768, 32768).astype(np.int16)
    at = image.put(q)
    image.call("cs_lookup_s16", image.address(f"cs_{table}_table"), at, at, len(q))
    np.testing.assert_array_equal(image.get(at, np.int16, len(q)), lookup16(table, q.astype(np.int64)))


def test_kernels_are_there_only_with_their_extension(tmp_path: Path) -> None:
    names = {symbol.name for symbol in read_elf(build("nrf5340dk", tmp_path)).symbols}
    assert {"cs_kernel_plain", "cs_kernel_dsp", "cs_matvec_dsp"} <= names
    assert not {"cs_kernel_mve", "cs_matvec_mve"} & names
    names = {symbol.name for symbol in read_elf(build("cortex-m3", tmp_path)).symbols}
    assert "cs_kernel_plain" in names
    assert not {"cs_kernel_dsp", "cs_matvec_dsp", "cs_matvec_dual"} & names


@pytest.mark.parametrize("board", ["nrf52840dk", "nrf5340dk", "stm32f746g_disco"])
@pytest.mark.parametrize("matvec", ["cs_matvec_dsp", "cs_matvec_dual"])
def test_stack_use_is_what_the_symbol_declares(cores: Callable[[str], Calls], board: str, matvec: str) -> None:
    image = cores(board)
    assert isinstance(image, UnicornCalls)
    declared = next(symbol.value for symbol in image.elf.symbols if symbol.name == f"{matvec}.stack_bytes")
    image.clear()
    below = image.stack_top - 256
    image.engine.mem_write(below, bytes([CANARY]) * 256)
    weights, x, acc = (image.put(bytes(64)) for _ in range(3))
    image.call(matvec, weights, x, 4, 4, acc)
    untouched = image.read(below, 256)
    argument = 8  # one word, the stack aligned to 8
    assert untouched[: 256 - argument - declared] == bytes([CANARY]) * (256 - argument - declared)
    assert untouched[256 - argument - declared : 256 - argument].count(CANARY) < declared


DSP_LIMITS = {(96, 112): 1.02, (128, 136): 0.98, (128, 256): 0.93, (256, 256): 0.91}
LIMITS = {
    "nrf52840dk": DSP_LIMITS,
    "nrf5340dk": DSP_LIMITS,
    "stm32f746g_disco": DSP_LIMITS,
    "mps3_an547": {(96, 112): 0.23, (128, 136): 0.22, (128, 256): 0.19, (256, 256): 0.18},
}


@pytest.mark.parametrize(("board", "shape"), [(board, shape) for board, shapes in LIMITS.items() for shape in shapes])
def test_lstm_instructions_per_mac(counting: Callable[[str], Calls], board: str, shape: tuple[int, int]) -> None:
    inputs, units = shape
    image, rng = counting(board), np.random.default_rng(0)
    layer = lstm(rng, inputs, units)
    kernel = best_kernel(load_board(board))
    run_lstm(image, layer, integers(rng, (inputs,)), integers(rng, (units,)), np.zeros(units, np.int16), kernel)
    assert image.instructions <= LIMITS[board][shape] * 4 * units * (inputs + units)


CYCLE_LIMITS = {"nrf52840dk": 1.30, "nrf5340dk": 1.15, "stm32f746g_disco": 0.60}


@pytest.mark.parametrize(("board", "limit"), CYCLE_LIMITS.items())
@pytest.mark.parametrize("inputs", [128, 256])
def test_lstm_estimated_cycles_per_mac(counting: Callable[[str], Calls], board: str, limit: float, inputs: int) -> None:
    image, rng, units, card = counting(board), np.random.default_rng(0), 256, load_board(board)
    assert isinstance(image, UnicornCalls)
    layer = lstm(rng, inputs, units)
    run_lstm(image, layer, integers(rng, (inputs,)), integers(rng, (units,)), np.zeros(units, np.int16), best_kernel(card))
    cycles = sum(cycles_of_blocks(image.blocks, image.elf.path, card).values())
    assert cycles <= limit * 4 * units * (inputs + units)


FULLY_CONNECTED_LIMITS = {"nrf52840dk": 1.05, "nrf5340dk": 1.05, "stm32f746g_disco": 1.05, "mps3_an547": 0.24}


@pytest.mark.parametrize(("board", "limit"), FULLY_CONNECTED_LIMITS.items())
@pytest.mark.parametrize("size", [136, 256])
def test_fully_connected_instructions_per_mac(counting: Callable[[str], Calls], board: str, limit: float, size: int) -> None:
    image, rng = counting(board), np.random.default_rng(0)
    layer, x = fully_connected(rng, size, size), integers(rng, (size,))
    run_fully_connected(image, layer, x, best_kernel(load_board(board)), 8)
    assert image.instructions <= limit * size * size


@pytest.mark.parametrize("shape", [(13, 35), (96, 112)])
def test_trace_and_clock_count_the_same(tmp_path: Path, shape: tuple[int, int]) -> None:
    image = open_calls("mps3_an547", tmp_path, tracing=True)
    rng, (inputs, units) = np.random.default_rng(1), shape
    layer = lstm(rng, inputs, units)
    run_lstm(image, layer, integers(rng, (inputs,)), integers(rng, (units,)), np.zeros(units, np.int16), "mve")
    lengths = (thumb_instructions(image.read(block.address, block.size)) for block in image.blocks)
    traced = sum(block.executions * length for block, length in zip(image.blocks, lengths, strict=True))
    assert traced == image.instructions
