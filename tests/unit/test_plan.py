# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest

from codesign.compiler.frontend import Chain
from codesign.compiler.plan import BufferKey, plan_memory
from codesign.compiler.plan.memory import ALIGNMENT
from networks import random_network

NETWORKS = {
    "small": random_network(),
    "skip": random_network(skip=True),
    "paper": random_network(Chain(), units=(136, 136), hidden=136),
    "low latency": random_network(Chain(n_fft=128, window=128, hop=64, n_mels=40), units=(64,), hidden=64),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_buffers_that_live_together_do_not_overlap(network):
    plan = plan_memory(network)
    for a, b in itertools.combinations(plan.buffers.values(), 2):
        if a.stages & b.stages:
            assert a.end <= b.offset or b.end <= a.offset, (a, b)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_arena_is_what_the_buffers_need(network):
    plan = plan_memory(network)
    assert plan.bytes == -(-max(b.end for b in plan.buffers.values()) // ALIGNMENT) * ALIGNMENT
    assert plan.lower_bound <= plan.bytes <= 1.05 * plan.lower_bound
    assert all(b.offset >= 0 and b.offset % ALIGNMENT == 0 for b in plan.buffers.values())


def test_every_value_has_a_place_and_states_live_always():
    network = random_network(skip=True)
    plan = plan_memory(network)
    assert {BufferKey("value", name) for name in network.values} <= set(plan.buffers)
    everywhere = frozenset(range(len(plan.stages)))
    for state in network.states:
        assert plan.value(state.value.name).persistent
        assert plan.value(state.value.name).stages == everywhere


def test_skip_gate_computes_after_the_layers_it_guards():
    network = random_network(skip=True)
    order = [layer.name for layer in network.schedule]
    assert order == ["lstm_0", "lstm_1", "gate", "fc_0", "fc_1", "sigmoid"]
    assert plan_memory(network).stages == ("analysis", "features", *order, "mask", "synthesis")
