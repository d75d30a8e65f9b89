# SPDX-License-Identifier: Apache-2.0
"""Neighbours along frequency, stacked as channels that a kernel of one tap reads: a kernel of several taps needs no stack."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codesign.compiler.layers import Value
from codesign.compiler.layers.arithmetic import Ints
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.model.graph import Quant


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
