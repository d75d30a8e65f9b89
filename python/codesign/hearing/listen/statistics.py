# SPDX-License-Identifier: Apache-2.0
"""The two one-sided tests of equivalence, over listeners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codesign.base.intervals import UNBOUNDED, interval_on_scale, mean_and_error, student_quantile, student_upper_tail


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


def equivalence(
    first: Sequence[float], second: Sequence[float], margin: float, scale: tuple[float, float] = UNBOUNDED, alpha: float = 0.05
) -> Equivalence:
    """Of first − second, pairs in order, both on `scale`; `margin` > 0 in their unit."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    n, mean, error = mean_and_error(differences)
    if n < 2:
        return Equivalence(n, margin, mean, None, None, None, None, None)
    width = scale[1] - scale[0]
    low, high = interval_on_scale(mean, student_quantile(1 - alpha, n - 1) * error, (-width, width))
    # p of "the difference is −margin or less" and of "it is margin or more"; both must be refused.
    p = max(student_upper_tail(mean + margin, error, n - 1), student_upper_tail(margin - mean, error, n - 1))
    two_sided = min(1.0, 2 * student_upper_tail(abs(mean), error, n - 1))
    return Equivalence(n, margin, mean, low, high, p, two_sided, p < alpha)
