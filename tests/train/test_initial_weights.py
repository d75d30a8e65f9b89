# SPDX-License-Identifier: Apache-2.0
"""Training that goes on from a network: from a checkpoint, from ONNX, and what cannot be gone on from."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import torch
from small import enhancer, small_recipe, tones

from codesign.base.errors import InputError
from codesign.compiler.operators import Activation
from codesign.learning.compress.float_onnx import write_float
from codesign.learning.compress.graph import network_graph
from codesign.learning.train.float_task import float_task
from codesign.learning.train.initial_weights import initial_weights


def exported(path, module, change=lambda graph: graph):
    weights = {name: value.detach().numpy() for name, value in module.network.named_parameters()}
    write_float(change(network_graph(module.network.sizes, weights, small_recipe().config, "small")), path)
    return path


@pytest.mark.parametrize("skip", [False, True])
def test_a_network_comes_back_from_onnx(tmp_path, skip):
    module = enhancer(skip=skip)
    found = initial_weights(exported(tmp_path / "small.onnx", module))
    assert found.sizes == module.network.sizes
    other = enhancer(skip=skip, seed=1)
    other.network.load_state_dict(found.network)
    noisy = torch.from_numpy(tones(2, 3200)[0])
    with torch.no_grad():
        torch.testing.assert_close(other(noisy)[0], module(noisy)[0])


def test_training_begins_with_its_weights(tmp_path):
    recipe, module = small_recipe(), enhancer()
    task = float_task(recipe, initial_weights(exported(tmp_path / "small.onnx", module)))
    assert torch.equal(task.module.network.get_parameter("fc0.weight"), module.network.get_parameter("fc0.weight"))
    wide = recipe.model_copy(update={"network": recipe.network.model_copy(update={"lstm": (16, 16)})})
    with pytest.raises(InputError, match="layers or features are not the recipe's"):
        float_task(wide, initial_weights(tmp_path / "small.onnx"))


def test_another_structure_is_refused(tmp_path):
    def tanh_for_relu(graph):
        ops = [
            dataclasses.replace(op, kind="tanh") if isinstance(op, Activation) and op.kind == "relu" else op for op in graph.ops
        ]
        return dataclasses.replace(graph, ops=tuple(ops))

    path = exported(tmp_path / "tanh.onnx", enhancer(), tanh_for_relu)
    with pytest.raises(InputError, match=r"tanh\.onnx: the network is not features → LSTM"):
        initial_weights(path)
    with pytest.raises(InputError, match="cannot read"):
        initial_weights(tmp_path / "absent.pt")
