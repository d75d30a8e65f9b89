# SPDX-License-Identifier: Apache-2.0
"""What a model may hold: checked on what the file says, before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx

from codesign.base.errors import InputError

MAX_BYTES = 64 * 2**20
MAX_FIELDS = 2**20
"""Fields of the protobuf, each some hundred bytes in memory."""
MAX_WEIGHTS = 8 * 2**20
ROUNDING = "codesign.rounding"
"""Key of a node's metadata_props: once, twice or reduced, as lower.convolution.Rounding."""
MAX_WORK = 8 * MAX_WEIGHTS
"""Elements of all constants and matrices on the way: nodes that read one tensor may each make their own of it."""
MAX_PARTS = 64
"""Vectors that are added or joined; an LSTM's gate has 2."""
MAX_NODES = 4096
MAX_PORTS = 256
"""Inputs and outputs of the graph, and of a node."""
MAX_VECTOR = 65_535
MAX_RANK = 8
MAX_LIST = 4096
"""Numbers in a list that says what an operator does: a shape, axes, sizes."""
IR_VERSION = 10  # what onnxruntime 1.18 reads
MIN_OPSET, MAX_OPSET = 9, onnx.defs.onnx_opset_version()
ONNXRUNTIME = "com.microsoft"
"""The domain of onnxruntime's own operators."""
ONNXRUNTIME_OPERATORS = frozenset(
    (
        *("DequantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits"),
        *("QGemm", "QLinearAdd"),
        *("QLinearAveragePool", "QLinearConcat", "QLinearConv", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMul"),
        *("QLinearReduceMean", "QLinearSigmoid", "QLinearSoftmax", "QLinearWhere", "QuantizeLinear"),
    )
)
"""Those of them that the import writes in operators of ONNX."""
MAX_DEPTH = 8
"""Graphs inside of nodes inside of graphs."""
TOO_LARGE = "no network for a hearing aid is this large"
UNROLLED_HINT = "if a layer is unrolled into its steps, export it as a layer (torch: nn.LSTM; Keras: unroll=False, by tf2onnx)"
EXPORT_HINT = "export it again, see docs/model-file.md"

_Tensor = onnx.TensorProto
# type → (bytes of an element, the field that holds elements beside raw_data)
_STORED = {
    _Tensor.FLOAT: (4, "float_data"),
    _Tensor.INT64: (8, "int64_data"),
    _Tensor.INT32: (4, "int32_data"),
    _Tensor.DOUBLE: (8, "double_data"),
    **dict.fromkeys((_Tensor.INT16, _Tensor.UINT16, _Tensor.FLOAT16), (2, "int32_data")),
    **dict.fromkeys((_Tensor.INT8, _Tensor.UINT8, _Tensor.BOOL), (1, "int32_data")),
}


def type_name(kind: int) -> str:
    """Name of an element type, for people."""
    names = {number: name.lower() for name, number in _Tensor.DataType.items()}
    return str(names.get(kind, f"of unknown type {kind}"))


def graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """The graph, and those inside of its nodes and functions."""
    waiting = [model.graph, *(function_graph for f in model.functions for function_graph in _inside(f.node))]
    while waiting:
        graph = waiting.pop()
        yield graph
        waiting += _inside(graph.node)


def _inside(nodes: Iterable[onnx.NodeProto]) -> list[onnx.GraphProto]:
    return [g for node in nodes for a in node.attribute for g in ([a.g] if a.HasField("g") else a.graphs)]


def all_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Nodes of all graphs and functions."""
    for graph in graphs(model):
        yield from graph.node
    for function in model.functions:
        yield from function.node


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Initializers, and the tensors of Constant nodes under the name of what they make."""
    for graph in graphs(model):
        yield from graph.initializer
    for node in all_nodes(model):
        for attribute in node.attribute:
            for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
                tensor.name = tensor.name or next(iter(node.output), "")
                yield tensor


def stored_bytes(tensor: onnx.TensorProto) -> int:
    """Bytes that the elements of a checked tensor take as raw data."""
    return int(math.prod(tensor.dims)) * _STORED[tensor.data_type][0]


def check_extent(path: Path, model: onnx.ModelProto) -> None:
    """What may hide more than it shows, before anything expands it.

    Raises:
        InputError: sparse tensors, more of something than the limits above, or a tensor that does not hold what its dimensions
            say. External data is not looked at.
    """
    graph = model.graph
    _check_depth(path, list(graph.node), 0)
    for function in model.functions:
        if function.domain in ("", "ai.onnx"):
            raise InputError(f"{path}: function '{function.name}' hides an operator of ONNX", hint="export plain operators")
        _check_depth(path, list(function.node), 0)
    for inner in graphs(model):
        if inner.sparse_initializer:
            name = inner.sparse_initializer[0].values.name
            raise InputError(f"{path}: tensor '{name}' is sparse, weights must be dense", hint=EXPORT_HINT)
    count = sum(node.op_type != "Constant" for node in all_nodes(model))
    if count > MAX_NODES:
        raise InputError(f"{path}: {count:,} nodes, more than {MAX_NODES:,}", hint=f"a model is one time step; {UNROLLED_HINT}")
    ports = len(graph.input) - len({t.name for t in graph.initializer} & {i.name for i in graph.input}) + len(graph.output)
    if ports > MAX_PORTS:
        raise InputError(f"{path}: {ports:,} inputs and outputs, more than {MAX_PORTS}", hint="a model is one time step")
    for inner in graphs(model):
        for info in (*inner.input, *inner.output, *inner.value_info):
            _check_shape(path, info)
    for node in all_nodes(model):
        _check_node(path, node)
    weights = 0
    for tensor in tensors(model):
        weights = _counted(path, tensor, weights)
        _check_tensor(path, tensor)


def _check_depth(path: Path, nodes: list[onnx.NodeProto], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError(f"{path}: graphs inside of nodes, more than {MAX_DEPTH} deep", hint=EXPORT_HINT)
    for graph in _inside(nodes):
        _check_depth(path, list(graph.node), depth + 1)


def _check_shape(path: Path, info: onnx.ValueInfoProto) -> None:
    dims = info.type.tensor_type.shape.dim
    if len(dims) > MAX_RANK:
        raise InputError(f"{path}: '{info.name}' has {len(dims)} dimensions, more than {MAX_RANK}", hint=EXPORT_HINT)
    sizes = [d.dim_value for d in dims if d.HasField("dim_value")]
    if min(sizes, default=1) < 0 or math.prod(sizes) > MAX_WEIGHTS:
        raise InputError(
            f"{path}: '{info.name}' has shape {sizes}, at most {MAX_WEIGHTS:,} elements are expected",
            hint="a model is one time step of vectors, see docs/model-file.md",
        )


def _check_node(path: Path, node: onnx.NodeProto) -> None:
    where = f"{path}: node '{node.name or next(iter(node.output), '?')}' ({node.op_type})"
    if len(node.input) + len(node.output) > MAX_PORTS:
        raise InputError(f"{where}: more than {MAX_PORTS} inputs and outputs", hint=EXPORT_HINT)
    for attribute in node.attribute:
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise InputError(f"{where}: attribute '{attribute.name}' is sparse, weights must be dense", hint=EXPORT_HINT)
        if max(map(len, (attribute.ints, attribute.floats, attribute.strings))) > MAX_LIST:
            raise InputError(f"{where}: attribute '{attribute.name}' lists more than {MAX_LIST:,} values", hint=EXPORT_HINT)


def _counted(path: Path, tensor: onnx.TensorProto, before: int) -> int:
    """Elements of this tensor and of those before it."""
    total = before + math.prod(tensor.dims) if min(tensor.dims, default=0) >= 0 else -1
    if not 0 <= total <= MAX_WEIGHTS or len(tensor.dims) > MAX_RANK:
        raise InputError(
            f"{path}: tensor '{tensor.name}' of shape {list(tensor.dims)[:MAX_RANK]}: more than {MAX_WEIGHTS:,} weights in all",
            hint=TOO_LARGE,
        )
    return total


def _check_tensor(path: Path, tensor: onnx.TensorProto) -> None:
    if tensor.data_type not in _STORED:
        raise InputError(
            f"{path}: tensor '{tensor.name}' is {type_name(tensor.data_type)}, weights must be float32 or int8",
            hint=EXPORT_HINT,
        )
    if tensor.HasField("segment"):
        raise InputError(f"{path}: tensor '{tensor.name}' is a segment of another", hint=EXPORT_HINT)
    if tensor.data_location == _Tensor.EXTERNAL:
        return
    size, field = _STORED[tensor.data_type]
    held = len(tensor.raw_data) / size if tensor.HasField("raw_data") else len(getattr(tensor, field))
    wanted = math.prod(tensor.dims)
    if held != wanted:
        raise InputError(
            f"{path}: tensor '{tensor.name}' of shape {list(tensor.dims)} needs {wanted:,} elements and holds {held:,g}",
            hint=EXPORT_HINT,
        )


def check_numbers(path: Path, model: onnx.ModelProto) -> None:
    """Every float is finite.

    Raises:
        InputError: one is not, or numbers beyond those of their type.
    """
    for tensor in tensors(model):
        try:
            array = onnx.numpy_helper.to_array(tensor)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{path}: tensor '{tensor.name}': {error}", hint=EXPORT_HINT) from error
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{path}: tensor '{tensor.name}' holds NaN or infinity", hint="train or export it again")
