# SPDX-License-Identifier: Apache-2.0
"""A float graph as ONNX: LSTM operators of sequence length 1, Gemm, and Where for a skip gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from codesign.base.files.output_file import replace_file
from codesign.compiler.model.graph import Graph
from codesign.compiler.operators import Activation, Linear, LstmCell, SkipGate
from codesign.compiler.quantize.qdq import IR_VERSION, OPSET, metadata, ports

_OPERATORS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def write_float(graph: Graph, path: Path) -> None:
    """Write a graph without quants, whole or not at all.

    Raises:
        InputError: the path cannot be written.
    """
    model = float_model(graph)
    with replace_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def float_model(graph: Graph) -> onnx.ModelProto:
    """The ONNX model of a float graph."""
    writer = _Writer(graph)
    writer.write()
    proto = helper.make_graph(writer.nodes, "step", *ports(graph))
    proto.initializer.extend(writer.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="codesign")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, metadata(graph))
    return model


class _Writer:
    """Nodes and initializers as they grow; `_tensor` maps a value of the graph to its tensor."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers = [numpy_helper.from_array(np.array([0], np.int64), "axis_0")]
        self._graph = graph
        self._tensor = {name: name for name in graph.shapes}
        self._outputs = {state.input: state.output for state in graph.states}
        self._gates = {layer: op for op in graph.ops if isinstance(op, SkipGate) for layer in op.layers}

    def write(self) -> None:
        for gate in {gate.name: gate for gate in self._gates.values()}.values():
            half = self._constant(f"{gate.name}/half", np.array([[0.5]], np.float32))
            self._node("GreaterOrEqual", [gate.state, half], f"{gate.name}/update")
        for op in self._graph.ops:
            match op:
                case LstmCell():
                    self._lstm(op)
                case Linear():
                    weight = self._constant(f"{op.name}/weight", op.weight.values)
                    bias = self._constant(f"{op.name}/bias", op.bias.astype(np.float32))
                    self._node("Gemm", [self._tensor[op.source], weight, bias], op.output, op.name, transB=1)
                case Activation():
                    self._node(_OPERATORS[op.kind], [op.source], op.output, op.name)
                case SkipGate():
                    self._skip(op)

    def _lstm(self, op: LstmCell) -> None:
        name = op.name
        weights = [
            self._constant(f"{name}/{key}", _onnx_gates(matrix.values)[None])
            for key, matrix in (("W", op.input_weight), ("R", op.recurrent_weight))
        ]
        bias = _onnx_gates(op.bias.astype(np.float32))
        both = self._constant(f"{name}/B", np.concatenate([bias, np.zeros_like(bias)])[None])
        before = [self._node("Unsqueeze", [value, "axis_0"], f"{value}/3d") for value in (op.hidden, op.cell)]
        source = self._node("Unsqueeze", [self._tensor[op.source], "axis_0"], f"{name}/sequence")
        after = [f"{name}/h", f"{name}/c"]
        node = helper.make_node("LSTM", [source, *weights, both, "", *before], ["", *after], name=name, hidden_size=op.units)
        self.nodes.append(node)
        gate = self._gates.get(name)
        for tensor, state, value in zip(after, (op.hidden, op.cell), (op.output, op.cell_output), strict=True):
            output = self._outputs[state]
            new = self._node("Squeeze", [tensor, "axis_0"], f"{tensor}/2d" if gate else output)
            if gate:
                self._node("Where", [f"{gate.name}/update", new, state], output)
            self._tensor[value] = output

    def _skip(self, op: SkipGate) -> None:
        weight = self._constant(f"{op.name}/weight", op.weight.values)
        bias = self._constant(f"{op.name}/bias", op.bias.astype(np.float32))
        logit = self._node("Gemm", [self._tensor[op.source], weight, bias], f"{op.name}/logit", transB=1)
        delta = self._node("Sigmoid", [logit], f"{op.name}/delta")
        total = self._node("Add", [op.state, delta], f"{op.name}/sum")
        one = self._constant(f"{op.name}/one", np.array([[1.0]], np.float32))
        limited = self._node("Min", [total, one], f"{op.name}/limited")
        self._node("Where", [f"{op.name}/update", delta, limited], self._outputs[op.state], op.name)

    def _node(self, operator: str, inputs: list[str], output: str, name: str = "", **attributes: int) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=name or f"{output}/{operator}", **attributes))
        return output

    def _constant(self, name: str, array: npt.NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _onnx_gates(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Gates from input, forget, cell, output to ONNX's input, output, forget, cell."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, o, f, g])
