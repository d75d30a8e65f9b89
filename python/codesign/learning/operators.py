# SPDX-License-Identifier: Apache-2.0
"""What training knows of each kind of operator. A kind without an entry is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.model.graph import Matrix
from codesign.compiler.operators import Activation, Linear, LstmCell, Operator, SkipGate
from codesign.compiler.operators.functions import FUNCTIONS
from codesign.learning.float_writer import FloatWriter

Arrays = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Trained:
    """What training knows of one kind of operator.

    `family` begins the names of its layers in LstmNetwork, "" for what has no weights there.

    `matrices` and `biases` are by the names of torch's parameters of such a layer; `write` adds the nodes of a float file.
    """

    family: str
    matrices: Callable[[Any], Mapping[str, Matrix]]
    biases: Callable[[Any], Arrays]
    write: Callable[[Any, FloatWriter], None]


def trained(op: Operator) -> Trained:
    """What training knows of an operator's kind.

    Raises:
        InputError: nothing.
    """
    if type(op) not in KINDS:
        raise InputError(
            f"{op.name}: networks with the operator {op.label} are not trained here",
            hint="train it where it comes from, and quantize its ONNX file",
        )
    return KINDS[type(op)]


def _lstm_matrices(op: LstmCell) -> Mapping[str, Matrix]:
    return {"weight_ih_l0": op.input_weight, "weight_hh_l0": op.recurrent_weight}


def _lstm_biases(op: LstmCell) -> Arrays:
    return {"bias_ih_l0": op.bias, "bias_hh_l0": np.zeros(op.bias.size)}


def _lstm_write(op: LstmCell, writer: FloatWriter) -> None:
    name = op.name
    weights = [
        writer.constant(f"{name}/{key}", _onnx_gates(matrix.values)[None])
        for key, matrix in (("W", op.input_weight), ("R", op.recurrent_weight))
    ]
    bias = _onnx_gates(op.bias.astype(np.float32))
    both = writer.constant(f"{name}/B", np.concatenate([bias, np.zeros_like(bias)])[None])
    before = [writer.node("Unsqueeze", [value, "axis_0"], f"{value}/3d") for value in (op.hidden, op.cell)]
    source = writer.node("Unsqueeze", [writer.tensor(op.source), "axis_0"], f"{name}/sequence")
    after = [f"{name}/h", f"{name}/c"]
    writer.nodes_of("LSTM", [source, *weights, both, "", *before], ["", *after], name, hidden_size=op.units)
    for tensor, state in zip(after, (op.hidden, op.cell), strict=True):
        writer.carry(op, state, tensor)


def _weight(op: Linear | SkipGate) -> Mapping[str, Matrix]:
    return {"weight": op.weight}


def _bias(op: Linear | SkipGate) -> Arrays:
    return {"bias": op.bias}


def _linear_write(op: Linear, writer: FloatWriter) -> None:
    writer.give(op.output, writer.gemm(op.name, writer.tensor(op.source), op.weight, op.bias, op.output, op.name))


def _activation_write(op: Activation, writer: FloatWriter) -> None:
    if op.parameters or op.kind not in FUNCTIONS or not FUNCTIONS[op.kind].operator:
        raise InputError(f"{op.name}: networks with the function {op.kind} are not trained here")
    writer.give(op.output, writer.node(FUNCTIONS[op.kind].operator, [writer.tensor(op.source)], op.output, op.name))


def _gate_write(op: SkipGate, writer: FloatWriter) -> None:
    logit = writer.gemm(op.name, writer.tensor(op.source), op.weight, op.bias, f"{op.name}/logit")
    delta = writer.node("Sigmoid", [logit], f"{op.name}/delta")
    total = writer.node("Add", [op.state, delta], f"{op.name}/sum")
    one = writer.constant(f"{op.name}/one", np.array([[1.0]], np.float32))
    limited = writer.node("Min", [total, one], f"{op.name}/limited")
    writer.node("Where", [f"{op.name}/update", delta, limited], writer.state_output(op.state), op.name)


def _onnx_gates(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Gates from input, forget, cell, output to ONNX's input, output, forget, cell."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, o, f, g])


KINDS: Mapping[type[Operator], Trained] = {
    LstmCell: Trained("lstm", _lstm_matrices, _lstm_biases, _lstm_write),
    Linear: Trained("fc", _weight, _bias, _linear_write),
    Activation: Trained("", lambda op: {}, lambda op: {}, _activation_write),
    SkipGate: Trained("skip", _weight, _bias, _gate_write),
}
