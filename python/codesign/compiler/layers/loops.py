# SPDX-License-Identifier: Apache-2.0
"""Strided copies: nested loops over elements of a source and of an output."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codesign.compiler.layers.arithmetic import Ints

MOST_LOOPS = 4
"""CS_COPY_LOOPS of runtime/include/codesign/layout.h."""


@dataclass(frozen=True)
class Loop:
    """`size` steps of `source` elements there and `output` elements here."""

    size: int
    source: int
    output: int


@dataclass(frozen=True)
class Loops:
    """Output element output_offset + Σ i·output of all loops is source element source_offset + Σ i·source; the last loop is
    the innermost.
    """

    loops: tuple[Loop, ...]
    source_offset: int = 0
    output_offset: int = 0

    @property
    def size(self) -> int:
        """Elements that are copied."""
        return int(np.prod([loop.size for loop in self.loops], dtype=np.int64))

    def simplified(self) -> Loops:
        """The same copy in as few loops as possible, those with far steps outside."""
        rest = [loop for loop in self.loops if loop.size != 1]
        rest.sort(key=lambda loop: (-abs(loop.output), -abs(loop.source)))
        merged: list[Loop] = []
        for loop in rest:
            outer = merged[-1] if merged else None
            if outer and (outer.source, outer.output) == (loop.source * loop.size, loop.output * loop.size):
                merged[-1] = replace(loop, size=outer.size * loop.size)
            else:
                merged.append(loop)
        return replace(self, loops=tuple(merged))

    def split(self) -> tuple[Loops, ...]:
        """Copies of at most MOST_LOOPS loops each: the shortest of the loops that are too many are written out."""
        if len(self.loops) <= MOST_LOOPS:
            return (self,)
        shortest = min(self.loops[:-1], key=lambda loop: loop.size)
        rest = tuple(loop for loop in self.loops if loop is not shortest)
        moved = (
            Loops(rest, self.source_offset + i * shortest.source, self.output_offset + i * shortest.output)
            for i in range(shortest.size)
        )
        return tuple(part for copy in moved for part in copy.split())

    def source_indices(self) -> Ints:
        """Of all elements in loop order, int64 (size,)."""
        return _indices(self.source_offset, [(loop.size, loop.source) for loop in self.loops])

    def output_indices(self) -> Ints:
        """Of all elements in loop order, int64 (size,)."""
        return _indices(self.output_offset, [(loop.size, loop.output) for loop in self.loops])


def _indices(offset: int, steps: list[tuple[int, int]]) -> Ints:
    at = np.array([offset], np.int64)
    for size, step in steps:
        at = (at[:, None] + step * np.arange(size, dtype=np.int64)).reshape(-1)
    return at
