# SPDX-License-Identifier: Apache-2.0
"""Channels that are neighbours along frequency of fewer ones: found in an arrangement, and read by a convolution once each."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from codesign.compiler.layers import Conv2d, StackedConv2d
from codesign.compiler.layers.arrangement import Arrangement, concatenate
from codesign.compiler.lower.unfolded import stack
from codesign.compiler.operators.operator import FrequencyKernel
from convolutions import with_constants
from integer_layers import integers


def neighbours_of(size: int, number: int, before: int) -> Arrangement:
    """Two channels of two values, each with its neighbours."""
    rows = concatenate([Arrangement.of(name, (1, size)) for name in "ab"], 0)
    padded = rows.pad((0, before), (0, number - 1 - before))
    moved = [padded.slice(1, j, size) for j in range(number)]
    return concatenate([each.slice(0, c, 1) for c in range(2) for each in moved], 0)


@pytest.mark.parametrize(("number", "before"), [(2, 0), (2, 1), (3, 1), (4, 3)])
def test_neighbours_are_found(number, before):
    found = stack(neighbours_of(9, number, before), FrequencyKernel(3, 2, 0, 0, 1))
    assert found is not None
    assert (found.neighbours, found.before, found.once.shape) == (number, before, (2, 9))
    assert {part.view.source for part in found.once.parts} == {"a", "b"}


def test_what_summed_weights_cannot_say_is_left():
    near = neighbours_of(9, 3, 1)
    assert stack(near, FrequencyKernel(3, 1, 1, 1, 1)) is not None
    assert stack(near, FrequencyKernel(5, 1, 2, 2, 1)) is None  # two results at each end differ
    assert stack(neighbours_of(9, 4, 1), FrequencyKernel(10, 1, 1, 1, 1)) is None  # columns of two kernels have no place
    assert stack(near.slice(0, 0, 5), FrequencyKernel(3, 1, 1, 1, 1)) is None
    assert stack(Arrangement.of("a", (6, 9)), FrequencyKernel(3, 1, 1, 1, 1)) is None


@pytest.mark.parametrize(("taps", "stride", "padding"), [(5, 2, (2, 2)), (3, 1, (1, 1)), (4, 3, (0, 2))])
def test_summed_kernels_are_the_convolution(taps, stride, padding):
    rng = np.random.default_rng(taps)
    weights, shape = integers(rng, (4, 6, 1, taps), "random"), (6, 1, 13)
    plain = with_constants(rng, weights, shape, (1, stride), padding=((0, 0), padding), prelu=False)
    fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(Conv2d)}
    layer = StackedConv2d(**fields, neighbours=3, before=1)
    x = rng.integers(-32767, 32768, (2, 1, 13))
    padded = np.pad(x[:, 0], ((0, 0), (1, 1)))
    stacked = np.stack([padded[:, j : j + 13] for j in range(3)], axis=1).reshape(shape)
    assert (layer.apply(x) == plain.apply(stacked)).all()
    sums = plain.sums(stacked, weights.astype(np.float64))[:, 0]
    wide = np.pad(x[:, 0], ((0, 0), (padding[0] + 1, padding[1] + 1 + stride)))
    last = sums.shape[1] - 1
    for result in range(last + 1):
        kernel = layer.joined(result if result in (0, last) else None)[:, :, 0].astype(np.int64)
        window = wide[:, result * stride : result * stride + taps + 2]
        assert (np.einsum("oct,ct->o", kernel, window) == sums[:, result]).all()
