# SPDX-License-Identifier: Apache-2.0
"""Elements moved from place to place: transposition, slices, concatenation, padding, unfolding, and plain copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.loops import Loops
from codesign.compiler.layers.rearrange_code import rearrange_code
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
        """Integers of any shape in the output's scale, clamped."""
        return np.clip(mbqm(x - self.source_zero_point, self.multiplier, self.shift) + self.zero_point, self.low, self.high)


@dataclass(frozen=True)
class Piece:
    """A strided copy from the value `source`; without a source, all elements are `fill`.

    With `rescale`, or from int8 to int8 `table`, int8 (256,), the numbers come out in another scale; q becomes table[q + 128].
    """

    loops: Loops
    source: str | None
    fill: int = 0
    rescale: Rescale | None = None
    table: npt.NDArray[np.int8] | None = None

    def changed(self, x: Ints) -> Ints:
        """Elements of the source, of any shape, in the output's scale."""
        if self.table is not None:
            return np.asarray(self.table[x + 128], np.int64)
        return x if self.rescale is None else self.rescale.apply(x)


@dataclass(frozen=True)
class Rearrange(Layer):
    """Pieces that together write each of the output's `size` elements once; int8 or int16 values."""

    output: str
    size: int
    pieces: tuple[Piece, ...]

    kind: ClassVar[str] = "rearrange"

    @property
    def title(self) -> str:
        return f"copy of {self.size}"

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
        return tuple(piece.table for piece in self.pieces if piece.table is not None)

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
            result[at] = piece.changed(values[piece.source].reshape(-1)[piece.loops.source_indices()])
        values[self.output] = result

    def code(self, context: CodeContext) -> LayerCode:
        return rearrange_code(self, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: int(any(piece.rescale is not None or piece.table is not None for piece in self.pieces))}
