# SPDX-License-Identifier: Apache-2.0
"""Structured pruning with learned thresholds (Fedorov et al., "TinyLSTMs", Interspeech 2020; Stamoulis et al., 2019).

A unit is kept when the norm of its weights reaches its layer's threshold. Forward that is a hard indicator, backward a sigmoid.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from codesign.base.errors import ValidationError
from codesign.learning.compress.budget import BudgetController, Target, check_possible
from codesign.learning.compress.cost import NetworkCost, cost_of
from codesign.learning.compress.groups import group_norms, largest, shrink, without_columns, without_units
from codesign.learning.families.family import Sizes, States
from codesign.learning.families.gradients import straight_through
from codesign.learning.train.loop import Task
from codesign.learning.train.losses import recipe_loss
from codesign.learning.train.network import EnhancerModule
from codesign.learning.train.recipe import PrunePhase, Recipe

MULTIPLE = 4
"""Units of a layer come in fours: kernels compute four columns at a time."""
COST_WEIGHT = 3.0
"""Of the share of the network's cost that is kept, in dB of the loss at λ = 1."""
THRESHOLD_RATE = 0.2
"""Learning rate of the thresholds as a part of the weights': norms lie close together, a fast threshold sweeps through them."""
SHRINKAGE = 0.1
"""Of the group penalty beside it, in mean norms per unit of learning rate at λ = 1."""


class PrunableEnhancer(EnhancerModule):
    """An enhancer with a threshold for each layer of units, in mean group norms of that layer at the start."""

    def __init__(self, recipe: Recipe, sizes: Sizes, temperature: float) -> None:
        super().__init__(recipe.config, sizes, recipe.network.dropout)
        self.layers = sizes.groups()
        self.temperature = temperature
        self.thresholds = nn.Parameter(torch.zeros(len(self.layers)))
        self.register_buffer("units", torch.ones(len(self.layers)))

    units: Tensor

    @torch.no_grad()
    def measure(self) -> None:
        """Take the mean norm of each layer's groups as its unit, and its smallest as the threshold to begin with."""
        weights = dict(self.network.named_parameters())
        self.units.copy_(torch.stack([group_norms(layer, weights).mean() for layer in self.layers]))
        self.thresholds.copy_(torch.stack([norms.min() for norms in self.norms()]))

    def norms(self) -> list[Tensor]:
        """Relative norm of each unit, [units] a layer."""
        weights = dict(self.network.named_parameters())
        return [group_norms(layer, weights) / unit for layer, unit in zip(self.layers, self.units, strict=True)]

    def masks(self) -> list[Tensor]:
        """1 for a kept unit and 0 for a dropped one, with the gradient of the sigmoid."""
        result = []
        for norms, threshold in zip(self.norms(), self.thresholds, strict=True):
            distance = norms - threshold
            result.append(straight_through(torch.sigmoid(distance / self.temperature), (distance >= 0).to(norms.dtype)))
        return result

    def masked_weights(self, masks: list[Tensor] | None = None) -> dict[str, Tensor]:
        """What stands in for the network's weights: those that read dropped units are zero."""
        return without_columns(self.layers, dict(self.network.named_parameters()), masks or self.masks())

    def kept_sizes(self, masks: list[Tensor]) -> Sizes:
        return self.network.sizes.with_units(tuple(int(mask.detach().sum().item()) for mask in masks))


class PruneTask(Task):
    """Weights and thresholds under the loss, the group penalty and the cost of what is kept."""

    phase = "prune"

    def __init__(self, recipe: Recipe, settings: PrunePhase, sizes: Sizes, weights: dict[str, Tensor], target: Target) -> None:
        check_possible(sizes, target, MULTIPLE)
        self.recipe, self.sizes, self.target = recipe, sizes, target
        self.module: PrunableEnhancer = PrunableEnhancer(recipe, sizes, settings.temperature)
        self.module.network.load_state_dict(weights)
        self.module.measure()
        self.controller = BudgetController(
            target, cost_of(sizes), max(1, round(settings.ramp * settings.steps)), settings.strength
        )

    def parameters(self) -> list[tuple[list[nn.Parameter], float]]:
        weights = [p for name, p in self.module.named_parameters() if name != "thresholds"]
        return [(weights, 1.0), ([self.module.thresholds], THRESHOLD_RATE)]

    def loss(
        self, noisy: Tensor, clean: Tensor, states: States | None, taught: Tensor | None = None
    ) -> tuple[Tensor, States, dict[str, float]]:
        masks = self.module.masks()
        enhanced, after, _ = self.module(noisy, states, self.module.masked_weights(masks))
        quality = recipe_loss(self.recipe, enhanced, clean, noisy, taught)
        sizes = self.module.kept_sizes(masks)
        cost = cost_of(sizes)
        kept = torch.stack([mask.sum() for mask in masks])
        share = (kept * torch.tensor(unit_shares(self.sizes, sizes), device=kept.device)).sum()
        figures = {"quality": float(quality.detach()), "kB": cost.bytes / 1000, "lambda": self.controller.strength}
        figures |= {f"{layer.name} units": float(count) for layer, count in zip(self.module.layers, kept.detach(), strict=True)}
        return quality + self.controller.strength * COST_WEIGHT * share, after, figures

    @torch.no_grad()
    def after_step(self, step: int, rate: float) -> None:
        """The group penalty, apart from the optimizer as AdamW's decay is, and the controller."""
        module, strength = self.module, self.controller.strength
        norms = module.norms()
        shares = unit_shares(self.sizes, module.kept_sizes(module.masks()))
        mean = sum(shares) / len(shares)
        factors = [
            (1 - rate * strength * SHRINKAGE * share / mean / norm).clamp(0.5, 1.0)
            for norm, share in zip(norms, shares, strict=True)
        ]
        shrink(module.layers, dict(module.network.named_parameters()), factors)
        self.controller.update(step, cost_of(module.kept_sizes(module.masks())))

    def progress(self) -> dict[str, Any]:
        return {"integral": self.controller.integral, "error": self.controller.error}

    def restore(self, progress: dict[str, Any]) -> None:
        self.controller.integral, self.controller.error = float(progress["integral"]), float(progress["error"])


def unit_shares(full: Sizes, now: Sizes) -> list[float]:
    """What one more unit of each layer costs now, as a share of the full network's MACs."""
    counts = now.units
    here = sum(now.macs().values())
    total = sum(full.macs().values())
    grown = (
        now.with_units(tuple(count + (other == index) for other, count in enumerate(counts))) for index in range(len(counts))
    )
    return [(sum(sizes.macs().values()) - here) / total for sizes in grown]


@torch.no_grad()
def rebuild(module: PrunableEnhancer, target: Target | None = None) -> tuple[Sizes, dict[str, Tensor]]:
    """The physically smaller network: sizes and weights without the dropped units.

    Without a target it computes what the masked network computes. With one, layers are brought to multiples of four, and units
    nearest to their thresholds are given up, or taken back, until as much is kept as the budget allows.

    Raises:
        ValidationError: a layer has lost all its units.
    """
    margins = [norm - threshold for norm, threshold in zip(module.norms(), module.thresholds, strict=True)]
    counts = [int((margin >= 0).sum()) for margin in margins]
    if target is not None:
        counts = fitted(module.network.sizes, counts, margins, target)
    for layer, count in zip(module.layers, counts, strict=True):
        if count == 0:
            raise ValidationError(
                f"pruning left no unit in {layer.name}", hint="give a larger budget, or start at a smaller strength"
            )
    weights = without_units(module.layers, module.network.state_dict(), largest(margins, counts))
    return module.network.sizes.with_units(tuple(counts)), weights


def fitted(sizes: Sizes, counts: list[int], margins: list[Tensor], target: Target) -> list[int]:
    """Units a layer: multiples of four near `counts`, as many as the target allows, the least important given up first."""
    steps = [torch.sort(margin, descending=True).values for margin in margins]
    counts = [
        min(len(margin), max(MULTIPLE, round(count / MULTIPLE) * MULTIPLE))
        for count, margin in zip(counts, margins, strict=True)
    ]

    def cost(trial: list[int]) -> NetworkCost:
        return cost_of(sizes.with_units(tuple(trial)))

    while target.excess(cost(counts)) > 1.0:
        droppable = [i for i, count in enumerate(counts) if count > MULTIPLE]
        worst = min(droppable, key=lambda i: float(steps[i][counts[i] - MULTIPLE : counts[i]].mean()))
        counts[worst] -= MULTIPLE
    while True:
        grown = [[c + MULTIPLE * (i == j) for j, c in enumerate(counts)] for i in range(len(counts))]
        possible = [i for i, trial in enumerate(grown) if trial[i] <= len(margins[i]) and target.excess(cost(trial)) <= 1.0]
        if not possible:
            return counts
        best = max(possible, key=lambda i: float(steps[i][counts[i] : counts[i] + MULTIPLE].mean()))
        counts = grown[best]
