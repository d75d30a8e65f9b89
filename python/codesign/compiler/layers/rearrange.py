# SPDX-License-Identifier: Apache-2.0
"""Elements moved from place to place: transposition, slices, concatenation, padding, unfolding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.loops import MOST_LOOPS, Loops
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Rescale:
    """y = clamp(MBQM(x − source_zero_point, multiplier, shift) + zero_point, low, high)."""

    multiplier: int
    shift: int
    source_zero_point: int
    zero_point: int
    low: int
    high: int

    def apply(self, x: Ints) -> Ints:
        return np.clip(mbqm(x - self.source_zero_point, self.multiplier, self.shift) + self.zero_point, self.low, self.high)


@dataclass(frozen=True)
class Piece:
    """A strided copy from the value `source`; without a source, all elements are `fill`."""

    loops: Loops
    source: str | None
    fill: int = 0
    rescale: Rescale | None = None


@dataclass(frozen=True)
class Rearrange(Layer):
    """Pieces that together write each of the output's `size` elements once; int8 or int16 values."""

    output: str
    size: int
    pieces: tuple[Piece, ...]

    kind: ClassVar[str] = "rearrange"

    @property
    def title(self) -> str:
        return f"rearrangement of {self.size} elements"

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(piece.source for piece in self.pieces if piece.source is not None))

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.output,)

    @property
    def states(self) -> tuple[str, ...]:
        return ()

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return ()

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return ()

    @property
    def scratch_bytes(self) -> int:
        return 0

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        result = np.zeros(self.size, np.int64)
        for piece in self.pieces:
            at = piece.loops.output_indices()
            if piece.source is None:
                result[at] = piece.fill
                continue
            moved = values[piece.source].reshape(-1)[piece.loops.source_indices()]
            result[at] = moved if piece.rescale is None else piece.rescale.apply(moved)
        values[self.output] = result

    def code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        target = context.values[self.output].dtype
        arrays: list[Array] = []
        rows = []
        fills: dict[int, str] = {}
        for piece in self.pieces:
            if piece.source is None:
                if piece.fill not in fills:
                    name = context.member(self.name, f"fill{len(fills)}")
                    fills[piece.fill] = name
                    arrays.append(Array.of(name, np.array([piece.fill], target)))
                x, wide = fills[piece.fill], target == "int16"
            else:
                x, wide = context.at(piece.source), context.values[piece.source].dtype == "int16"
            for loops in piece.loops.split():
                rows.append({"moves": c_loops(loops), "x": x, "rescale": piece.rescale, "wide": int(wide)})
        code = context.render(
            "rearrange.c.j2", prefix=prefix, rows=rows, y=context.at(self.output), bits=16 if target == "int16" else 8
        )
        return LayerCode(prefix, tuple(arrays), code)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: int(any(piece.rescale is not None for piece in self.pieces))}


def c_loops(loops: Loops) -> dict[str, Any]:
    """Fields of a cs_copy."""
    missing = MOST_LOOPS - len(loops.loops)
    return {
        "from_offset": loops.source_offset,
        "to_offset": loops.output_offset,
        "sizes": [1] * missing + [loop.size for loop in loops.loops],
        "from_": [0] * missing + [loop.source for loop in loops.loops],
        "to": [0] * missing + [loop.output for loop in loops.loops],
    }
