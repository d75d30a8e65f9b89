"""Means with confidence intervals, and the two one-sided tests of equivalence, over listeners."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mean:
    """Mean of `n` listeners with its 95 % interval by Student's t; low and high are None for fewer than two."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Equivalence:
    """Whether the mean difference of pairs lies within ±margin (Schuirmann 1987, two one-sided t tests at 5 %).

    low and high are the 90 % interval of the difference: equivalent means that it lies inside the margin. `p` is the larger of
    the two one-sided p values; `p_difference` is the two-sided paired t test's. All None for fewer than two pairs.
    """

    n: int
    margin: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_difference: float | None
    equivalent: bool | None


def mean_of(values: Sequence[float], confidence: float = 0.95) -> Mean:
    """Mean and t interval of independent values, at least one."""
    n, mean, error = _moments(values)
    if n < 2:
        return Mean(n, mean, None, None)
    half = _quantile(0.5 + confidence / 2, n - 1) * error
    return Mean(n, mean, mean - half, mean + half)


def equivalence(first: Sequence[float], second: Sequence[float], margin: float, alpha: float = 0.05) -> Equivalence:
    """Of first − second, pairs in order; `margin` > 0 in their unit."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    n, mean, error = _moments(differences)
    if n < 2:
        return Equivalence(n, margin, mean, None, None, None, None, None)
    half = _quantile(1 - alpha, n - 1) * error
    # p of "the difference is −margin or less" and of "it is margin or more"; both must be refused.
    p = max(_upper_tail(mean + margin, error, n - 1), _upper_tail(margin - mean, error, n - 1))
    two_sided = min(1.0, 2 * _upper_tail(abs(mean), error, n - 1))
    return Equivalence(n, margin, mean, mean - half, mean + half, p, two_sided, p < alpha)


def _moments(values: Sequence[float]) -> tuple[int, float, float]:
    """Number, mean and standard error of the mean."""
    array = np.asarray(values, np.float64)
    error = float(array.std(ddof=1)) / math.sqrt(array.size) if array.size > 1 else math.nan
    return array.size, float(array.mean()), error


def _quantile(probability: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def _upper_tail(value: float, error: float, freedom: int) -> float:
    """P(T > value / error); without any spread the answer is certain, and even when the value is 0."""
    from scipy.special import stdtr

    if error == 0.0:
        return 0.5 if value == 0.0 else float(value < 0.0)
    return float(stdtr(freedom, -value / error))
