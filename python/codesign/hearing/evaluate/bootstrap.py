"""Means with bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
CONFIDENCE = 0.95
_BLOCK = 2**22  # values drawn at a time: bounds the memory that long lists take


@dataclass(frozen=True)
class Interval:
    """Mean of `n` values with the 95 % interval of the mean; low and high are None for fewer than two values."""

    n: int
    mean: float
    low: float | None
    high: float | None


def bootstrap_mean(values: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Percentile bootstrap of the mean (Efron 1979) of one or more values; the same seed draws the same items.

    Raises:
        ValueError: no values.
    """
    array = np.asarray(values, np.float64)
    if array.size == 0:
        raise ValueError("a mean of no values")
    mean = float(array.mean())
    if array.size < 2:
        return Interval(array.size, mean, None, None)
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // array.size)
    means = [
        array[rng.integers(array.size, size=(min(rows, resamples - first), array.size))].mean(axis=1)
        for first in range(0, resamples, rows)
    ]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(np.concatenate(means), [tail, 100 - tail])
    return Interval(array.size, mean, float(low), float(high))
