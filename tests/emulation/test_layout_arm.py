# SPDX-License-Identifier: Apache-2.0
"""Rearrangements and histories, built for Cortex-M and run in an emulator, against the reference."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")

from cores import BOARDS

from codesign.compiler.layers import History, Rearrange, Value
from codesign.compiler.layers.arrangement import Arrangement, concatenate
from codesign.compiler.layers.rearrange import Rescale
from codesign.compiler.layers.rearrange_code import c_loops
from codesign.compiler.lower.arrangement import rearrange
from codesign.testing.calls import Calls


def arrangements() -> list[Arrangement]:
    """Each way to move what two values hold."""
    a, b = Arrangement.of("a", (8, 3, 11)), Arrangement.of("b", (8, 3, 11))
    shuffled = concatenate([a.reshape((1, 8, 33)), b.reshape((1, 8, 33))], 0).transpose((1, 0, 2)).reshape((16, 33))
    unfolded = a.pad((0, 0, 1), (0, 0, 1)).gather(2, np.arange(11)[:, None] + np.arange(3))
    assert shuffled is not None
    assert unfolded is not None
    return [a.transpose((2, 0, 1)), a.slice(2, 10, 6, -2), concatenate([a, b], 1), shuffled, unfolded, a.slice(2, 1, 9)]


def scale_bytes(rescale: Rescale, x_wide: int, y_wide: int) -> bytes:
    names = ("multiplier", "shift", "source_zero_point", "zero_point", "low", "high")
    return struct.pack("<6iBBxx", *(getattr(rescale, name) for name in names), x_wide, y_wide)


def run(image: Calls, layer: Rearrange, sources: dict[str, np.ndarray], dtype: str) -> np.ndarray:
    image.clear()
    at = {name: image.put(array) for name, array in sources.items()}
    y = image.put(np.full(layer.size + 8, 77, dtype))
    for piece in layer.pieces:
        x = image.put(np.array([piece.fill], dtype)) if piece.source is None else at[piece.source]
        wide = piece.source is not None and sources[piece.source].dtype == np.int16
        for loops in piece.loops.split():
            c = c_loops(loops, scaled=piece.rescale is not None)
            copy = image.put(struct.pack("<2i4I8i", c["from_offset"], c["to_offset"], *c["sizes"], *c["from_"], *c["to"]))
            if piece.rescale is None:
                image.call(f"cs_rearrange_s{8 * np.dtype(dtype).itemsize}", copy, x, y)
            else:
                scale = image.put(scale_bytes(piece.rescale, wide, dtype == "int16"))
                image.call("cs_rearrange_scaled", copy, scale, x, y)
    result = image.get(y, dtype, layer.size + 8)
    assert (result[-8:] == 77).all()
    return result[:-8]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("dtype", "scale"), [("int8", 0.5), ("int16", 0.5), ("int16", 0.3)])
def test_rearrangements_are_the_reference(cores: Callable[[str], Calls], board: str, dtype: str, scale: float) -> None:
    rng, image = np.random.default_rng(1), cores(board)
    for arrangement in arrangements():
        values = {name: Value(name, 264, dtype, 0.5) for name in "ab"}
        layer = rearrange("move", arrangement, values, Value("y", arrangement.size, dtype, scale))
        sources = {name: rng.integers(-127, 128, 264).astype(dtype) for name in "ab"}
        expected = {name: array.astype(np.int64) for name, array in sources.items()}
        layer.step(expected, ())
        np.testing.assert_array_equal(run(image, layer, sources, dtype), expected["y"])


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_history_is_the_reference(cores: Callable[[str], Calls], board: str, bits: int) -> None:
    rng, image, dtype = np.random.default_rng(2), cores(board), f"int{bits}"
    for rows, frames, size in ((16, 11, 33), (3, 1, 5), (2, 2, 1)):
        layer = History("h", "x", "s", rows, frames, size)
        state, x = (rng.integers(-99, 100, n).astype(dtype) for n in (rows * frames * size, rows * size))
        image.clear()
        state_at, x_at = image.put(state), image.put(x)
        image.call(f"cs_history_s{bits}", state_at, x_at, rows, frames, size)
        values = {"s": state.astype(np.int64), "x": x.astype(np.int64)}
        layer.step(values, ())
        np.testing.assert_array_equal(image.get(state_at, dtype, state.size), values["s"])
