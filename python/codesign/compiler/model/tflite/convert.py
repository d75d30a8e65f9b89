# SPDX-License-Identifier: Apache-2.0
"""TfliteGraph → ModelProto."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError, one_line
from codesign.compiler.model.limits import MAX_WORK, TOO_LARGE
from codesign.compiler.model.metadata import stem
from codesign.compiler.model.tflite.operators import OPERATORS
from codesign.compiler.model.tflite.reader import HINT, Tensor, TfliteGraph, TfliteOperator, read_graph
from codesign.compiler.names import unused

OPSET = 21
_QUANTIZED = {np.dtype(np.int8): TensorProto.INT8, np.dtype(np.int16): TensorProto.INT16}


def is_tflite(data: bytes) -> bool:
    """Whether the bytes say that they are a TFLite file."""
    return data[4:8] == b"TFL3"


def from_tflite(path: Path, data: bytes) -> onnx.ModelProto:
    """The model of a TFLite file: inputs and outputs are real numbers, quantized values pass QuantizeLinear and back.

    Raises:
        InputError: damaged bytes, operators or types that are not supported, by number and kind.
        ToolError: the package with the schema is missing.
    """
    graph = read_graph(path, data)
    builder = Builder(path, graph)
    try:
        return _converted(builder, graph)
    except (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise builder.refuse(f"has options or tensors that do not fit it: {error}") from error


def _converted(builder: Builder, graph: TfliteGraph) -> onnx.ModelProto:
    inputs = [builder.graph_input(number) for number in graph.inputs]
    for index, call in enumerate(graph.calls):
        builder.index, builder.call = index, call
        if call.kind not in OPERATORS:
            raise builder.refuse("is not supported", hint="docs/import.md lists the operators of TFLite files")
        OPERATORS[call.kind](builder)
    outputs = [builder.graph_output(number) for number in graph.outputs]
    builder.states += _named_pairs(graph, inputs, outputs)
    proto = helper.make_graph(
        builder.nodes, "tflite", [*inputs, *builder.state_inputs], [*outputs, *builder.state_outputs], builder.tensors
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    props = {"states": json.dumps(builder.states)} if builder.states else {}
    kinds = [str(tensor.dtype) for tensor in graph.tensors if tensor.data is not None]
    if any(node.op_type == "QuantizeLinear" for node in builder.nodes):
        props["integers"] = "tflite"
    elif narrow := sorted({"int8", "float16"}.intersection(kinds)):
        props["integers"] = f"{' and '.join(narrow)} weights"
    helper.set_model_props(model, props)
    return model


def _named_pairs(
    graph: TfliteGraph, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
) -> list[list[str]]:
    """Inputs and outputs that are states by their names, of a signature or of their tensors, and by shapes and integers."""
    pairs = []
    for number, value in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[number]
        partners = [
            result.name
            for other, result in zip(graph.outputs, outputs, strict=True)
            if other != number and stem(graph.said_output(other)) == stem(graph.said_input(number))
            if _alike(graph.tensors[other], tensor)
        ]
        if len(partners) == 1 and len(inputs) > 1:
            pairs.append([value.name, partners[0]])
    return pairs


def _alike(one: Tensor, other: Tensor) -> bool:
    same = np.array_equal(one.scale, other.scale) and np.array_equal(one.zero_point, other.zero_point)
    return one.shape == other.shape and one.dtype == other.dtype and same


def _open(tensor: Tensor, name: str) -> list[int | str]:
    """Sizes of an input or output: a symbol for one that the file leaves open, but for the batch."""
    open_ = [axis for axis, size in enumerate(tensor.said) if size < 0 and axis]
    return [f"{name}:{axis}" if axis in open_ else size for axis, size in enumerate(tensor.shape)]


@dataclass
class Builder:
    """Nodes under way. Values are called after their tensors; `values` holds what a tensor's real value is called."""

    path: Path
    graph: TfliteGraph
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)
    values: dict[int, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    states: list[list[str]] = field(default_factory=list)
    state_inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    state_outputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    held: int = 0
    index: int = 0
    call: TfliteOperator = field(default_factory=lambda: TfliteOperator("", (), (), None))

    def refuse(self, message: str, hint: str = HINT) -> InputError:
        """The error for something in the operator at hand."""
        return InputError(f"{self.path}: operator {self.index} ({self.call.kind}) {one_line(message, 200)}", hint=hint)

    def tensor(self, index: int) -> Tensor:
        """An input of the operator."""
        if index >= len(self.call.inputs) or self.call.inputs[index] < 0:
            raise self.refuse(f"has no input {index}")
        return self.graph.tensors[self.call.inputs[index]]

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.call.inputs) and self.call.inputs[index] >= 0

    def out(self, index: int = 0) -> Tensor:
        """A tensor that the operator makes."""
        if index >= len(self.call.outputs):
            raise self.refuse(f"has no output {index}")
        return self.graph.tensors[self.call.outputs[index]]

    def option(self, name: str, default: Any) -> Any:
        """A field of the operator's options."""
        return default if self.call.options is None else getattr(self.call.options, name)()

    def numbers(self, index: int) -> list[int]:
        """A constant input of integers."""
        data = self.tensor(index).data
        if data is None or data.dtype.kind != "i":
            raise self.refuse(f"input {index} is computed, it must be constant integers")
        return [int(number) for number in data.ravel()]

    def long(self, index: int) -> str:
        """An input of integers as ONNX has sizes: int64."""
        if self.tensor(index).data is not None:
            return self.ints(self.numbers(index))
        return self.node("Cast", [self.real(index)], to=TensorProto.INT64)

    def sizes(self, tensor: Tensor) -> list[int]:
        """The sizes of a value for Reshape: −1 for one that the file leaves open, but for the batch."""
        left = [axis for axis, size in enumerate(tensor.said) if size < 0]
        left = left[1:] if len(left) > 1 and left[0] == 0 else left
        if len(left) > 1:
            raise self.refuse(f"gives '{tensor.name}' of several open sizes")
        return [-1 if axis in left else size for axis, size in enumerate(tensor.shape)]

    def name(self, base: str) -> str:
        """A name that is not taken yet."""
        name = unused(base, self.taken)
        self.taken.add(name)
        return name

    def constant(self, array: npt.NDArray[Any], base: str) -> str:
        """The name of a new constant with the values, shape and type of `array`; operators that read one tensor may each make
        their own of it.

        Raises:
            InputError: all constants together are too large.
        """
        self.held += array.size
        if self.held > MAX_WORK // 4:
            raise self.refuse(f"constants have more than {MAX_WORK // 4:,} elements by here", hint=TOO_LARGE)
        name = self.name(base)
        self.tensors.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def ints(self, numbers: list[int]) -> str:
        """A list of integers as a constant."""
        return self.constant(np.asarray(numbers, np.int64), f"op{self.index}_numbers")

    def node(self, kind: str, inputs: list[str], base: str = "", **attributes: Any) -> str:
        """A node with one output; its name."""
        result = self.name(base or f"op{self.index}_{kind.lower()}")
        self.nodes.append(helper.make_node(kind, inputs, [result], name=result, **attributes))
        return result

    def real(self, index: int) -> str:
        """The real value of an input of the operator."""
        return self.real_of(self.call.inputs[index]) if self.has(index) else ""

    def real_of(self, number: int) -> str:
        """The real value of a tensor."""
        if number not in self.values:
            tensor = self.graph.tensors[number]
            if tensor.data is None:
                raise self.refuse(f"reads '{tensor.name}', which nothing before it makes")
            self.values[number] = self.weights(tensor, tensor.data)
        return self.values[number]

    def weights(self, tensor: Tensor, data: npt.NDArray[Any], axis: int | None = None) -> str:
        """The name of constant weights: float, or integers and their DequantizeLinear; `data` are those of `tensor`, which may
        be turned, with its scales on `axis`.

        Raises:
            InputError: integers of another type, or too many constants.
        """
        name = tensor.name
        if not len(tensor.scale) or data.dtype.kind == "f":
            if data.dtype == np.float16:
                data = data.astype(np.float32)
            return self.constant(data, name)
        if data.dtype not in (np.int8, np.int16, np.int32):
            raise self.refuse(f"weights '{name}' are {data.dtype}")
        many = len(tensor.scale) > 1
        scale = tensor.scale if many else tensor.scale[0]
        inputs = [self.constant(data, f"{name}_q"), self.constant(np.asarray(scale, np.float32), f"{name}_scale")]
        if tensor.zero_point.any():
            zero = np.broadcast_to(tensor.zero_point, tensor.scale.shape) if many else tensor.zero_point[0]
            inputs.append(self.constant(np.asarray(zero).astype(data.dtype), f"{name}_zero"))
        options = {"axis": tensor.axis if axis is None else axis} if many else {}
        return self.node("DequantizeLinear", inputs, name, **options)

    def bias(self, index: int, source: int = 0) -> str:
        """The real bias of an operator with weights: a step is the scale of input `source` times the weights'.

        The file has that scale, too, with an error that large biases would show.
        """
        tensor, scales, weight = self.tensor(index), self.tensor(source).scale, self.tensor(1).scale
        if tensor.data is None or tensor.data.dtype.kind == "f" or not len(scales) or not len(weight):
            return self.real(index)
        if np.abs(tensor.data.astype(object)).max(initial=0) >= 2**31:
            raise self.refuse(f"has biases beyond 32 bits in '{tensor.name}'")
        exact = replace(tensor, scale=weight * scales[0], zero_point=np.zeros(1, np.int64), axis=0)
        return self.weights(exact, tensor.data.astype(np.int32))

    def give(self, value: str, index: int = 0, activation: int = 0, order: Sequence[int] = ()) -> None:
        """Bind an output of the operator to a value, after a fused activation, with the tensor's quantization and then with
        its axes in another `order`.
        """
        number, tensor = self.call.outputs[index], self.out(index)
        value = self.quantized(self.activated(value, activation), tensor)
        self.values[number] = self.node("Transpose", [value], perm=list(order)) if order else value

    def activated(self, value: str, activation: int) -> str:
        """The fused activations of the schema: none, RELU, RELU_N1_TO_1, RELU6, TANH."""
        match activation:
            case 0:
                return value
            case 1:
                return self.node("Relu", [value])
            case 2 | 3:
                bounds = (-1.0, 1.0) if activation == 2 else (0.0, 6.0)
                return self.node(
                    "Clip", [value, *(self.constant(np.asarray(b, np.float32), f"op{self.index}_bound") for b in bounds)]
                )
            case 4:
                return self.node("Tanh", [value])
            case _:
                raise self.refuse(f"has fused activation {activation}")

    def quantized(self, value: str, tensor: Tensor) -> str:
        """A value after QuantizeLinear and DequantizeLinear, where its tensor is quantized."""
        if tensor.dtype == np.float32 or tensor.dtype in (np.int32, np.int64, np.bool_):
            return value
        if tensor.dtype not in _QUANTIZED or len(tensor.scale) != 1:
            kind = "of a type that is not supported" if tensor.dtype is None else str(tensor.dtype)
            raise self.refuse(f"'{tensor.name}' is {kind}", hint="values must be float32, or int8 or int16 with one scale")
        parameters = [
            self.constant(np.asarray(tensor.scale[0]), f"{tensor.name}_scale"),
            self.constant(np.asarray(tensor.zero_point[0]).astype(tensor.dtype), f"{tensor.name}_zero"),
        ]
        integer = self.node("QuantizeLinear", [value, *parameters], f"{tensor.name}_q")
        return self.node("DequantizeLinear", [integer, *parameters], tensor.name)

    def graph_input(self, number: int) -> onnx.ValueInfoProto:
        """An input of the graph."""
        tensor = self.graph.tensors[number]
        quantized = tensor.dtype != np.float32
        name = self.name(f"{tensor.name}_real" if quantized and not len(tensor.scale) else tensor.name)
        self.values[number] = name if not quantized else self.quantized(name, tensor)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, _open(tensor, name))

    def graph_output(self, number: int) -> onnx.ValueInfoProto:
        """An output of the graph."""
        tensor = self.graph.tensors[number]
        name = self.node("Identity", [self.real_of(number)], f"{tensor.name}_result")
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, _open(tensor, name))

    def state(self, tensor: Tensor, shape: list[int]) -> tuple[str, str]:
        """A variable tensor as a pair of graph input and output: the old value, and what the new one must be called."""
        pair = self.name(f"{tensor.name}_in"), self.name(f"{tensor.name}_out")
        for name, infos in zip(pair, (self.state_inputs, self.state_outputs), strict=True):
            infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.states.append(list(pair))
        return self.quantized(pair[0], tensor), pair[1]
