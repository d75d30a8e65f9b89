# SPDX-License-Identifier: Apache-2.0
"""The sampler `surface`: of many values drawn by chance, the ones that are expected to add most to the front.

What trials gave is interpolated by radial basis functions (SciPy): objectives, and how far a shape is over its limits. First
come `STARTUP` shapes spread over the number of weights, the smallest and the largest among them. A trial that was stopped
counts with its score at the rung and what others gained after it; one that runs counts with what is expected of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.search.dimension import Dimension
from codesign.search.halving import Losses, front_of
from codesign.search.space import Chance, Space, Values

STARTUP = 4
"""Shapes spread over the number of weights before anything is interpolated."""
POOL, FRESH = 192, 32
"""Values to choose from: as many drawn by chance once, and as many more for each trial."""
NOISE = 0.02
"""Smoothing of losses, a known trial: trainings differ by chance. Costs are exact."""
UNCERTAIN = 0.5
"""By how many standard deviations of all scores one is taken to be better, a unit of distance from what is known."""
WORST_EXCESS = 2.0
MOST, NEAREST = 500, 100
"""Trials that are interpolated together; of more, the nearest to each point."""
ENOUGH = 3
"""Scored trials to interpolate from."""
Vectors = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """A trial: `losses` as far as they are known (None: not scored), `whole` where the network was trained to its end;
    `excess` over its tightest limit, up to 0 where it fits (None: not costed).
    """

    values: Values
    losses: Losses | None = None
    excess: float | None = None
    whole: bool = False
    running: bool = False


class Surface:
    """Chooses values of a space, the same after the same trials."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._weights: dict[str, float | None] = {}

    def choose(self, known: Sequence[Known]) -> Values | None:
        """What to try after `known`; None: all that was drawn has been tried."""
        count = len(known)
        if count < STARTUP:
            spread = self._spread(self._pool())
            return spread[count] if count < len(spread) else None
        tried = {_name(one.values) for one in known}
        pool = [values for values in self._pool(count) if _name(values) not in tried]
        if not pool:
            return None
        scored = [index for index, one in enumerate(known) if one.losses is not None]
        costed = [index for index, one in enumerate(known) if one.excess is not None]
        if len(scored) < ENOUGH:
            return pool[0]
        coordinates = self._coordinates([*(one.values for one in known), *pool])
        at = coordinates[count:]
        excess = np.array([[min(WORST_EXCESS, known[index].excess or 0.0)] for index in costed])
        over = _interpolated(coordinates[costed], excess, at, 0.0)[:, 0]
        losses = np.array([known[index].losses for index in scored])
        running = [index for index, one in enumerate(known) if one.running and one.losses is None]
        targets = np.concatenate([at, coordinates[running]])
        expected = _interpolated(coordinates[scored], losses, targets, NOISE * len(scored))
        front = [one.losses for one in known if one.whole and one.losses is not None]
        front += [tuple(row) for row in expected[len(pool) :]]
        around = coordinates[[*scored, *running]]
        distance = np.sqrt(((at[:, None] - around[None]) ** 2).sum(axis=-1)).min(axis=1)
        lowered = expected[: len(pool)] - UNCERTAIN * distance[:, None] * losses.std(axis=0) * self._uncertain()
        return pool[_best(lowered, losses, front, over, distance)]

    def _pool(self, count: int = 0) -> list[Values]:
        """Different values that make a recipe, with fresh ones where `count` trials are known."""
        seed, found = self._space.settings.seed * 1_000_003, dict[str, Values]()
        for chance, draws in ((Chance(seed), POOL), (Chance(seed + count), FRESH if count else 0)):
            for values in (self._space.draw(chance) for _ in range(draws)):
                if self._size(values) is not None:
                    found[_name(values)] = values
        return list(found.values())

    def _size(self, values: Values) -> float | None:
        """The logarithm of the number of weights; None: there is no such network."""
        from codesign.learning.families.registry import sizes_of

        name = _name(values)
        if name not in self._weights:
            try:
                recipe = self._space.recipe(values)
                self._weights[name] = math.log(sum(sizes_of(recipe.network, recipe.config).weights().values()))
            except (InputError, ValueError):
                self._weights[name] = None
        return self._weights[name]

    def _spread(self, pool: Sequence[Values]) -> list[Values]:
        """Values of sizes spread from the smallest to the largest."""
        left, found = list(pool), list[Values]()
        sizes = [self._size(values) or 0.0 for values in pool]
        for wanted in np.linspace(min(sizes, default=0.0), max(sizes, default=0.0), STARTUP):
            if left:
                found.append(left.pop(min(range(len(left)), key=lambda n: abs((self._size(left[n]) or 0.0) - wanted))))
        return found

    def _coordinates(self, points: Sequence[Values]) -> Vectors:
        """Values in the unit cube: a coordinate a number; where choices are no numbers, one a choice and the size."""
        columns = list[Vectors]()
        for one in self._space.dimensions:
            columns += list(np.array([_unit(one, values) for values in points]).T)
        if not all(_numbers(one) for one in self._space.dimensions):
            sizes = np.array([self._size(values) or 0.0 for values in points])
            columns.append((sizes - sizes.min()) / (np.ptp(sizes) or 1.0))
        return np.array(columns).T

    def _uncertain(self) -> Vectors:
        """Which objectives are uncertain: what is of training."""
        from codesign.search.figures import QUALITIES

        return np.array([float(name in QUALITIES) for name in self._space.settings.objectives])


def _numbers(one: Dimension) -> bool:
    return all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in one.choices)


def _unit(one: Dimension, values: Values) -> list[float]:
    """A value of a dimension, from 0 to 1; zeros where it is not searched."""
    numbers = _numbers(one)
    width = 1 if numbers else len(one.choices)
    if one.key not in values:
        return [0.0] * width
    value = values[one.key]
    if not one.choices:
        low, high = (math.log(one.low), math.log(one.high)) if one.log else (one.low, one.high)
        return [((math.log(value) if one.log else value) - low) / ((high - low) or 1.0)]
    if numbers:
        return [sorted(one.choices).index(value) / max(1, len(one.choices) - 1)]
    return [float(choice == value) * math.sqrt(0.5) for choice in one.choices]


def _name(values: Values) -> str:
    return json.dumps(values, sort_keys=True)


def _interpolated(at: Vectors, values: Vectors, targets: Vectors, smoothing: float) -> Vectors:
    """`values` at the points `at`, interpolated at `targets`."""
    from scipy.interpolate import RBFInterpolator

    plane = np.linalg.matrix_rank(np.c_[np.ones(len(at)), at]) == at.shape[1] + 1 < len(at)
    near, degree = (NEAREST if len(at) > MOST else None), (1 if plane else 0)
    found: Any = RBFInterpolator(at, values, near, smoothing, "linear", degree=degree)(targets)
    return np.asarray(found, np.float64)


def _best(expected: Vectors, losses: Vectors, front: Sequence[Losses], excess: Vectors, distance: Vectors) -> int:
    """The index of the point that adds most to the front; of those that add nothing, the farthest from what is known. What
    is expected not to fit comes last.
    """
    if (excess > 0.0).all():
        return int(excess.argmin())
    low, high = losses.min(axis=0), losses.max(axis=0)
    scale = np.maximum(high - low, 1e-9)
    before = [tuple((np.array(one) - low) / scale) for one in front]
    nearest = [before[index] for index in front_of(before)]
    added = np.array([_adds(tuple((row - low) / scale), nearest) for row in expected])
    choice = added if (added[excess <= 0.0] > 0.0).any() else distance
    return int(np.where(excess > 0.0, -1.0, choice).argmax())


def _adds(point: Losses, front: Sequence[Losses], reference: float = 1.1) -> float:
    """The hypervolume that a point adds to a front, up to `reference` in every objective (While et al., "A Fast Way of
    Calculating Exact Hypervolumes", IEEE Transactions on Evolutionary Computation, 2012).
    """
    own = math.prod(max(0.0, reference - value) for value in point)
    if not own:
        return 0.0
    covered = list({tuple(map(max, point, other)) for other in front})
    return own - hypervolume([covered[index] for index in front_of(covered)], reference)


def hypervolume(points: Sequence[Losses], reference: float) -> float:
    """What the points dominate, up to `reference` in every objective."""
    return sum(_adds(point, points[index + 1 :], reference) for index, point in enumerate(points))
