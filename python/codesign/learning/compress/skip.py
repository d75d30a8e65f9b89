# SPDX-License-Identifier: Apache-2.0
"""Skip RNN (Campos et al., ICLR 2018): the network learns in which frames its LSTM layers may rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from codesign.learning.families.family import States
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.train.loop import Task
from codesign.learning.train.losses import recipe_loss
from codesign.learning.train.network import EnhancerModule
from codesign.learning.train.recipe import Recipe, SkipPhase

INTEGRAL, PROPORTIONAL = 0.01, 2.0
"""Of the log of updates over wanted updates, in log λ (the first per step)."""
LOWEST, HIGHEST = 1e-2, 10.0
TYPICAL = 0.9
"""Of the running mean of the share of updates, which the penalty is steered by."""


@dataclass
class UpdatePenalty:
    """λ · (share of frames that update), in dB of the loss; λ grows while the share is above `updates` and falls below it."""

    updates: float
    integral: float = 0.5
    """λ while as many frames update as should."""
    mean: float = 1.0

    @property
    def strength(self) -> float:
        """λ now."""
        return min(HIGHEST, self.integral * math.exp(PROPORTIONAL * self._error))

    @property
    def _error(self) -> float:
        return max(-1.0, min(1.0, math.log(max(self.mean, 1e-3) / self.updates)))

    def __call__(self, updates: Tensor) -> Tensor:
        """The penalty of one batch, updates [batch, frames]."""
        return self.strength * updates.mean()

    def observe(self, share: float) -> None:
        """Steer λ after a batch in which `share` of the frames updated."""
        self.mean = TYPICAL * self.mean + (1 - TYPICAL) * share
        self.integral = min(HIGHEST, max(LOWEST, self.integral * math.exp(INTEGRAL * self._error)))

    def progress(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, for `restore`."""
        return {"integral": self.integral, "mean": self.mean}

    def restore(self, progress: dict[str, Any]) -> None:
        """Go on from a checkpoint's `progress`."""
        self.integral, self.mean = float(progress["integral"]), float(progress["mean"])


class EnhancerTask(Task):
    """An enhancer under the recipe's loss; with a skip gate under the update penalty too."""

    module: EnhancerModule

    def __init__(self, recipe: Recipe, module: EnhancerModule, updates: float | None) -> None:
        self.recipe, self.module, self.sizes = recipe, module, module.network.sizes
        self.penalty = UpdatePenalty(updates or 1.0)

    def loss(
        self, noisy: Tensor, clean: Tensor, states: States | None, taught: Tensor | None = None
    ) -> tuple[Tensor, States, dict[str, float]]:
        enhanced, after, updates = self.module(noisy, states)
        loss = recipe_loss(self.recipe, enhanced, clean, noisy, taught)
        if not self.sizes.skips:
            return loss, after, {}
        share = float(updates.detach().mean())
        self.penalty.observe(share)
        figures = {"quality": float(loss.detach()), "updates": share, "lambda": self.penalty.strength}
        return loss + self.penalty(updates), after, figures

    def progress(self) -> dict[str, Any]:
        return {"penalty": self.penalty.progress()}

    def restore(self, progress: dict[str, Any]) -> None:
        self.penalty.restore(progress["penalty"])


class SkipTask(EnhancerTask):
    """A float network that learns to skip."""

    phase = "skip"

    def __init__(self, recipe: Recipe, settings: SkipPhase, sizes: LstmSizes, weights: dict[str, Tensor]) -> None:
        torch.manual_seed(recipe.seed)
        module = EnhancerModule(recipe.config, replace(sizes, skip=True), recipe.network.dropout)
        module.network.load_state_dict(weights, strict=False)
        super().__init__(recipe, module, settings.updates)
