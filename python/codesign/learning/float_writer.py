# SPDX-License-Identifier: Apache-2.0
"""Nodes and initializers of a float ONNX file as they grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from codesign.compiler.model.graph import Graph, Matrix
from codesign.compiler.operators import Operator


class FloatWriter:
    """The step of a graph without quants. The tensor `axis_0` is the axis of an LSTM operator's sequence."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers = [numpy_helper.from_array(np.array([0], np.int64), "axis_0")]
        self._tensor = {name: name for name in graph.shapes}
        self._outputs = {state.input: state.output for state in graph.states}
        self._gates = {name: gate for gate in graph.ops for name in gate.guards}

    def begin(self) -> None:
        """The nodes that come before all operators: what a gate decides by."""
        for gate in {gate.name: gate for gate in self._gates.values()}.values():
            half = self.constant(f"{gate.name}/half", np.array([[0.5]], np.float32))
            self.node("GreaterOrEqual", [next(iter(gate.carried)), half], f"{gate.name}/update")

    def tensor(self, value: str) -> str:
        """The tensor that holds a value of the graph."""
        return self._tensor[value]

    def give(self, value: str, tensor: str) -> None:
        """Say which tensor holds a value of the graph."""
        self._tensor[value] = tensor

    def state_output(self, state: str) -> str:
        """The file's output that a state is fed back from."""
        return self._outputs[state]

    def carry(self, op: Operator, state: str, tensor: str) -> None:
        """Make `tensor`, of shape [1, 1, n], the next value of a state, unless a gate keeps the old one."""
        gate, output = self._gates.get(op.name), self._outputs[state]
        new = self.node("Squeeze", [tensor, "axis_0"], f"{tensor}/2d" if gate else output)
        if gate:
            self.node("Where", [f"{gate.name}/update", new, state], output)
        self.give(op.carried[state], output)

    def gemm(self, name: str, source: str, weight: Matrix, bias: npt.NDArray[np.float64], output: str, label: str = "") -> str:
        """The tensor `output`, which is weight · source + bias (rows,)."""
        constants = self.constant(f"{name}/weight", weight.values), self.constant(f"{name}/bias", bias.astype(np.float32))
        return self.node("Gemm", [source, *constants], output, label, transB=1)

    def node(self, operator: str, inputs: Sequence[str], output: str, name: str = "", **attributes: int) -> str:
        """A node of one output, which is returned."""
        self.nodes_of(operator, inputs, [output], name or f"{output}/{operator}", **attributes)
        return output

    def nodes_of(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], name: str, **attributes: int) -> None:
        """A node of any number of outputs."""
        self.nodes.append(helper.make_node(operator, list(inputs), list(outputs), name=name, **attributes))

    def constant(self, name: str, array: npt.NDArray[np.generic]) -> str:
        """Add an initializer of any shape and type; its name."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name
