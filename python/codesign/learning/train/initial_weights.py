# SPDX-License-Identifier: Apache-2.0
"""Weights that a training begins with: those of a checkpoint, or of a network in an ONNX file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Graph
from codesign.compiler.operators import Operator
from codesign.learning.families.lstm import LstmNetwork, LstmSizes
from codesign.learning.families.recipes import LstmRecipe
from codesign.learning.operators import trained
from codesign.learning.train.checkpoint import Checkpoint, load
from codesign.learning.train.recipe import Recipe, front_end_keys, untrained

HINT = "give a network of the family lstm that codesign train or export wrote; others go on from their checkpoint"
SHAPE = "features → LSTM … → fully connected with ReLU … → fully connected with sigmoid"


def initial_weights(path: Path) -> Checkpoint:
    """The checkpoint at `path`, or one made of the ONNX model there; of an int8 model the weights that its integers stand for.

    Raises:
        InputError: the file cannot be read, or its network is not of the shape that is trained here.
    """
    if path.suffix.lower() != ".onnx":
        return load(path)
    graph = load_onnx(path)
    if reason := untrained(graph.frontend):
        raise InputError(f"{path}: {reason}", hint="give a network that codesign train or export wrote")
    sizes, weights = _network(graph, path)
    network = LstmRecipe(lstm=sizes.lstm, fc=sizes.fc)
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", graph.name)[:64].lstrip("_.-") or "network"
    recipe = Recipe(name=name, licence=graph.licence, front_end=front_end_keys(graph.frontend), network=network)
    tensors = {f"network.{key}": value for key, value in weights.items()}
    return Checkpoint(recipe, "train", sizes, 0, tensors, tensors)


def _network(graph: Graph, path: Path) -> tuple[LstmSizes, dict[str, Tensor]]:
    layers: dict[str, list[Operator]] = {"lstm": [], "fc": [], "skip": []}
    weights: dict[str, Tensor] = {}
    units: dict[str, list[int]] = {family: [] for family in layers}
    for op in graph.ops:
        try:
            kind = trained(op)
        except InputError as error:
            raise InputError(f"{path}: {error.message}", hint=HINT) from error
        if not kind.family:
            continue
        name = "skip" if kind.family == "skip" else f"{kind.family}{len(layers[kind.family])}"
        layers[kind.family].append(op)
        units[kind.family].append(graph.size(op.outputs[0]))
        weights |= {f"{name}.{key}": _tensor(matrix.values) for key, matrix in kind.matrices(op).items()}
        weights |= {f"{name}.{key}": _tensor(bias) for key, bias in kind.biases(op).items()}
    sizes = LstmSizes(graph.frontend.n_mels, tuple(units["lstm"]), tuple(units["fc"][:-1]), bool(layers["skip"]))
    cells, linear = layers["lstm"], layers["fc"]
    if not cells or not linear or not _is_chain(graph, cells, linear) or not _fits(sizes, weights):
        raise InputError(f"{path}: the network is not {SHAPE}", hint=HINT)
    return sizes, weights


def _is_chain(graph: Graph, cells: list[Operator], linear: list[Operator]) -> bool:
    """Each layer reads the one before it, states are its own, and activations are those of LstmNetwork."""
    chain = [*cells]
    for layer in linear:
        activation = graph.follower(layer.outputs[0])
        if activation is None or activation.label != ("sigmoid" if layer is linear[-1] else "relu"):
            return False
        chain += [layer, activation]
    carried = {state: value for op in graph.ops for state, value in op.carried.items()}
    if any(carried.get(state.input) != graph.next_value(state) for state in graph.states):
        return False
    value = graph.input
    for op in chain:
        if op.sources[0] != value:
            return False
        value = op.outputs[0]
    return value == graph.output


def _fits(sizes: LstmSizes, weights: dict[str, Tensor]) -> bool:
    expected = {name: value.shape for name, value in LstmNetwork(sizes).state_dict().items()}
    return expected == {name: value.shape for name, value in weights.items()}


def _tensor(values: npt.NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
