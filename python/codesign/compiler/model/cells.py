# SPDX-License-Identifier: Apache-2.0
"""The cell of an LSTM or GRU that a model of one step is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from codesign.base.errors import InputError
from codesign.compiler.model.build import build_terms, graph_shape
from codesign.compiler.model.metadata import properties, read_states
from codesign.compiler.model.passes import simplify
from codesign.compiler.model.passes.draft import Array, CellWeights
from codesign.compiler.model.recognize import Recognizer
from codesign.compiler.operators import LstmCell, Operator
from codesign.compiler.operators.recurrent import LSTM_TO_ONNX, Recurrent


def cell_of(model: onnx.ModelProto) -> CellWeights | None:
    """The LSTM's or GRU's cell that a model of one step is alone; None where it is another network.

    Its states are those that metadata lists.
    """
    path = Path("loop")
    try:
        step = simplify(path, model).model
        inputs, outputs = (
            {info.name: graph_shape(path, info) for info in infos} for infos in (step.graph.input, step.graph.output)
        )
        constants = {tensor.name for tensor in step.graph.initializer}
        inputs = {name: shape for name, shape in inputs.items() if name not in constants}
        states = read_states(path, properties(step), inputs, outputs)
        build = build_terms(path, step, inputs, skip=False, tflite=False)
        for state in states:
            recognizer = Recognizer(path, states, {name: build.terms[name] for name in outputs}, {}, build.names)
            recognizer.emit_all(build.terms[state.output])
            if len(recognizer.ops) == 1:
                return _weights(recognizer.ops[0])
    except (InputError, KeyError):
        pass
    return None


def _weights(op: Operator) -> CellWeights | None:
    """What an operator multiplies, in ONNX's order."""
    if isinstance(op, LstmCell) and not op.cell_clip:
        inputs, recurrent = (_in_order(matrix.values, LSTM_TO_ONNX) for matrix in op.matrices)
        bias = _in_order(op.bias, LSTM_TO_ONNX)
        return CellWeights("LSTM", op.hidden, inputs, recurrent, np.concatenate([bias, np.zeros_like(bias)]))
    if isinstance(op, Recurrent) and op.kind == "gru":
        bias = np.concatenate([op.input_bias, op.recurrent_bias])
        return CellWeights("GRU", op.hidden, op.input_weight.values, op.recurrent_weight.values, bias, op.reset_after)
    return None


def _in_order(rows: Array, order: tuple[int, ...]) -> Array:
    gates = np.split(rows, len(order))
    return np.concatenate([gates[k] for k in order])
