# SPDX-License-Identifier: Apache-2.0
"""Families beside the paper's under compression: channels and units that go, weights and values that are rounded."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import numpy as np
import torch
from families import RECIPES, enhancer_of, recipe_of
from small import Tones, tones

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.reference.frontend import analyse
from codesign.learning.compress.budget import Target
from codesign.learning.compress.cost import cost_of
from codesign.learning.compress.export import checkpoint_graph
from codesign.learning.compress.fake_quantized import FakeQuantizedEnhancer, rounded
from codesign.learning.compress.pipeline import PhaseContext, compress
from codesign.learning.compress.pruning import PrunableEnhancer, rebuild
from codesign.learning.families.family import UnitSlice
from codesign.learning.train.checkpoint import Checkpoint, save
from codesign.learning.train.network import EnhancerModule
from codesign.proof.equality import run_reference

FAMILIES = list(RECIPES)


def weights_of(module):
    return {f"network.{key}": value for key, value in module.network.state_dict().items()}


@pytest.mark.parametrize("name", FAMILIES)
def test_masked_network_is_the_rebuilt_network(name):
    source = enhancer_of(name)
    recipe, sizes = recipe_of(name), source.network.sizes
    module = PrunableEnhancer(recipe, sizes, 0.1)
    module.network.load_state_dict(source.network.state_dict())
    module.measure()
    with torch.no_grad():
        module.thresholds.copy_(torch.stack([norms.median() for norms in module.norms()]))
    module.eval()
    features = module.front.analyse(torch.from_numpy(tones(2, 3200)[0]))[1]
    masked, _, _ = torch.func.functional_call(module.network, module.masked_weights(), (features,))
    smaller, weights = rebuild(module)
    small = EnhancerModule(recipe.config, smaller)
    small.network.load_state_dict(weights)
    torch.testing.assert_close(small.eval().network(features)[0], masked, rtol=0, atol=1e-5)
    assert all(0 < left < before for left, before in zip(smaller.units, sizes.units, strict=True))
    assert smaller.with_units(sizes.units) == sizes
    count = sum(parameter.numel() for parameter in small.network.parameters())
    assert cost_of(smaller).bytes < cost_of(sizes).bytes
    assert count < sum(parameter.numel() for parameter in module.network.parameters())


def test_rounded_weights_are_int8_a_row_or_a_gate():
    weight = torch.randn(6, 5, 1, 3, requires_grad=True)
    for part, blocks in ((UnitSlice("w", 0, 0), 6), (UnitSlice("w", 1, 0), 5), (UnitSlice("w", 0, 3), 3)):
        result = rounded(weight, part)
        rows = result.detach().movedim(part.axis, 0).reshape(blocks, -1)
        steps = rows / rows.abs().amax(1, keepdim=True) * 127
        torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-3)
        assert float((result - weight).detach().abs().max()) <= float(weight.detach().abs().max()) / 254 * 1.001
    rounded(weight, UnitSlice("w", 0, 0)).sum().backward()
    assert torch.equal(weight.grad, torch.ones_like(weight))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_rounded_network_is_the_integer_network(name):
    """Fake quantization in torch against the reference on the exported integers: what is left is far below speech."""
    source, recipe = enhancer_of(name), recipe_of(name)
    module = FakeQuantizedEnhancer(recipe.config, source.network.sizes)
    module.network.load_state_dict(source.network.state_dict())
    noisy = torch.from_numpy(tones(2, 64 * 40)[0])
    module.eval()
    module.rounders.train()
    module(noisy)  # ranges of values
    module.eval()
    pcm = (noisy.flatten() * 32767).round().to(torch.int16)
    state = Checkpoint(recipe, "quantize", source.network.sizes, 1, dict(module.state_dict()), {})
    state.progress = {"task": {"calibration": pcm}}
    graph = checkpoint_graph(state)
    result = run_reference(lower(graph), pcm.numpy())
    features = torch.from_numpy(analyse(graph.frontend, pcm.numpy()).features)[None]
    expected = torch.func.functional_call(module.network, module.rounded_weights(), (features,))[0][0].detach().numpy()
    quant = graph.quants[graph.output]
    found = (result.mask.reshape(expected.shape).astype(np.float64) - quant.zero_point) * quant.scale
    assert 10 * np.log10(np.square(expected).sum() / np.square(found - expected).sum()) > 45


def test_a_skip_gate_is_refused_before_anything_is_trained(tmp_path):
    name = "gru"
    source = enhancer_of(name)
    save(Checkpoint(recipe_of(name), "train", source.network.sizes, 1, weights_of(source), {}), tmp_path / "start.pt")
    context = PhaseContext(tmp_path, torch.device("cpu"), Tones)
    with pytest.raises(InputError, match=r"\[skip\] is for networks of the family lstm, this one is gru"):
        compress(recipe_of(name), tmp_path / "start.pt", Target(10**6, 10**6), context)
    assert not (tmp_path / "prune").exists()
