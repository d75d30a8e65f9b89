# SPDX-License-Identifier: Apache-2.0
"""Statistics against scipy.stats, which computes them another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from codesign.base.intervals import mean_of
from codesign.hearing.listen.statistics import equivalence

SAMPLES = st.lists(st.floats(-3, 3), min_size=3, max_size=60)


@given(SAMPLES)
def test_mean_and_interval(values):
    found = mean_of(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    if np.std(values) > 1e-6:
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(0, 2**32), st.integers(2, 60), st.floats(0.1, 2))
def test_equivalence_is_two_one_sided_tests(seed, n, margin):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(2, 0.7, n), rng.normal(2, 0.7, n)
    found = equivalence(first, second, margin)
    above = stats.ttest_rel(first, second - margin, alternative="greater").pvalue
    below = stats.ttest_rel(first, second + margin, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below), abs=1e-9)
    assert found.p_difference == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=1e-9)
    interval = stats.ttest_rel(first, second).confidence_interval(0.90)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert found.equivalent == (-margin < interval.low and interval.high < margin)


def test_one_listener_gives_no_interval():
    assert mean_of([2.0]).low is None
    assert equivalence([2.0], [1.0], 0.5).equivalent is None


def test_no_spread():
    assert equivalence([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 0.5).equivalent is True
    assert equivalence([2.0, 2.0, 2.0], [1.0, 1.0, 1.0], 0.5).equivalent is False
    assert equivalence([1.0, 1.0], [1.0, 1.0], 0.5).p_difference == 1.0
