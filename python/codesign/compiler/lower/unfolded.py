# SPDX-License-Identifier: Apache-2.0
"""Neighbours along frequency, stacked as channels: a kernel of several taps in the place of one needs no stack, and one that
has several reads the channels themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codesign.compiler.layers import Value
from codesign.compiler.layers.arithmetic import Ints
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.layers.stacked_conv2d import MOST_COLUMNS
from codesign.compiler.model.graph import Quant

if TYPE_CHECKING:
    from codesign.compiler.operators.operator import FrequencyKernel


@dataclass(frozen=True)
class Unfolded:
    """Channel c · taps + k at frequency f is the first `channels` of `source` at f + k · dilation − before, zero outside."""

    source: Value
    channels: int
    taps: int
    dilation: int
    before: int

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros before and after, which keep the number of frequencies."""
        return self.before, (self.taps - 1) * self.dilation - self.before


def unfolded(arrangement: Arrangement, quant: Quant, groups: int, values: Mapping[str, Value]) -> Unfolded | None:
    """What a kernel of one tap over channels in `groups` may read in the place of `arrangement`, whose parameters are `quant`,
    with taps in the place of channels; None where it cannot.
    """
    names = {part.view.source for part in arrangement.parts if part.view.source is not None}
    if len(names) != 1 or len(arrangement.shape) not in (2, 3):
        return None
    source = values[names.pop()]
    if (source.scale, source.zero_point, 8 * source.element_bytes) != (quant.scale, quant.zero_point, quant.bits):
        return None
    stacked, time, size = arrangement.shape[0], math.prod(arrangement.shape[1:-1]), arrangement.shape[-1]
    places = np.full((stacked, time, size), -1, np.int64)
    for name, loops in arrangement.loops():
        if name is not None:
            places.reshape(-1)[loops.output_indices()] = loops.source_indices()
    first, second = (_shift(places[k, 0]) for k in range(2)) if stacked > 1 else (None, None)
    if first is None or second is None:
        return None
    for taps in (n for n in range(2, stacked + 1) if stacked // groups % n == 0):
        found = Unfolded(source, stacked // taps, taps, second - first, -first)
        fits = found.dilation > 0 and min(found.padding) >= 0 and found.channels * time * size <= source.size
        if fits and (_places(found, time, size) == places).all():
            return found
    return None


@dataclass(frozen=True)
class Stack:
    """Channel c · neighbours + j at frequency f is channel c of `once` at f + j − before, zero outside."""

    once: Arrangement
    neighbours: int
    before: int

    def joins(self, kernel: FrequencyKernel) -> bool:
        """Whether few summed weights do for all results of `kernel` but the first and the last."""
        size, columns = self.once.shape[-1], self.once.shape[0] // kernel.groups * (kernel.taps + self.neighbours - 1)
        results = kernel.results(size)
        inner = np.arange(1, results - 1)[:, None] * kernel.stride - kernel.before + np.arange(kernel.taps)
        outside = inner[(inner < 0) | (inner >= size)][:, None] + np.arange(self.neighbours) - self.before
        return results > 1 and columns <= MOST_COLUMNS and not ((outside >= 0) & (outside < size)).any()


def stack(arrangement: Arrangement, kernel: FrequencyKernel) -> Stack | None:
    """The channels of one frame of which `arrangement`, read by `kernel`, has several copies, each moved by one along
    frequency; None where it has not, or `kernel` had better read them all.
    """
    if len(arrangement.shape) not in (2, 3) or math.prod(arrangement.shape[1:-1]) != 1:
        return None
    stacked, size = arrangement.shape[0], arrangement.shape[-1]
    places, names = np.full(stacked * size, -1, np.int64), dict[str, int]()
    for name, loops in arrangement.loops():
        if name is not None:
            places[loops.output_indices()] = names.setdefault(name, len(names)) * _SOURCE + loops.source_indices()
    rows = places.reshape(stacked, size)
    before = next((j for j, row in enumerate(rows) if row.min() >= 0), 0)
    for taps in (n for n in range(before + 1, stacked + 1) if n > 1 and stacked // kernel.groups % n == 0):
        near = rows.reshape(-1, taps, size)
        if all((_moved(near[:, before], j - before) == near[:, j]).all() for j in range(taps)):
            found = Stack(arrangement.slice(0, before, stacked // taps, taps), taps, before)
            return found if found.joins(kernel) else None
    return None


_SOURCE = 1 << 32
"""From a place in one source to the same in the next one."""


def _moved(rows: Ints, by: int) -> Ints:
    """Element f + by of each row at f, −1 outside."""
    size = rows.shape[1]
    places = np.arange(size) + by
    inside = (places >= 0) & (places < size)
    return np.where(inside, rows[:, np.clip(places, 0, size - 1)], -1)


def _shift(row: Ints) -> int | None:
    """Source less result of a row's first element that is no padding; None for a row of padding."""
    at = int(np.argmax(row >= 0))
    return int(row[at]) - at if row[at] >= 0 else None


def _places(found: Unfolded, time: int, size: int) -> Ints:
    """Where the elements stand in the source, int64 (stacked channels, time, size); −1 for padding."""
    frequency = np.arange(size) + (np.arange(found.taps) * found.dilation - found.before)[:, None]
    rows = np.arange(found.channels * time).reshape(found.channels, 1, time, 1) * size
    inside = (frequency >= 0) & (frequency < size)
    full = np.where(inside[None, :, None, :], rows + frequency[None, :, None, :], -1)
    return np.asarray(full.reshape(found.channels * found.taps, time, size), np.int64)
