# SPDX-License-Identifier: Apache-2.0
"""Units that go, and what is left computes the same."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import dataclasses

import torch
from small import Tones, enhancer, small_recipe, tones

from codesign.base.errors import ValidationError
from codesign.compiler.lower import lower
from codesign.compiler.operators import LstmCell
from codesign.compiler.quantize import quantize_graph
from codesign.learning.compress.budget import BudgetController, Target
from codesign.learning.compress.cost import NetworkCost, average_macs, cost_of, float_bytes
from codesign.learning.compress.export import checkpoint_graph
from codesign.learning.compress.pruning import PrunableEnhancer, PruneTask, rebuild
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.loop import PhaseRun, train
from codesign.learning.train.network import EnhancerModule


def prunable(skip=False):
    source = enhancer(skip)
    module = PrunableEnhancer(small_recipe(), source.network.sizes, 0.1)
    module.network.load_state_dict(source.network.state_dict())
    module.measure()
    with torch.no_grad():
        module.thresholds.copy_(torch.stack([norms.median() for norms in module.norms()]))
    return module.eval()


@pytest.mark.parametrize("skip", [False, True])
def test_masked_network_is_the_rebuilt_network(skip):
    module = prunable(skip)
    features = module.front.analyse(torch.from_numpy(tones(2, 12800)[0]))[1]
    masked, _, updates = torch.func.functional_call(module.network, module.masked_weights(), (features,))
    sizes, weights = rebuild(module)
    small = EnhancerModule(small_recipe().config, sizes)
    small.network.load_state_dict(weights)
    rebuilt, _, updates_rebuilt = small.eval().network(features)
    torch.testing.assert_close(rebuilt, masked, rtol=0, atol=1e-6)
    assert torch.equal(updates, updates_rebuilt)
    assert (sizes.lstm, sizes.fc) == ((9, 7), (7,))


def test_rebuilt_with_a_target_fits_and_comes_in_fours():
    module = prunable()
    target = Target(2600, 10**6)
    sizes, _ = rebuild(module, target)
    assert target.excess(cost_of(sizes)) <= 1.0
    assert all(units % 4 == 0 for units in (*sizes.lstm, *sizes.fc))
    grown = [
        dataclasses.replace(sizes, fc=(sizes.fc[0] + 4,)),
        dataclasses.replace(sizes, lstm=(sizes.lstm[0], sizes.lstm[1] + 4)),
    ]
    assert all(target.excess(cost_of(more)) > 1.0 for more in grown)


def test_cost_is_what_lowering_counts():
    sizes = LstmSizes(12, (16, 12), (12,), skip=True)
    source = enhancer(skip=True)
    average = {f"network.{name}": value for name, value in source.network.state_dict().items()}
    graph = checkpoint_graph(Checkpoint(small_recipe(), "skip", sizes, 1, average, {}))
    features = source.front.analyse(torch.from_numpy(tones(1, 1600)[0]))[1][0].numpy()
    network = lower(quantize_graph(graph, [features]))
    assert cost_of(sizes).macs == network.macs
    assert float_bytes(sizes) == 4 * (network.macs + 4 * 28 + 12 + 12 + 1)
    guarded = (
        sum(4 * op.units * (op.units + op.input_weight.values.shape[1]) for op in graph.ops if isinstance(op, LstmCell)) + 12
    )
    assert average_macs(sizes, 0.5) == network.macs - guarded / 2


def test_task_learns_thresholds_and_reaches_the_budget(tmp_path):
    recipe, source = small_recipe(), enhancer()
    target = Target(recipe.prune.bytes, recipe.prune.macs)
    task = PruneTask(recipe, recipe.prune, source.network.sizes, dict(source.network.state_dict()), target)
    before = cost_of(task.sizes)
    start = task.module.thresholds.detach().clone()
    result = train(task, Tones(recipe.prune), PhaseRun(recipe, recipe.prune, tmp_path, torch.device("cpu")))
    task.module.load_state_dict(result.average)
    sizes, _ = rebuild(task.module, target)
    assert target.excess(before) > 1.0
    assert 0.75 < target.excess(cost_of(sizes)) <= 1.0
    assert (task.module.thresholds.detach() != start).all()


def test_the_indicator_is_hard_forward_and_a_sigmoid_backward():
    module = prunable()
    masks = module.masks()
    assert {float(value) for mask in masks for value in mask.detach()} == {0.0, 1.0}
    masks[0].sum().backward()
    slope = torch.sigmoid((module.norms()[0] - module.thresholds[0]) / 0.1).detach()
    expected = -(slope * (1 - slope) / 0.1).sum()
    torch.testing.assert_close(module.thresholds.grad[0], expected)


def test_controller_steers_any_plant_to_the_target():
    # A plant that loses 3 % of its bytes a step at λ = 1, and regains 1 %.
    target, cost = Target(300, 10**9), 1000.0
    controller = BudgetController(target, NetworkCost(1000, 1), ramp_steps=400, integral=1.0)
    for step in range(1500):
        controller.update(step, NetworkCost(round(cost), 1))
        cost = min(1000.0, cost * (1 - 0.03 * min(3.0, controller.strength) + 0.01))
    assert cost == pytest.approx(300, rel=0.05)


def test_a_budget_that_no_network_meets_is_refused_at_once():
    recipe, source = small_recipe(), enhancer()
    with pytest.raises(
        ValidationError, match=r"no network of these layers fits 300 bytes and 10,000 MACs: with 4 units"
    ) as error:
        PruneTask(recipe, recipe.prune, source.network.sizes, dict(source.network.state_dict()), Target(300, 10_000))
    assert error.value.exit_code == 1
