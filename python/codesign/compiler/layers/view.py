# SPDX-License-Identifier: Apache-2.0
"""A strided view of a value: what transpositions, slices and reshapes of it leave to copy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

Shape = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """Element (i₀, i₁, …) of `shape` is element offset + Σ i_k · strides_k of a value, or of no value: a constant (padding)."""

    source: str | None
    shape: Shape
    strides: Shape
    offset: int = 0

    @classmethod
    def of(cls, source: str | None, shape: Sequence[int]) -> View:
        """The whole value, row-major; without a source, constants."""
        strides = row_major(shape) if source is not None else (0,) * len(shape)
        return cls(source, tuple(shape), strides)

    def transpose(self, order: Sequence[int]) -> View:
        """Axis k of the result is axis order[k]."""
        return replace(self, shape=tuple(self.shape[k] for k in order), strides=tuple(self.strides[k] for k in order))

    def slice(self, axis: int, start: int, count: int, step: int = 1) -> View:
        """`count` indices start, start + step, … of an axis; `step` may be negative or 0."""
        offset = self.offset + start * self.strides[axis] if count else self.offset
        shape, strides = list(self.shape), list(self.strides)
        shape[axis], strides[axis] = count, step * self.strides[axis]
        return View(self.source, tuple(shape), tuple(strides), offset)

    def unfold(self, axis: int, start: int, counts: Sequence[int], steps: Sequence[int]) -> View:
        """An axis becomes several: index start + Σ i_k · steps_k of it."""
        stride = self.strides[axis]
        shape = (*self.shape[:axis], *counts, *self.shape[axis + 1 :])
        strides = (*self.strides[:axis], *(step * stride for step in steps), *self.strides[axis + 1 :])
        return View(self.source, shape, strides, self.offset + start * stride)

    def reshape(self, shape: Sequence[int]) -> View | None:
        """The same elements in the same order, or None where no strides say that.

        Neighbouring axes that are one run become one; each run is then cut into the new axes.

        Raises:
            ValueError: `shape` has another number of elements.
        """
        shape = tuple(shape)
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(f"{self.shape} has not the elements of {shape}")
        if 0 in shape:
            return replace(self, shape=shape, strides=(0,) * len(shape))
        runs: list[tuple[int, int]] = []  # (size, stride)
        for size, stride in zip(self.shape, self.strides, strict=True):
            if size == 1:
                continue
            if runs and runs[-1][1] == size * stride:
                runs[-1] = (runs[-1][0] * size, stride)
            else:
                runs.append((size, stride))
        strides: list[int] = []
        left, stride = 1, 0  # of the run that is being cut, from the outside
        for size in shape:
            if size == 1:
                strides.append(0)
                continue
            if left == 1:
                left, stride = runs.pop(0)
            if left % size:
                return None
            left //= size
            strides.append(left * stride)
        return replace(self, shape=shape, strides=tuple(strides))


def row_major(shape: Sequence[int]) -> Shape:
    """Strides of a value of this shape in memory."""
    return tuple(math.prod(shape[k + 1 :]) for k in range(len(shape)))


def regular(indices: Sequence[int]) -> tuple[int, int] | None:
    """(start, step) of indices that are start + i · step, else None."""
    step = indices[1] - indices[0] if len(indices) > 1 else 1
    if any(later - earlier != step for earlier, later in itertools.pairwise(indices)):
        return None
    return indices[0], step
