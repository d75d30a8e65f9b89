# SPDX-License-Identifier: Apache-2.0
"""Which trials go on at a rung of training: asynchronous successive halving for several objectives.

Trials that have reached the rung are ranked by fronts: those that no other is better than in everything come first, then those
that only the first are better than, and so on; within a front the first objective decides. A trial goes on while it is in the
best share, and from the first front always: a cheap network of little quality is as much of the result as a dear one. (Li et
al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020; ranks as in Schmucker et al., "Multi-objective
Asynchronous Successive Halving", 2021.) Optuna's pruners are for one objective only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Losses = tuple[float, ...]
"""A trial's objectives, each turned so that less is better."""


def dominates(one: Losses, other: Losses) -> bool:
    """Whether `one` is nowhere worse than `other`, and somewhere better."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def front_of(points: Sequence[Losses]) -> list[int]:
    """Indices of the points that no other dominates."""
    return [index for index, one in enumerate(points) if not any(dominates(other, one) for other in points)]


def ranked(points: Sequence[Losses]) -> list[int]:
    """Indices, best first: front after front, each by its first objective."""
    left, order = list(range(len(points))), []
    while left:
        front = [left[index] for index in front_of([points[index] for index in left])]
        order += sorted(front, key=lambda index: points[index])
        left = [index for index in left if index not in front]
    return order


def goes_on(mine: Losses, others: Sequence[Losses], keep: float) -> bool:
    """Whether a trial that reached a rung after `others` is on their front, or within the best `keep` of all."""
    points = [*others, mine]
    last = len(others)
    return last in front_of(points) or ranked(points).index(last) < math.ceil(keep * len(points))
