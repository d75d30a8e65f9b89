# SPDX-License-Identifier: Apache-2.0
"""What a TFLite file holds: tensors and operators of its one graph, sizes checked before anything is built from them."""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ToolError, one_line
from codesign.compiler.model.limits import MAX_LIST, MAX_NODES, MAX_PORTS, MAX_RANK, MAX_WEIGHTS, TOO_LARGE

HINT = "convert it again with a current converter"
_LOOPS_HINT = (
    "convert it without control flow: recurrent layers of one frame with unroll=True and no variables, or with tf2onnx"
)
_DTYPES: dict[int, Any] = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64, 6: np.bool_, 7: np.int16, 9: np.int8}
"""TensorType of the schema → NumPy; other types are refused where an operator reads them."""


@dataclass(frozen=True)
class Tensor:
    """A tensor: `data` where it is constant; real = scale · (q − zero_point), one scale or one along `axis`."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    data: npt.NDArray[Any] | None
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int
    variable: bool
    said: tuple[int, ...] = ()
    """The sizes as the file has them, −1 for one that it leaves open; nothing where it leaves none open."""


@dataclass(frozen=True)
class TfliteOperator:
    """An operator: `kind` as the schema calls it, tensors by number (−1 left out), options of its kind."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True)
class TfliteGraph:
    """The one subgraph of a file: its tensors, its operators in order, and the tensors' numbers of its inputs and outputs."""

    tensors: tuple[Tensor, ...]
    calls: tuple[TfliteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signature: tuple[Mapping[int, str], Mapping[int, str]] = ({}, {})
    """What the file's one signature calls inputs and outputs, by their tensors."""

    def said_input(self, number: int) -> str:
        """What the file calls an input."""
        return self.signature[0].get(number, self.tensors[number].name)

    def said_output(self, number: int) -> str:
        """What the file calls an output."""
        return self.signature[1].get(number, self.tensors[number].name)


def read_graph(path: Path, data: bytes) -> TfliteGraph:
    """The checked graph of the bytes of a TFLite file.

    Raises:
        InputError: damaged bytes, more than one graph, more of something than a model may have.
        ToolError: the package with the schema is missing.
    """
    try:
        schema = importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError as error:
        raise ToolError(
            f"{path}: TFLite files need the package ai-edge-litert", hint="pip install 'codesign[tflite]'"
        ) from error
    try:
        return _with_real_constants(_graph(path, schema, data))
    except (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: not a TFLite file, or a damaged one ({one_line(str(error), 80)})", hint=HINT) from error


def _with_real_constants(graph: TfliteGraph) -> TfliteGraph:
    """The graph with what DEQUANTIZE makes of constants, as of float16 weights, as constants of real numbers."""
    tensors, calls = list(graph.tensors), []
    for call in graph.calls:
        source = tensors[call.inputs[0]] if call.kind == "DEQUANTIZE" and call.inputs and call.inputs[0] >= 0 else None
        if source is None or source.data is None or len(call.outputs) != 1:
            calls.append(call)
            continue
        data = source.data.astype(np.float32)
        if len(source.scale):
            along = [-1 if i == source.axis else 1 for i in range(data.ndim)] if len(source.scale) > 1 else []
            zero = np.broadcast_to(source.zero_point, source.scale.shape).astype(np.float32)
            data = (data - zero.reshape(along)) * source.scale.reshape(along)
        tensors[call.outputs[0]] = replace(tensors[call.outputs[0]], data=data)
    return replace(graph, tensors=tuple(tensors), calls=tuple(calls))


def _graph(path: Path, schema: Any, data: bytes) -> TfliteGraph:
    model = schema.Model.GetRootAs(data, 0)
    if model.SubgraphsLength() != 1:
        raise InputError(f"{path}: {model.SubgraphsLength()} graphs, one is expected", hint=_LOOPS_HINT)
    graph = model.Subgraphs(0)
    for count, limit, what in (
        (graph.OperatorsLength(), MAX_NODES, "operators"),
        (graph.TensorsLength(), 4 * MAX_NODES, "tensors"),
        (model.OperatorCodesLength(), MAX_NODES, "kinds of operators"),
        (graph.InputsLength() + graph.OutputsLength(), MAX_PORTS, "inputs and outputs"),
    ):
        if not 0 <= count <= limit:
            raise InputError(f"{path}: {count:,} {what}, more than {limit:,}", hint=TOO_LARGE)
    held, tensors = 0, []
    names: set[str] = set()
    for number in range(graph.TensorsLength()):
        tensor = _tensor(path, model, graph.Tensors(number), number, names)
        held += 0 if tensor.data is None else tensor.data.size
        if held > MAX_WEIGHTS:
            raise InputError(f"{path}: tensor '{tensor.name}': more than {MAX_WEIGHTS:,} weights in all", hint=TOO_LARGE)
        tensors.append(tensor)
    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    calls = [_call(path, schema, model, graph.Operators(i), kinds, len(tensors)) for i in range(graph.OperatorsLength())]
    ports = [_numbers(path, vector, len(tensors)) for vector in (graph.InputsAsNumpy(), graph.OutputsAsNumpy())]
    return TfliteGraph(tuple(tensors), tuple(calls), ports[0], ports[1], _signature(model))


def _signature(model: Any) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """The names of the one signature; none where there are several."""
    if model.SignatureDefsLength() != 1:
        return {}, {}
    said = model.SignatureDefs(0)
    maps = ((said.Inputs, said.InputsLength()), (said.Outputs, said.OutputsLength()))
    inputs, outputs = ({entry(i).TensorIndex(): _said(entry(i)) for i in range(min(count, MAX_PORTS))} for entry, count in maps)
    return inputs, outputs


def _said(entry: Any) -> str:
    return one_line((entry.Name() or b"")[:200].decode("utf-8", "replace"), 120)


def _tensor(path: Path, model: Any, source: Any, number: int, names: set[str]) -> Tensor:
    raw = source.Name() or b""
    name = one_line(raw[:200].decode("utf-8", "replace"), 120) or f"tensor{number}"
    name = name if name not in names else f"{name}#{number}"
    names.add(name)
    shape = tuple(int(size) for size in (source.ShapeAsNumpy() if source.ShapeLength() else ()))
    if len(shape) > MAX_RANK or any(size < 0 for size in shape) or math.prod(shape) > MAX_WEIGHTS:
        raise InputError(f"{path}: tensor '{name}' has shape {list(shape[:MAX_RANK])}", hint=TOO_LARGE)
    said: tuple[int, ...] = ()
    if shape and source.ShapeSignatureLength() == len(shape):
        said = tuple(int(size) for size in source.ShapeSignatureAsNumpy())
    kind = _DTYPES.get(source.Type())
    dtype = None if kind is None else np.dtype(kind)
    buffer = model.Buffers(source.Buffer())
    data = None
    if buffer is not None and buffer.DataLength() > 0 and dtype is not None:
        bytes_ = buffer.DataAsNumpy()
        if len(bytes_) != math.prod(shape) * dtype.itemsize:
            raise InputError(f"{path}: tensor '{name}' of shape {list(shape)} holds {len(bytes_):,} bytes", hint=HINT)
        data = np.frombuffer(bytes_.tobytes(), dtype).reshape(shape)
        if dtype.kind == "f" and not np.isfinite(data).all():
            raise InputError(f"{path}: tensor '{name}' holds NaN or infinity", hint="train or convert it again")
    scale, zero, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    quantization = source.Quantization()
    if quantization is not None and quantization.ScaleLength():
        scale = np.array(quantization.ScaleAsNumpy(), np.float32)
        if quantization.ZeroPointLength():
            zero = np.array(quantization.ZeroPointAsNumpy(), np.int64)
        axis = int(quantization.QuantizedDimension())
        zero = np.zeros(len(scale), np.int64) if not len(zero) else zero
        if not (np.isfinite(scale).all() and (scale > 0).all()) or len(zero) not in (1, len(scale)):
            raise InputError(f"{path}: tensor '{name}' has scales that are not positive", hint=HINT)
        if len(scale) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scale)):
            raise InputError(f"{path}: tensor '{name}' has {len(scale)} scales for shape {list(shape)}", hint=HINT)
    return Tensor(name, shape, dtype, data, scale, zero, axis, bool(source.IsVariable()), said)


def _call(path: Path, schema: Any, model: Any, source: Any, kinds: dict[int, str], tensors: int) -> TfliteOperator:
    code = model.OperatorCodes(source.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = kinds.get(number, f"operator {number}")
    if kind == "CUSTOM":
        raise InputError(f"{path}: custom operator '{one_line(str(code.CustomCode()), 60)}'", hint="use builtin operators")
    inputs = _numbers(path, source.InputsAsNumpy() if source.InputsLength() else (), tensors, least=-1)
    outputs = _numbers(path, source.OutputsAsNumpy() if source.OutputsLength() else (), tensors)
    options, table = None, source.BuiltinOptions()
    if table is not None:
        names = {value: name for name, value in vars(schema.BuiltinOptions).items() if isinstance(value, int)}
        options = getattr(schema, names[source.BuiltinOptionsType()])()
        options.Init(table.Bytes, table.Pos)
    return TfliteOperator(kind, inputs, outputs, options)


def _numbers(path: Path, vector: Any, tensors: int, least: int = 0) -> tuple[int, ...]:
    if isinstance(vector, int) or len(vector) > MAX_LIST:
        raise InputError(f"{path}: a list of tensors is empty or too long", hint=HINT)
    numbers = tuple(int(number) for number in vector)
    if any(not least <= number < tensors for number in numbers):
        raise InputError(f"{path}: an operator reads or makes a tensor that is not there", hint=HINT)
    return numbers
