# SPDX-License-Identifier: Apache-2.0
"""Training in float: from random weights, those of a checkpoint or of a part of it, or on at the size that pruning left."""

from __future__ import annotations

import torch
from torch import Tensor

from codesign.base.errors import InputError
from codesign.learning.compress.nested import cut_to, holds
from codesign.learning.families.family import Sizes, States
from codesign.learning.families.registry import sizes_of
from codesign.learning.train.checkpoint import Checkpoint, Tensors
from codesign.learning.train.loop import Task
from codesign.learning.train.losses import recipe_loss
from codesign.learning.train.network import EnhancerModule
from codesign.learning.train.recipe import PhaseName, Recipe


def float_sizes(recipe: Recipe) -> Sizes:
    """Sizes of the recipe's network before anything is compressed."""
    return sizes_of(recipe.network, recipe.config)


def float_task(recipe: Recipe, start: Checkpoint | None = None) -> FloatTask:
    """The first phase: the recipe's network with random weights, with those of the checkpoint `start`, or cut out of its.

    Other frames and another path than the weights are of can be learned; other features are another task.

    Raises:
        InputError: `start` has other layers, fewer units or other features than the recipe.
    """
    sizes = float_sizes(recipe)
    if start is None:
        return FloatTask("train", recipe, sizes)
    if not begins_with(recipe, start.recipe, start.sizes):
        raise InputError(
            f"cannot go on from '{start.recipe.name}': its layers or features are not the recipe's",
            hint="give the recipe's [network] as many layers, none with more units, and the same features in [front_end]",
        )
    return FloatTask("train", recipe, sizes, cut_to(start, sizes).network)


def begins_with(recipe: Recipe, other: Recipe, sizes: Sizes) -> bool:
    """Whether the recipe's network lies within one of `sizes` that the recipe `other` has trained, on the same features."""
    return holds(sizes, float_sizes(recipe)) and _features(other) == _features(recipe)


def _features(recipe: Recipe) -> tuple[object, ...]:
    chain = recipe.config
    return chain.sample_rate, chain.feature, chain.n_features, chain.f_min, chain.f_max, chain.exponent, chain.output


class FloatTask(Task):
    """Parameters of an EnhancerModule of `sizes` under the recipe's loss, from random ones or the mask network's `weights`."""

    def __init__(self, phase: PhaseName, recipe: Recipe, sizes: Sizes, weights: Tensors | None = None) -> None:
        torch.manual_seed(recipe.seed)
        self.phase, self.recipe, self.sizes = phase, recipe, sizes
        self.module: EnhancerModule = EnhancerModule(recipe.config, sizes, recipe.network.dropout)
        if weights is not None:
            self.module.network.load_state_dict(weights)

    def loss(
        self, noisy: Tensor, clean: Tensor, states: States | None, taught: Tensor | None = None
    ) -> tuple[Tensor, States, dict[str, float]]:
        enhanced, after, _ = self.module(noisy, states)
        terms: dict[str, float] = {}
        loss = recipe_loss(self.recipe, enhanced, clean, noisy, taught, terms)
        return loss, after, terms
