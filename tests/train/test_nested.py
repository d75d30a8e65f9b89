# SPDX-License-Identifier: Apache-2.0
"""Training that begins with a part of a larger network: the same network where nothing goes, else the pruned one."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import torch
from families import RECIPES, enhancer_of, recipe_of
from small import enhancer, small_recipe, tones

from codesign.base.errors import InputError
from codesign.learning.compress.pruning import PrunableEnhancer
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.float_task import float_task

FAMILIES = ["lstm", *RECIPES]
SMALLER = {
    "lstm": {"lstm": (12, 8), "fc": (8,)},
    "gru": {"gru": (16, 8), "fc": (4,)},
    "conv-recurrent": {"channels": (4, 6), "over": 4},
    "conv-recurrent, complex": {"hidden": 4, "across": 2},
}


def source_of(name):
    """Recipe, enhancer and checkpoint of a small network."""
    recipe, module = (small_recipe(), enhancer()) if name == "lstm" else (recipe_of(name), enhancer_of(name))
    tensors = {f"network.{key}": value for key, value in module.network.state_dict().items()}
    return recipe, module, Checkpoint(recipe, "train", module.network.sizes, 1, tensors, tensors)


def with_network(recipe, **changes):
    return recipe.model_copy(update={"network": recipe.network.model_copy(update=changes)})


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_sizes_are_the_same_network(name):
    recipe, module, start = source_of(name)
    noisy = torch.from_numpy(tones(2, 3200)[0])
    with torch.no_grad():
        begun = float_task(recipe, start).module.eval()(noisy)[0]
        assert torch.equal(begun, module(noisy)[0])


@pytest.mark.parametrize("name", FAMILIES)
def test_smaller_sizes_are_the_pruned_network(name):
    recipe, module, start = source_of(name)
    task = float_task(with_network(recipe, **SMALLER[name]), start)
    masked = PrunableEnhancer(recipe, module.network.sizes, 0.1)
    masked.network.load_state_dict(module.network.state_dict())
    masked.measure()
    with torch.no_grad():  # thresholds between the norms of the last unit that stays and of the first that goes
        for layer, (norms, kept) in enumerate(zip(masked.norms(), task.sizes.units, strict=True)):
            ranked = torch.cat([norms.sort(descending=True).values, norms.new_zeros(1)])
            masked.thresholds[layer] = ranked[kept - 1 : kept + 1].mean()
    masked.eval()
    assert masked.kept_sizes(masked.masks()) == task.sizes
    features = masked.front.analyse(torch.from_numpy(tones(2, 3200)[0]))[1]
    expected, _, _ = torch.func.functional_call(masked.network, masked.masked_weights(), (features,))
    with torch.no_grad():
        torch.testing.assert_close(task.module.eval().network(features)[0], expected, rtol=0, atol=1e-5)
    assert sum(task.sizes.macs().values()) < sum(start.sizes.macs().values())


@pytest.mark.parametrize("changes", [{"lstm": (16, 16)}, {"lstm": (16,)}, {"fc": ()}, {"fc": (12, 12)}], ids=str)
def test_what_does_not_lie_within_is_refused(changes):
    recipe, _, start = source_of("lstm")
    with pytest.raises(InputError, match="layers or features are not the recipe's"):
        float_task(with_network(recipe, **changes), start)


def test_other_features_are_refused():
    recipe, _, start = source_of("lstm")
    other = recipe.model_copy(update={"front_end": {**recipe.front_end, "exponent": 0.5}})
    with pytest.raises(InputError, match="layers or features are not the recipe's"):
        float_task(other, start)
