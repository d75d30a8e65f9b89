# SPDX-License-Identifier: Apache-2.0
"""A quantized graph as ONNX: one time step, LSTM cells decomposed, QuantizeLinear and DequantizeLinear around everything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from codesign import __version__
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.compiler.frontend.read import chain_properties
from codesign.compiler.model.graph import Activation, Graph, Linear, LstmCell, Matrix, Op, Quant, SkipGate
from codesign.compiler.names import check_unique
from codesign.compiler.quantize.calibrate import LOGIT, UNIT

OPSET = 21  # the first with int16 QuantizeLinear
IR_VERSION = 10  # what onnxruntime 1.18 reads
_OPERATORS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def write_qdq(graph: Graph, path: Path) -> None:
    """Write a graph with quants and int8 weights.

    Raises:
        InputError: the path cannot be written, or the graph is not quantized.
    """
    if not graph.quants:
        raise InputError(f"{graph.name} is not quantized", hint="quantize_graph does")
    model = qdq_model(graph)
    with replace_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def qdq_model(graph: Graph) -> onnx.ModelProto:
    """The ONNX model of a quantized graph."""
    writer = _written(graph)
    outputs = {graph.output: graph.sizes[graph.output], **{state.output: state.size for state in graph.states}}
    inputs = {graph.input: graph.sizes[graph.input], **{state.input: state.size for state in graph.states}}
    proto = helper.make_graph(
        writer.nodes, "step", [_vector(*item) for item in inputs.items()], [_vector(*item) for item in outputs.items()]
    )
    proto.initializer.extend(writer.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="codesign")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, metadata(graph))
    return model


def _vector(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])


def metadata(graph: Graph) -> dict[str, str]:
    """The metadata_props of docs/model-file.md."""
    states = [[s.input, s.output, *([s.initial] if s.initial else [])] for s in graph.states]
    return {
        **chain_properties(graph.frontend),
        "states": json.dumps(states),
        "name": graph.name,
        "licence": graph.licence,
        "tool": f"codesign {__version__}",
    }


def _written(graph: Graph) -> _Writer:
    """The graph's nodes. What is in between goes by the names of layers and inputs; where an input or output is called like
    that, behind a prefix that none of them has.
    """
    writer = _Writer(graph)
    writer.write()
    if len(set(writer.made)) == len(writer.made):
        return writer
    ends = (graph.input, graph.output, *(name for state in graph.states for name in (state.input, state.output)))
    prefix = next(p for p in (f"inner{n}/" for n in range(len(ends) + 1)) if not any(end.startswith(p) for end in ends))
    writer = _Writer(graph, prefix)
    writer.write()
    check_unique("values of a file", writer.made)
    return writer


class _Writer:
    """Nodes and initializers as they grow. `_tensor` maps a value of the graph to the tensor that holds it dequantized."""

    def __init__(self, graph: Graph, prefix: str = "") -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._graph = graph
        self._tensor: dict[str, str] = {}
        self._scalars: dict[tuple[object, ...], str] = {}
        self._gates = {layer: gate for gate in graph.ops if isinstance(gate, SkipGate) for layer in gate.layers}
        self._outputs = {state.input: state.output for state in graph.states}

    @property
    def made(self) -> list[str]:
        """Names of inputs, constants and results: a constant called as an input would take its place."""
        inputs = [self._graph.input, *(state.input for state in self._graph.states)]
        return inputs + [tensor.name for tensor in self.initializers] + [name for node in self.nodes for name in node.output]

    def write(self) -> None:
        graph = self._graph
        for name in (graph.input, *(state.input for state in graph.states)):
            inner = f"{self._prefix}/{name}_q" if self._prefix else f"{name}_q"  # no layer's name begins with a /
            self._tensor[name] = self._round_trip(name, graph.quants.get(name), inner)
        for gate in {gate.name: gate for gate in self._gates.values()}.values():
            half = self._constant(f"{self._inner(gate)}/half", np.array([[0.5]], np.float32))
            self._node("GreaterOrEqual", [self._tensor[gate.state], half], f"{self._inner(gate)}/update")
        for op in graph.ops:
            match op:
                case LstmCell():
                    self._lstm(op)
                case Linear():
                    self._linear(op)
                case Activation():
                    self._activation(op)
                case SkipGate():
                    self._skip_gate(op)

    def _lstm(self, op: LstmCell) -> None:
        name, units = self._inner(op), op.units
        products = [
            self._gemm(f"{name}/{kind}", self._tensor[source], matrix)
            for kind, source, matrix in (("input", op.source, op.input_weight), ("recurrent", op.hidden, op.recurrent_weight))
        ]
        self._node("Add", products, f"{name}/products")
        bias = self._constant(f"{name}/bias", op.bias.astype(np.float32)[None, :])
        self._node("Add", [f"{name}/products", bias], f"{name}/gates")
        gates = self._round_trip(f"{name}/gates", LOGIT, f"{name}/gates_q")
        sizes = self._constant(f"{name}/split", np.full(4, units, np.int64))
        pieces = [f"{name}/{gate}" for gate in ("i", "f", "g", "o")]
        self.nodes.append(helper.make_node("Split", [gates, sizes], pieces, name=f"{name}/split_gates", axis=1))
        i, f, o = (self._unit("Sigmoid", f"{name}/{gate}") for gate in "ifo")
        g = self._unit("Tanh", f"{name}/g")
        self._node("Mul", [f, self._tensor[op.cell]], f"{name}/kept")
        self._node("Mul", [i, g], f"{name}/added")
        self._node("Add", [f"{name}/kept", f"{name}/added"], f"{name}/cell")
        cell = self._round_trip(f"{name}/cell", self._graph.quants[op.cell_output], f"{name}/cell_q")
        squashed = self._unit("Tanh", cell, f"{name}/cell_tanh")
        self._node("Mul", [o, squashed], f"{name}/hidden", label=op.name)
        hidden = self._round_trip(f"{name}/hidden", self._graph.quants[op.output], f"{name}/hidden_q")
        for value, tensor, state in ((op.output, hidden, op.hidden), (op.cell_output, cell, op.cell)):
            self._tensor[value] = self._state_output(op, tensor, state)

    def _state_output(self, op: LstmCell, tensor: str, state: str) -> str:
        output = self._outputs[state]
        gate = self._gates.get(op.name)
        if gate is None:
            self._node("Identity", [tensor], output)
        else:
            self._node("Where", [f"{self._inner(gate)}/update", tensor, self._tensor[state]], output)
        return output

    def _linear(self, op: Linear) -> None:
        product = self._gemm(f"{self._inner(op)}/linear", self._tensor[op.source], op.weight, op.bias, label=op.name)
        self._tensor[op.output] = self._finish(op.output, product)

    def _activation(self, op: Activation) -> None:
        result = f"{self._inner(op)}/{op.kind}"
        inputs = [self._tensor[op.source]]
        if op.kind == "clip":
            inputs += [self._scalar(np.float32(bound)) if np.isfinite(bound) else "" for bound in (op.low, op.high)]
        self._node(_OPERATORS.get(op.kind, "Clip"), inputs, result, label=op.name)
        self._tensor[op.output] = self._finish(op.output, result)

    def _skip_gate(self, op: SkipGate) -> None:
        name, old = self._inner(op), self._tensor[op.state]
        logit = self._gemm(f"{name}/logit", self._tensor[op.source], op.weight, op.bias)
        delta = self._unit("Sigmoid", self._round_trip(logit, LOGIT, f"{logit}_q"), f"{name}/delta")
        self._node("Add", [old, delta], f"{name}/sum")
        self._node("Min", [f"{name}/sum", self._constant(f"{name}/one", np.array([[1.0]], np.float32))], f"{name}/limited")
        self._node("Where", [f"{name}/update", delta, f"{name}/limited"], self._outputs[op.state], label=op.name)

    def _inner(self, op: Op) -> str:
        """What the names of values inside of an operator begin with."""
        return self._prefix + op.name

    def _finish(self, value: str, tensor: str) -> str:
        """The tensor, rounded if the value has parameters, and called as the graph's output if it is that."""
        result = self._round_trip(tensor, self._graph.quants.get(value), f"{tensor}_q")
        if value == self._graph.output:
            self._node("Identity", [result], value)
            return value
        return result

    def _gemm(
        self, name: str, source: str, weight: Matrix, bias: npt.NDArray[np.float64] | None = None, label: str = ""
    ) -> str:
        if weight.quantized is None or weight.scale is None:
            raise InputError(f"{name}: weights are not int8", hint="quantize_graph makes them so")
        integers = self._constant(f"{name}/weight_q", weight.quantized)
        scale = self._constant(f"{name}/weight_scale", weight.scale.astype(np.float32))
        self._node("DequantizeLinear", [integers, scale], f"{name}/weight", axis=0)
        inputs = [source, f"{name}/weight"]
        if bias is not None:
            inputs.append(self._constant(f"{name}/bias", bias.astype(np.float32)))
        self._node("Gemm", inputs, f"{name}/product", label=label, transB=1)
        return f"{name}/product"

    def _unit(self, operator: str, source: str, result: str = "") -> str:
        """A sigmoid or tanh, rounded to Q0.15."""
        result = result or f"{source}_{operator.lower()}"
        self._node(operator, [source], result)
        return self._round_trip(result, UNIT, f"{result}_q")

    def _round_trip(self, tensor: str, quant: Quant | None, result: str) -> str:
        """QuantizeLinear and DequantizeLinear; the tensor itself without parameters."""
        if quant is None:
            return tensor
        dtype = np.int8 if quant.bits == 8 else np.int16
        parameters = [self._scalar(np.float32(quant.scale)), self._scalar(dtype(quant.zero_point))]
        self._node("QuantizeLinear", [tensor, *parameters], f"{result}_int")
        self._node("DequantizeLinear", [f"{result}_int", *parameters], result)
        return result

    def _node(self, operator: str, inputs: Sequence[str], output: str, label: str = "", **attributes: int) -> None:
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], name=label or f"{output}/{operator}", **attributes)
        )

    def _constant(self, name: str, array: npt.NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _scalar(self, value: np.generic) -> str:
        key = (value.dtype, value.item())
        if key not in self._scalars:
            self._scalars[key] = self._constant(f"{self._prefix}scalar_{len(self._scalars)}", np.asarray(value))
        return self._scalars[key]
