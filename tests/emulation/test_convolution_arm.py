# SPDX-License-Identifier: Apache-2.0
"""Convolutions, built for Cortex-M and run in an emulator, against the reference: every bit and every saved register."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import BOARDS, open_calls

from codesign.compiler.layers.convolution import Convolution
from codesign.testing.calls import Calls
from convolutions import convolution, function, gtcrn_layers, source_of, structs

CANARY = 0x5C


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Calls]:
    return functools.cache(lambda board: open_calls(board, tmp_path_factory.mktemp(board)))


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Calls]:
    return functools.cache(lambda board: open_calls(board, tmp_path_factory.mktemp(board), counting=True))


def run(image: Calls, layer: Convolution, x: np.ndarray) -> tuple[np.ndarray, int]:
    """(y, instructions)."""
    image.clear()
    filled = [(image.put(bytes(c)), phase) for c, phase in structs(layer, ctypes.c_uint32, image.put)]
    count, instructions = int(np.prod(layer.result_shape)), 0
    x_at, y_at = image.put(np.ascontiguousarray(x)), image.put(np.full(count + 8, 99, x.dtype))
    scratch = image.put(bytes([CANARY]) * (layer.scratch_bytes + 64))
    for c, phase in filled:
        image.call(function(layer), c, x_at, y_at + x.itemsize * phase.y_offset, scratch)
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


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_layers_of_a_network(cores: Callable[[str], Calls], board: str, bits: int) -> None:
    rng = np.random.default_rng(bits)
    for name, layer in gtcrn_layers(rng, bits).items():
        x = source_of(rng, layer, "random")
        np.testing.assert_array_equal(run(cores(board), layer, x)[0], layer.apply(x), err_msg=name)
