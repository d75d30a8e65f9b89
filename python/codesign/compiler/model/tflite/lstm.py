# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM: the schema's numbers of its inputs, and its gates in ONNX's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

if TYPE_CHECKING:
    from codesign.compiler.model.tflite.convert import Builder

# input, forget, cell, output → ONNX: input, output, forget, cell
_ORDER = (0, 3, 1, 2)
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES, _HIDDEN, _CELL = 1, 5, 12, 18, 19
_UNUSED = (9, 10, 11, 16, 17, 20, 21, 22, 23)
"""Peepholes, projection, layer normalization."""


def sequence_lstm(b: Builder) -> None:
    """LSTM over [batch, time, features], or time first; its variable tensors are states of the model, as in LiteRT."""
    if any(b.has(index) for index in _UNUSED):
        raise b.refuse("has peepholes, a projection or layer normalization")
    if b.option("FusedActivationFunction", 4) != 4:
        raise b.refuse("has another activation than tanh")
    if b.option("ProjClip", 0.0):
        raise b.refuse("clips a projection")
    time_major, source, units = b.option("TimeMajor", False), b.tensor(0), b.tensor(_RECURRENT_WEIGHTS).shape[0]
    if len(source.shape) != 3:
        raise b.refuse(f"reads shape {list(source.shape)}")
    batch, frames = (source.shape[1], source.shape[0]) if time_major else source.shape[:2]
    x = b.real(0) if time_major else b.node("Transpose", [b.real(0)], perm=[1, 0, 2])
    weights = [_stacked(b, first, f"op{b.index}_{what}") for first, what in ((_INPUT_WEIGHTS, "w"), (_RECURRENT_WEIGHTS, "r"))]
    biases = [_bias(b, _BIASES + gate, units) for gate in _ORDER]
    bias = b.constant(np.concatenate([*biases, np.zeros(4 * units)]).astype(np.float32)[None], f"op{b.index}_b")
    names = [b.name(f"op{b.index}_h"), b.name(f"op{b.index}_c")]
    tensors = [b.tensor(_HIDDEN), b.tensor(_CELL)]
    pairs = [b.state(tensor, [1, batch, units]) for tensor in tensors]
    states = [old for old, _ in pairs]
    y = b.name(f"op{b.index}_lstm")
    b.nodes.append(_node([x, *weights, bias, "", *states], [y, *names], y, units))
    if b.option("CellClip", 0.0) and len(source.scale):  # a float cell state is far from it
        limits = [
            b.constant(np.asarray(sign * b.option("CellClip", 0.0), np.float32), f"op{b.index}_limit") for sign in (-1, 1)
        ]
        names[1] = b.node("Clip", [names[1], *limits])
    for (_, new), tensor, name in zip(pairs, tensors, names, strict=True):
        b.nodes.append(_identity(b.quantized(name, tensor), new))
    flat = b.node("Reshape", [y, b.ints([frames, batch, units])])
    b.give(flat if time_major else b.node("Transpose", [flat], perm=[1, 0, 2]))


def _node(inputs: list[str], outputs: list[str], name: str, units: int) -> onnx.NodeProto:
    return helper.make_node("LSTM", inputs, outputs, name=name, hidden_size=units)


def _identity(source: str, result: str) -> onnx.NodeProto:
    return helper.make_node("Identity", [source], [result], name=result)


def _stacked(b: Builder, first: int, name: str) -> str:
    """Weights of the four gates in one tensor, integers with one scale a row where they are quantized."""
    gates = [b.tensor(first + gate) for gate in _ORDER]
    if any(gate.data is None or gate.data.ndim != 2 for gate in gates):
        raise b.refuse("has weights that are computed or left out")
    data = np.concatenate([gate.data for gate in gates if gate.data is not None])[None]
    if all(not len(gate.scale) for gate in gates):
        return b.constant(data.astype(np.float32), name)
    if data.dtype != np.int8 or any(not len(gate.scale) or gate.zero_point.any() for gate in gates):
        raise b.refuse("has weights of which some are quantized, or with a zero point")
    rows = np.concatenate([np.broadcast_to(gate.scale, (gate.shape[0],)) for gate in gates]).astype(np.float32)
    inputs = [b.constant(data, f"{name}_q"), b.constant(rows, f"{name}_scale")]
    return b.node("DequantizeLinear", inputs, name, axis=1)


def _bias(b: Builder, index: int, units: int) -> npt.NDArray[np.float64]:
    """The real bias of a gate, float64."""
    if not b.has(index):
        return np.zeros(units)
    tensor = b.tensor(index)
    if tensor.data is None:
        raise b.refuse("has a bias that is computed")
    values = tensor.data.astype(np.float64)
    return values * float(tensor.scale[0]) if len(tensor.scale) else values
