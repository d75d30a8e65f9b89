# SPDX-License-Identifier: Apache-2.0
"""A network of any family as the float ONNX file of one time step, states by name and the chain in its metadata."""

from __future__ import annotations

import inspect
import io
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from codesign import __version__
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.read import chain_properties
from codesign.compiler.model import Graph, load_onnx
from codesign.learning.families.family import FamilyNetwork

OPSET = 17
FEATURES, MASK = "features", "mask"


class _Step(nn.Module):
    """One frame: features [1, n] and states → outputs [1, m] and states."""

    def __init__(self, network: FamilyNetwork, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        before = self.network.states_of(dict(zip(self.names, states, strict=True)))
        outputs, after, _ = self.network(features[:, None], before)
        return (outputs[:, 0], *after.tensors().values())


def step_model(network: FamilyNetwork, chain: Chain, name: str, licence: str = "") -> onnx.ModelProto:
    """The ONNX model of one step of `network`, its normalizations as in use."""
    network = network.eval()
    before = network.fresh_states(1).tensors()
    names = tuple(before)
    file = io.BytesIO()
    # Later versions of torch have two exporters; the first one is in all of them and needs no further package.
    first: dict[str, Any] = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that torch has another exporter, and that shapes are constants
        torch.onnx.export(
            _Step(network, names),
            (torch.full((1, chain.n_features), 0.5), *before.values()),
            file,
            input_names=[FEATURES, *(f"{state}_in" for state in names)],
            output_names=[MASK, *(f"{state}_out" for state in names)],
            opset_version=OPSET,
            **first,
        )
    model = onnx.load_model_from_string(file.getvalue())
    for node in model.graph.node:
        node.name = node.name.removeprefix("/network/").replace("/", ".")  # layers are called after their nodes
    states = [[f"{state}_in", f"{state}_out"] for state in names]
    said = {"states": json.dumps(states), "name": name, "licence": licence, "tool": f"codesign {__version__}"}
    helper.set_model_props(model, chain_properties(chain) | said)
    return model


def step_graph(model: onnx.ModelProto) -> Graph:
    """The graph that every other command sees in a model's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.onnx"
        path.write_bytes(model.SerializeToString())
        return load_onnx(path)
