# SPDX-License-Identifier: Apache-2.0
"""A quantized graph as ONNX: one time step, LSTM cells decomposed, QuantizeLinear and DequantizeLinear around everything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from codesign import __version__
from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.compiler.frontend.read import chain_properties
from codesign.compiler.model.graph import Graph, Matrix, Quant
from codesign.compiler.model.limits import IR_VERSION
from codesign.compiler.names import check_unique
from codesign.compiler.operators import Operator
from codesign.compiler.operators.scales import UNIT

OPSET = 21  # the first with int16 QuantizeLinear


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
    proto = helper.make_graph(writer.nodes, "step", *ports(graph))
    proto.initializer.extend(writer.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="codesign")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, metadata(graph))
    return model


def ports(graph: Graph) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Inputs and outputs of a file: every value with a batch of one."""

    def info(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape])

    inputs = {graph.input: graph.shapes[graph.input], **{state.input: state.shape for state in graph.states}}
    outputs = {graph.output: graph.shapes[graph.output], **{state.output: state.shape for state in graph.states}}
    return [info(*item) for item in inputs.items()], [info(*item) for item in outputs.items()]


def metadata(graph: Graph) -> dict[str, str]:
    """The metadata_props of docs/model-file.md."""
    states = [[s.input, s.output, *([s.initial] if s.initial else [])] for s in graph.states]
    return {
        **chain_properties(graph.frontend),
        "states": json.dumps(states),
        "name": graph.name,
        "licence": graph.licence,
        "tool": f"codesign {__version__}",
        **({"float32": "entry"} if any(op.float_sources for op in graph.ops) else {}),
    }


def _written(graph: Graph) -> QdqWriter:
    """The graph's nodes. What is in between goes by the names of layers and inputs; where an input or output is called like
    that, after a prefix that none of them has.
    """
    writer = QdqWriter(graph)
    writer.write()
    if len(set(writer.made)) == len(writer.made):
        return writer
    ends = (graph.input, graph.output, *(name for state in graph.states for name in (state.input, state.output)))
    prefix = next(p for p in (f"inner{n}/" for n in range(len(ends) + 1)) if not any(end.startswith(p) for end in ends))
    writer = QdqWriter(graph, prefix)
    writer.write()
    check_unique("values of a file", writer.made)
    return writer


class QdqWriter:
    """Nodes and initializers as they grow. `_tensor` maps a value of the graph to the tensor that holds it dequantized."""

    def __init__(self, graph: Graph, prefix: str = "") -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.quants = graph.quants
        self._graph = graph
        self._tensor: dict[str, str] = {}
        self._reshaped: set[str] = set()
        self._inner: Mapping[str, tuple[int, ...]] | None = None
        self._scalars: dict[tuple[object, ...], str] = {}
        self._guards = {name: gate for gate in graph.ops for name in gate.guards}

    @property
    def made(self) -> list[str]:
        """Names of inputs, constants and results: a constant called as an input would take its place."""
        inputs = [self._graph.input, *(state.input for state in self._graph.states)]
        return (
            inputs
            + [tensor.name for tensor in self.initializers]
            + [name for node in self.nodes for name in node.output if name]
        )

    def write(self) -> None:
        """Everything."""
        graph = self._graph
        for name in (graph.input, *(state.input for state in graph.states)):
            inner = f"{self._prefix}/{name}_q" if self._prefix else f"{name}_q"  # no layer's name begins with a /
            self._tensor[name] = self.round_trip(name, graph.quants.get(name), inner)
        for gate in {gate.name: gate for gate in self._guards.values()}.values():
            half = self.constant(f"{self.inner(gate)}/half", np.array([[0.5]], np.float32))
            self.node("GreaterOrEqual", [self._tensor[next(iter(gate.carried))], half], f"{self.inner(gate)}/update")
        for op in graph.schedule:
            op.write(self)
        written = {name for node in self.nodes for name in node.output}
        ends = [(graph.output, graph.output), *((state.output, graph.next_value(state)) for state in graph.states)]
        for name, value in ends:
            if name not in written:
                self.node("Identity", [self._tensor[value]], name)

    def tensor(self, value: str) -> str:
        """The tensor that holds a value."""
        return self._tensor[value]

    def give(self, value: str, tensor: str) -> None:
        """Say which tensor holds a value."""
        self._tensor[value] = tensor

    def carry(self, op: Operator, value: str, tensor: str) -> None:
        """Give a value that an operator carries on in a state: its tensor, or the old state's where a guard skips the step."""
        state = next(state for state, output in op.carried.items() if output == value)
        known = self._graph.state(state)
        if known is None or self._graph.next_value(known) != value:
            self.give(value, tensor)
            return
        gate = self._guards.get(op.name)
        if gate is None:
            self.node("Identity", [tensor], known.output)
        else:
            self.node("Where", [f"{self.inner(gate)}/update", tensor, self._tensor[state]], known.output)
        self.give(value, known.output)

    def state_output(self, state: str) -> str:
        """The output of the file that a state is fed back from."""
        known = self._graph.state(state)
        assert known is not None
        return known.output

    def inner(self, op: Operator) -> str:
        """What the names of values inside of an operator begin with."""
        return self._prefix + op.name

    def finish(self, value: str, tensor: str) -> None:
        """Give a value: the tensor, rounded if it has parameters, and called as the graph's output if it is that."""
        if self._inner is not None:
            self.give(value, tensor)
            return
        result = self.round_trip(tensor, self._graph.quants.get(value), f"{tensor}_q")
        if value == self._graph.output:
            self.node("Identity", [result], value)
            result = value
        self.give(value, result)

    @contextmanager
    def in_float(self, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[None]:
        """Values that are given meanwhile are not rounded; `shapes` are theirs, without the batch."""
        self._inner = shapes
        yield
        self._inner = None

    def gemm(self, name: str, source: str, weight: Matrix, bias: npt.NDArray[np.float64] | None = None, label: str = "") -> str:
        """The tensor that is weight · source + bias (rows,) of a vector, with int8 weights behind a DequantizeLinear."""
        integers, scale = _int8(name, weight)
        parts = [self.constant(f"{name}/weight_q", integers), self.constant(f"{name}/weight_scale", scale)]
        self.node("DequantizeLinear", parts, f"{name}/weight", axis=0)
        inputs = [source, f"{name}/weight"]
        if bias is not None:
            inputs.append(self.constant(f"{name}/bias", bias.astype(np.float32)))
        self.node("Gemm", inputs, f"{name}/product", label=label, transB=1)
        return f"{name}/product"

    def matmul(self, name: str, source: str, weight: Matrix, bias: npt.NDArray[np.float64], label: str = "") -> str:
        """The tensor that is weight · source + bias (rows,) over the last axis of a source of several."""
        integers, scale = _int8(name, weight)
        parts = [self.constant(f"{name}/weight_q", integers.T), self.constant(f"{name}/weight_scale", scale)]
        self.node("DequantizeLinear", parts, f"{name}/weight", axis=1)
        self.node("MatMul", [source, f"{name}/weight"], f"{name}/product", label=label)
        self.node("Add", [f"{name}/product", self.constant(f"{name}/bias", bias.astype(np.float32))], f"{name}/sum")
        return f"{name}/sum"

    def dequantized(self, name: str, weight: Matrix) -> str:
        """A weight matrix (rows, columns) as a float tensor (1, rows, columns), as recurrent operators take it."""
        integers, scale = _int8(name, weight)
        parts = [self.constant(f"{name}_q", integers[None]), self.constant(f"{name}_scale", scale)]
        self.node("DequantizeLinear", parts, name, axis=1)
        return name

    def size(self, value: str) -> int:
        """Elements of a value."""
        return math.prod(self.shape(value))

    def shape(self, value: str) -> tuple[int, ...]:
        """A value's shape, without the batch."""
        return (self._graph.shapes if self._inner is None else self._inner)[value]

    def vector(self, value: str) -> str:
        """The tensor that holds a value as [1, n]."""
        if len(self.shape(value)) == 1:
            return self._tensor[value]
        return self.reshaped(self._tensor[value], (1, self.size(value)))

    def reshaped(self, tensor: str, shape: Sequence[int]) -> str:
        """The tensor in another shape, the batch included."""
        name = f"{tensor}/as_{'x'.join(map(str, shape))}"
        if name not in self._reshaped:
            self._reshaped.add(name)
            self.node("Reshape", [tensor, self.constant(f"{name}/shape", np.array(shape, np.int64))], name)
        return name

    def unit(self, operator: str, source: str, result: str = "") -> str:
        """A sigmoid or tanh, rounded to Q0.15."""
        result = result or f"{source}_{operator.lower()}"
        self.node(operator, [source], result)
        return self.round_trip(result, UNIT, f"{result}_q")

    def round_trip(self, tensor: str, quant: Quant | None, result: str) -> str:
        """QuantizeLinear and DequantizeLinear; the tensor itself without parameters."""
        if quant is None:
            return tensor
        dtype = np.int8 if quant.bits == 8 else np.int16
        parameters = [self.scalar(np.float32(quant.scale)), self.scalar(dtype(quant.zero_point))]
        self.node("QuantizeLinear", [tensor, *parameters], f"{result}_int")
        self.node("DequantizeLinear", [f"{result}_int", *parameters], result)
        return result

    def node(self, operator: str, inputs: Sequence[str], output: str, label: str = "", **attributes: object) -> None:
        """A node of one output; `label` is its name."""
        self.nodes_of(operator, inputs, [output], label or f"{output}/{operator}", **attributes)

    def nodes_of(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], label: str, **attributes: object) -> None:
        """A node of any number of outputs."""
        self.nodes.append(helper.make_node(operator, list(inputs), list(outputs), name=label, **attributes))

    def constant(self, name: str, array: npt.NDArray[np.generic]) -> str:
        """Add an initializer of any shape and type; its name."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def scalar(self, value: np.generic) -> str:
        """The initializer of a number of its type, one for all that need the same; its name."""
        key = (value.dtype, value.item())
        if key not in self._scalars:
            self._scalars[key] = self.constant(f"{self._prefix}scalar_{len(self._scalars)}", np.asarray(value))
        return self._scalars[key]


def _int8(name: str, weight: Matrix) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    if weight.quantized is None or weight.scale is None:
        raise InputError(f"{name}: weights are not int8", hint="quantize_graph makes them so")
    return weight.quantized, weight.scale.astype(np.float32)
