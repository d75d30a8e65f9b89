"""Skip RNN (Campos et al., ICLR 2018): the network learns in which frames its LSTM layers may rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from codesign.train.loop import Task
from codesign.train.losses import enhancement_loss
from codesign.train.network import Enhancer, Sizes, States
from codesign.train.recipe import Recipe, SkipPhase

GAIN = 0.05
LOWEST, HIGHEST = 1e-3, 100.0
TYPICAL = 0.95
"""Of the running mean of the share of updates, which the penalty is steered by."""


@dataclass
class UpdatePenalty:
    """λ · (share of frames that update), in dB of the loss; λ grows while the share is above `updates` and falls below it."""

    updates: float
    strength: float = 1.0
    mean: float = 1.0

    def __call__(self, updates: Tensor) -> Tensor:
        """The penalty of one batch, updates [batch, frames]."""
        return self.strength * updates.mean()

    def observe(self, share: float) -> None:
        """Steer λ after a batch in which `share` of the frames updated."""
        self.mean = TYPICAL * self.mean + (1 - TYPICAL) * share
        error = math.log(max(self.mean, 1e-3) / self.updates)
        self.strength = min(HIGHEST, max(LOWEST, self.strength * math.exp(GAIN * max(-1.0, min(1.0, error)))))

    def progress(self) -> dict[str, Any]:
        return {"lambda": self.strength, "mean": self.mean}

    def restore(self, progress: dict[str, Any]) -> None:
        self.strength, self.mean = float(progress["lambda"]), float(progress["mean"])


class EnhancerTask(Task):
    """An enhancer under the recipe's loss; with a skip gate under the update penalty too."""

    module: Enhancer

    def __init__(self, recipe: Recipe, module: Enhancer, updates: float | None) -> None:
        self.recipe, self.module, self.sizes = recipe, module, module.network.sizes
        self.penalty = UpdatePenalty(updates or 1.0)

    def loss(self, noisy: Tensor, clean: Tensor, states: States | None) -> tuple[Tensor, States, dict[str, float]]:
        enhanced, after, updates = self.module(noisy, states)
        clean, noisy = clean[:, : enhanced.shape[1]], noisy[:, : enhanced.shape[1]]
        loss = enhancement_loss(enhanced, clean, noisy, self.recipe.loss.spectral_weight, self.recipe.loss.spectral_windows)
        if not self.sizes.skip:
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

    def __init__(self, recipe: Recipe, settings: SkipPhase, sizes: Sizes, weights: dict[str, Tensor]) -> None:
        torch.manual_seed(recipe.seed)
        module = Enhancer(recipe.config, replace(sizes, skip=True), recipe.network.dropout)
        module.network.load_state_dict(weights, strict=False)
        super().__init__(recipe, module, settings.updates)
