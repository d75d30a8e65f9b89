# SPDX-License-Identifier: Apache-2.0
"""Where a training starts that does not start from nothing: a checkpoint, or a network in an ONNX file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Activation, Graph, Linear, LstmCell, Op, SkipGate
from codesign.learning.train.checkpoint import Checkpoint, load
from codesign.learning.train.network import MaskNetwork, Sizes
from codesign.learning.train.recipe import NetworkRecipe, Recipe, front_end_keys, untrained

SHAPE = "features → LSTM … → fully connected with ReLU … → fully connected with sigmoid"


def start_from(path: Path) -> Checkpoint:
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
    network = NetworkRecipe(lstm=sizes.lstm, fc=sizes.fc)
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", graph.name)[:64].lstrip("_.-") or "network"
    recipe = Recipe(name=name, licence=graph.licence, front_end=front_end_keys(graph.frontend), network=network)
    tensors = {f"network.{key}": value for key, value in weights.items()}
    return Checkpoint(recipe, "train", sizes, 0, tensors, tensors)


def _network(graph: Graph, path: Path) -> tuple[Sizes, dict[str, Tensor]]:
    cells = [op for op in graph.ops if isinstance(op, LstmCell)]
    linear = [op for op in graph.ops if isinstance(op, Linear)]
    gates = [op for op in graph.ops if isinstance(op, SkipGate)]
    weights: dict[str, Tensor] = {}
    for index, cell in enumerate(cells):
        name = f"lstm{index}"
        weights[f"{name}.weight_ih_l0"] = _tensor(cell.input_weight.values)
        weights[f"{name}.weight_hh_l0"] = _tensor(cell.recurrent_weight.values)
        weights[f"{name}.bias_ih_l0"] = _tensor(cell.bias)
        weights[f"{name}.bias_hh_l0"] = torch.zeros(cell.bias.size)
    dense: list[tuple[str, Linear | SkipGate]] = [(f"fc{index}", op) for index, op in enumerate(linear)]
    for name, layer in [*dense, *(("skip", op) for op in gates)]:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = _tensor(layer.weight.values), _tensor(layer.bias)
    fc = tuple(len(op.bias) for op in linear[:-1])
    sizes = Sizes(graph.frontend.n_mels, tuple(cell.units for cell in cells), fc, bool(gates))
    if not cells or not linear or not _is_chain(graph, cells, linear) or not _fits(sizes, weights):
        raise InputError(f"{path}: the network is not {SHAPE}", hint="give a network that codesign train or export wrote")
    return sizes, weights


def _is_chain(graph: Graph, cells: list[LstmCell], linear: list[Linear]) -> bool:
    """Each layer reads the one before it, and activations are those of MaskNetwork."""
    activations = {op.source: op for op in graph.ops if isinstance(op, Activation)}
    chain: list[Op] = [*cells]
    for layer in linear:
        activation = activations.get(layer.output)
        if activation is None or activation.kind != ("sigmoid" if layer is linear[-1] else "relu"):
            return False
        chain += [layer, activation]
    value = graph.input
    for op in chain:
        if isinstance(op, SkipGate) or op.source != value:
            return False
        value = op.output
    return value == graph.output


def _fits(sizes: Sizes, weights: dict[str, Tensor]) -> bool:
    expected = {name: value.shape for name, value in MaskNetwork(sizes).state_dict().items()}
    return expected == {name: value.shape for name, value in weights.items()}


def _tensor(values: npt.NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
