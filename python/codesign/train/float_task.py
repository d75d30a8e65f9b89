"""The first phase: the float network from scratch."""

from __future__ import annotations

import torch
from torch import Tensor

from codesign.errors import InputError
from codesign.train.checkpoint import Checkpoint
from codesign.train.loop import Task
from codesign.train.losses import enhancement_loss
from codesign.train.network import Enhancer, Sizes, States
from codesign.train.recipe import Recipe


def float_sizes(recipe: Recipe) -> Sizes:
    """Sizes of the recipe's network before anything is compressed."""
    return Sizes(recipe.config.n_mels, recipe.network.lstm, recipe.network.fc)


class FloatTask(Task):
    """Parameters of an Enhancer under the recipe's loss, from random ones or those of the checkpoint `start`.

    Raises:
        InputError: `start` has other sizes or another front end than the recipe.
    """

    phase = "train"

    def __init__(self, recipe: Recipe, start: Checkpoint | None = None) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.sizes = recipe, float_sizes(recipe)
        self.module: Enhancer = Enhancer(recipe.config, self.sizes, recipe.network.dropout)
        if start is not None:
            if start.sizes != self.sizes or start.recipe.config != recipe.config:
                raise InputError(
                    f"cannot go on from '{start.recipe.name}': its layers or front end are not the recipe's",
                    hint="give the recipe the same [network] and [front_end]",
                )
            self.module.network.load_state_dict(start.network)

    def loss(self, noisy: Tensor, clean: Tensor, states: States | None) -> tuple[Tensor, States, dict[str, float]]:
        enhanced, after, _ = self.module(noisy, states)
        clean, noisy = clean[:, : enhanced.shape[1]], noisy[:, : enhanced.shape[1]]
        loss = enhancement_loss(enhanced, clean, noisy, self.recipe.loss.spectral_weight, self.recipe.loss.spectral_windows)
        return loss, after, {}
