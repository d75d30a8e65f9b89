# SPDX-License-Identifier: Apache-2.0
"""The budget a network must fit, and the controller that steers the penalty until it does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codesign.base.errors import ValidationError
from codesign.learning.compress.cost import NetworkCost, cost_of
from codesign.learning.families.family import Sizes

LOWEST, HIGHEST = 1e-3, 1e3
INTEGRAL, PROPORTIONAL = 0.02, 10.0
"""Of the log excess, in log λ (the first per step): units go on shrinking for a while when λ falls, so λ must fall early."""


@dataclass(frozen=True)
class Target:
    """Most bytes and multiply-accumulates a step."""

    bytes: int
    macs: int

    def excess(self, cost: NetworkCost) -> float:
        """How many times the budget the cost is; 1 or below fits."""
        return max(cost.bytes / self.bytes, cost.macs / self.macs)


def check_possible(sizes: Sizes, target: Target, multiple: int) -> None:
    """Raise ValidationError when even the smallest network of these layers is over the budget."""
    smallest = sizes.with_units(tuple(min(units, multiple) for units in sizes.units))
    cost = cost_of(smallest)
    if target.excess(cost) > 1.0:
        raise ValidationError(
            f"no network of these layers fits {target.bytes:,} bytes and {target.macs:,} MACs: with {multiple} units a "
            f"layer it still has {cost.bytes:,} bytes and {cost.macs:,} MACs",
            hint="give a larger budget, or a recipe with fewer layers or mel bands",
        )


@dataclass
class BudgetController:
    """Proportional-integral control of λ: high while the network is larger than it should be by now, low while it is smaller.

    What it should be falls geometrically from the first cost to the target over `ramp_steps`, and stays there.
    """

    target: Target
    start: NetworkCost
    ramp_steps: int
    integral: float
    """λ without the proportional part."""
    error: float = 0.0

    @property
    def strength(self) -> float:
        """λ now."""
        return min(HIGHEST, max(LOWEST, self.integral * math.exp(PROPORTIONAL * self.error)))

    def wanted(self, step: int) -> float:
        """Allowed excess over the target at `step`: that of the start at 0, 1 from `ramp_steps` on."""
        first = max(1.0, self.target.excess(self.start))
        return float(first ** max(0.0, 1.0 - step / self.ramp_steps))

    def update(self, step: int, cost: NetworkCost) -> None:
        """Look at the cost now."""
        self.error = max(-1.0, min(1.0, math.log(self.target.excess(cost) / self.wanted(step))))
        self.integral = min(HIGHEST, max(LOWEST, self.integral * math.exp(INTEGRAL * self.error)))
