# SPDX-License-Identifier: Apache-2.0
"""A chain of transpositions, reshapes, slices, concatenations, paddings and gathers, composed into one copy or none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.loops import Loop, Loops
from codesign.compiler.layers.view import Shape, View, regular, row_major

MOST_RUNS = 64
"""Indices of a gather in more runs than this want a table."""
MOST_PARTS = 1024
"""A reshape that cuts boxes into more than this is not followed."""


@dataclass(frozen=True)
class Part:
    """A box of an arrangement: `view` stands from index `start` on, axis by axis."""

    start: Shape
    view: View

    @property
    def end(self) -> Shape:
        """The first place after it along each axis."""
        return tuple(a + n for a, n in zip(self.start, self.view.shape, strict=True))


@dataclass(frozen=True)
class Arrangement:
    """Boxes of views that fill `shape`, each index once. A step that would take
    too many boxes gives None: copy first.

    Where a reshape makes a box no box any more, it is cut into smaller ones; `loops` finds the loops over them again.
    An axis may count from the end, −1.
    Start from `Arrangement.of`; each method is one operator. `loops` is what a Rearrange layer copies, and `alias` says when
    nothing has to be copied.
    """

    shape: Shape
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, source: str, shape: Sequence[int]) -> Arrangement:
        """A whole value, row-major."""
        return _one(View.of(source, shape))

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def transpose(self, order: Sequence[int]) -> Arrangement:
        """Axis k of the result is axis order[k]."""
        parts = (Part(tuple(part.start[k] for k in order), part.view.transpose(order)) for part in self.parts)
        return Arrangement(tuple(self.shape[k] for k in order), tuple(parts))

    def slice(self, axis: int, start: int, count: int, step: int = 1) -> Arrangement:
        """`count` indices start, start + step, … of an axis, all of them in it; `step` may be negative."""
        axis %= len(self.shape)
        parts = []
        for part in self.parts:
            first, end = part.start[axis], part.end[axis]
            # The results k whose index start + k · step is in the part.
            if step > 0:
                low, high = -((start - first) // step), -((start - end) // step)
            elif step < 0:
                low, high = (start - end) // -step + 1, (start - first) // -step + 1
            else:
                low, high = (0, count) if first <= start < end else (0, 0)
            low, high = max(low, 0), min(high, count)
            if low >= high:
                continue
            view = part.view.slice(axis, start + low * step - first, high - low, step)
            parts.append(Part((*part.start[:axis], low, *part.start[axis + 1 :]), view))
        return Arrangement((*self.shape[:axis], count, *self.shape[axis + 1 :]), tuple(parts))

    def pad(self, before: Sequence[int], after: Sequence[int]) -> Arrangement:
        """Constants around it, of one value all over the layer; negative numbers cut off."""
        result = self
        for axis, (low, high) in enumerate(zip(before, after, strict=True)):
            result = result.slice(axis, max(-low, 0), result.shape[axis] - max(-low, 0) - max(-high, 0))
            around = []
            for size in (max(low, 0), max(high, 0)):
                shape = (*result.shape[:axis], size, *result.shape[axis + 1 :])
                around.append(_one(View.of(None, shape)))
            result = concatenate([a for a in (around[0], result, around[1]) if a.shape[axis] > 0], axis)
        return result

    def gather(self, axis: int, indices: npt.NDArray[np.int64]) -> Arrangement | None:
        """ONNX Gather: the axis becomes those of `indices` (any shape), which are in 0 … size − 1. None for too many pieces."""
        axis %= len(self.shape)
        if indices.size == 0:
            return None
        if indices.ndim == 0:
            return self.slice(axis, int(indices), 1).reshape((*self.shape[:axis], *self.shape[axis + 1 :]))
        view = self.parts[0].view if len(self.parts) == 1 else None
        steps = _affine(indices)
        if view is not None and steps is not None:
            return _one(view.unfold(axis, int(indices.reshape(-1)[0]), indices.shape, steps))
        if indices.ndim == 1:
            return self._gather_runs(axis, [int(i) for i in indices])
        # One slice for each index of the shortest axis of `indices`.
        k = int(np.argmin(indices.shape))
        slices = []
        for i in range(indices.shape[k]):
            some = self.gather(axis, np.take(indices, i, axis=k))
            if some is None:
                return None
            place = axis + k
            one = some.reshape((*some.shape[:place], 1, *some.shape[place:]))
            if one is None:
                return None
            slices.append(one)
        return _few(concatenate(slices, axis + k))

    def reshape(self, shape: Sequence[int]) -> Arrangement | None:
        """The same elements in the same order; None for too many pieces.

        Raises:
            ValueError: `shape` has another number of elements.
        """
        shape = tuple(shape)
        if math.prod(shape) != self.size:
            raise ValueError(f"{self.shape} has not the elements of {shape}")
        if self.size == 0:
            return None
        parts: list[Part] = []
        left = list(reversed(self.parts))
        while left:
            part = left.pop()
            moved = _reshaped(self.shape, shape, part)
            if moved is not None:
                parts.append(moved)
            else:
                left += reversed(_cut(part))
            if len(parts) + len(left) > MOST_PARTS:
                return None
        return Arrangement(shape, tuple(parts))

    def loops(self) -> tuple[tuple[str | None, Loops], ...]:
        """(source or None for constants, copy) into a row-major value of `shape`, in few copies."""
        to = row_major(self.shape)
        found: list[tuple[str | None, Loops]] = []
        for part in self.parts:
            steps = zip(part.view.shape, part.view.strides, to, strict=True)
            start = sum(a * stride for a, stride in zip(part.start, to, strict=True))
            loops = Loops(tuple(Loop(*step) for step in steps), part.view.offset, start)
            found.append((part.view.source, loops.simplified()))
        while len(merged := _merged(found)) < len(found):
            found = merged
        return tuple(found)

    def alias(self) -> tuple[str, int] | None:
        """(source, offset) where the elements already stand side by side in one value, else None."""
        (source, loops), *others = self.loops()
        if others:
            return None
        steps = [(loop.source, loop.output) for loop in loops.loops]
        return (source, loops.source_offset) if source is not None and steps in ([], [(1, 1)]) else None

    def _gather_runs(self, axis: int, indices: list[int]) -> Arrangement | None:
        """Indices without order as runs of a constant step."""
        runs: list[Arrangement] = []
        while indices:
            count = 1
            while count < len(indices) and regular(indices[: count + 1]):
                count += 1
            found = regular(indices[:count])
            assert found is not None, "one index is a run"
            runs.append(self.slice(axis, found[0], count, found[1]))
            indices = indices[count:]
            if len(runs) > MOST_RUNS:
                return None
        return _few(concatenate(runs, axis))


def concatenate(arrangements: Sequence[Arrangement], axis: int) -> Arrangement:
    """One after the other along an axis."""
    axis %= len(arrangements[0].shape)
    parts, at = [], 0
    for some in arrangements:
        for part in some.parts:
            start = list(part.start)
            start[axis] += at
            parts.append(Part(tuple(start), part.view))
        at += some.shape[axis]
    first = arrangements[0].shape
    return Arrangement((*first[:axis], at, *first[axis + 1 :]), tuple(parts))


def _one(view: View) -> Arrangement:
    return Arrangement(view.shape, (Part((0,) * len(view.shape), view),))


def _few(arrangement: Arrangement) -> Arrangement | None:
    return arrangement if len(arrangement.parts) <= MOST_PARTS else None


def _affine(indices: npt.NDArray[np.int64]) -> tuple[int, ...] | None:
    """Steps of indices that are start + Σ i_k · step_k, else None."""
    first = indices.reshape(-1)[0]
    steps = tuple(int(np.take(indices, 1, axis=k).reshape(-1)[0] - first) if n > 1 else 0 for k, n in enumerate(indices.shape))
    made = first + sum(step * grid for step, grid in zip(steps, np.indices(indices.shape), strict=True))
    return steps if (made == indices).all() else None


def _reshaped(old: Shape, new: Shape, part: Part) -> Part | None:
    """A part after a reshape of the whole from `old`, or None where it is no box or its view no view any more."""
    start: list[int] = []
    sizes: list[int] = []
    for group, target in _groups(old, new):
        some = range(*group)
        box = _box(
            [old[k] for k in some], [part.start[k] for k in some], [part.view.shape[k] for k in some], new[slice(*target)]
        )
        if box is None:
            return None
        start += box[0]
        sizes += box[1]
    view = part.view.reshape(sizes)
    return None if view is None else Part(tuple(start), view)


def _groups(old: Shape, new: Shape) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The shortest ranges of old and of new axes that have the same products, in order."""
    groups = []
    a = b = 0
    while a < len(old) or b < len(new):
        first_a, first_b = a, b
        a, b = min(a + 1, len(old)), min(b + 1, len(new))
        while math.prod(old[first_a:a]) != math.prod(new[first_b:b]):
            if math.prod(old[first_a:a]) < math.prod(new[first_b:b]):
                a += 1
            else:
                b += 1
        groups.append(((first_a, a), (first_b, b)))
    return groups


def _box(old: list[int], start: list[int], sizes: list[int], new: Shape) -> tuple[list[int], list[int]] | None:
    """(start, sizes) in `new` axes of a box in `old` ones, where it is one run of elements and a box there too."""
    first = next((k for k, n in enumerate(sizes) if n != 1), len(sizes))
    if sizes[first + 1 :] != old[first + 1 :]:
        return None
    at = sum(a * math.prod(old[k + 1 :]) for k, a in enumerate(start))
    count = math.prod(sizes)
    for k in range(len(new)):
        inner = math.prod(new[k + 1 :])
        if at % inner or count % inner:
            continue
        row, length = at // inner, count // inner
        if row % new[k] + length > new[k]:
            return None
        places = [at // math.prod(new[i + 1 :]) % new[i] for i in range(k + 1)]
        return places + [0] * (len(new) - k - 1), [1] * k + [length, *new[k + 1 :]]
    return ([], []) if not new else None


def _cut(part: Part) -> list[Part]:
    """A part along its outermost axis, index by index."""
    axis = next(k for k, n in enumerate(part.view.shape) if n != 1)
    return [
        Part((*part.start[:axis], part.start[axis] + i, *part.start[axis + 1 :]), part.view.slice(axis, i, 1))
        for i in range(part.view.shape[axis])
    ]


def _merged(copies: list[tuple[str | None, Loops]]) -> list[tuple[str | None, Loops]]:
    """Copies after one another that differ by constant steps as one more loop."""
    result: list[tuple[str | None, Loops]] = []
    while copies:
        source, first = copies[0]
        count, step = 1, None
        while count < len(copies) and (copies[count][0], copies[count][1].loops) == (source, first.loops):
            before, after = copies[count - 1][1], copies[count][1]
            moved = after.source_offset - before.source_offset, after.output_offset - before.output_offset
            if step is not None and moved != step:
                break
            step, count = moved, count + 1
        if step is not None:
            first = Loops((Loop(count, *step), *first.loops), first.source_offset, first.output_offset).simplified()
        result.append((source, first))
        copies = copies[count:]
    return result
