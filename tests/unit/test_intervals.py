# SPDX-License-Identifier: Apache-2.0
"""Intervals hold what they claim: in simulated experiments, as often as they say."""

import numpy as np
import pytest

from codesign.base.intervals import mean_of
from codesign.hearing.listen.statistics import equivalence

EXPERIMENTS = 4000


def coverage(n, draw, scale=(-np.inf, np.inf)):
    """Share of experiments with `n` values each whose interval holds the mean of what they were drawn from."""
    rng = np.random.default_rng(n)
    values, mean = draw(rng, (EXPERIMENTS, n))
    found = [mean_of(row, scale) for row in values]
    assert all(f.low <= f.mean <= f.high and scale[0] <= f.low and f.high <= scale[1] for f in found)
    return np.mean([f.low <= mean <= f.high for f in found])


@pytest.mark.parametrize("n", [2, 5, 20])
def test_coverage_of_normal_values(n):
    assert 0.935 <= coverage(n, lambda rng, shape: (rng.normal(3.0, 2.0, shape), 3.0)) <= 0.965


@pytest.mark.parametrize("n", [5, 8, 20])
def test_coverage_on_a_scale_that_ends(n):
    """Answers of −3 to 3 with their mean at 1: whole numbers, cut at 3, and the interval cut to the scale."""
    answers = np.arange(-3, 4)
    weights = np.exp(-0.5 * ((answers - 1.2) / 1.3) ** 2)
    weights /= weights.sum()

    def draw(rng, shape):
        return rng.choice(answers, shape, p=weights).astype(float), float(answers @ weights)

    assert coverage(n, draw, (-3.0, 3.0)) >= 0.93


def test_nothing_lies_beyond_the_scale():
    found = mean_of([0.98, 1.0], (0.0, 1.0))
    assert (found.low, found.high) == (pytest.approx(0.99 - 12.706 * 0.01, abs=1e-4), 1.0)
    pair = equivalence([3.0, -3.0], [-3.0, 3.0], 0.5, (-3.0, 3.0))
    assert (pair.low, pair.high) == (-6.0, 6.0)
    outside = mean_of([1.2, 1.4], (0.0, 1.0))  # a value that should not be: its mean is shown all the same
    assert outside.low <= outside.mean <= outside.high


def test_no_values_and_one():
    assert mean_of([2.5]).low is None
    with pytest.raises(ValueError, match="no values"):
        mean_of([])
