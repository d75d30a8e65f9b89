# SPDX-License-Identifier: Apache-2.0
"""Parts of values put together: concatenations, slices, and states brought to the next step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Piece:
    """`count` runs of `length` elements of `source`, the first at `start`, `stride` elements from one to the next.

    They come to lie from element `to` of the output on, `to_stride` elements from one to the next. With `table`, int8 (256,),
    element q becomes table[q + 128]: the same numbers in another scale.
    """

    source: str
    length: int
    start: int = 0
    to: int = 0
    count: int = 1
    stride: int = 0
    to_stride: int = 0
    table: npt.NDArray[np.int8] | None = None

    def places(self, first: int, stride: int) -> npt.NDArray[np.int64]:
        """Indices of all its elements, (count · length,)."""
        return (first + stride * np.arange(self.count)[:, None] + np.arange(self.length)).ravel()


@dataclass(frozen=True)
class Copy(Layer):
    """`pieces` of other values make up all `size` elements of `output`. A table costs 256 bytes; without, bytes are copied."""

    output: str
    size: int
    pieces: tuple[Piece, ...]

    kind: ClassVar[str] = "copy"

    @property
    def title(self) -> str:
        return f"copy of {self.size}"

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(piece.source for piece in self.pieces))

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
        whole = np.zeros(self.size, np.int64)
        for piece in self.pieces:
            part = values[piece.source][piece.places(piece.start, piece.stride)]
            whole[piece.places(piece.to, piece.to_stride)] = part if piece.table is None else piece.table[part + 128]
        values[self.output] = whole

    def code(self, context: CodeContext) -> LayerCode:
        prefix, arrays, statements = context.functions[self.name], [], []
        for index, piece in enumerate(self.pieces):
            run = " + i * {}" if piece.count > 1 else ""
            to = f"{context.at(self.output)} + {piece.to}" + run.format(piece.to_stride)
            source = f"{context.at(piece.source)} + {piece.start}" + run.format(piece.stride)
            statement = f"memcpy({to}, {source}, {piece.length * context.values[piece.source].element_bytes});"
            if piece.table is not None:
                arrays.append(Array.of(context.member(self.name, f"table_{index}"), piece.table))
                statement = f"cs_lookup_s8({arrays[-1].name}, {source}, {to}, {piece.length});"
            loop = f"for (int i = 0; i < {piece.count}; i++) {{ {statement} }}"
            statements.append(loop if piece.count > 1 else statement)
        text = context.render("elementwise.c.j2", prefix=prefix, statement="\n    ".join(statements))
        return LayerCode(prefix, tuple(arrays), text)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: int(any(piece.table is not None for piece in self.pieces))}
