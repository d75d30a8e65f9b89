"""Reading an ONNX file that nobody vouches for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError, EncodeError

from codesign.base.errors import InputError

MAX_BYTES = 256 * 2**20
MAX_WEIGHTS = 64 * 2**20
MAX_NODES = 4096
MIN_OPSET, MAX_OPSET = 13, 23
_HINT = "export it again, see docs/model-file.md"


def read_model(path: Path) -> tuple[onnx.ModelProto, str]:
    """The checked, shape-inferred model and the SHA-256 of its file (and of its external data, in the tensors' order).

    Raises:
        InputError: unreadable, truncated, too large, of an opset not supported, with data outside the file's folder, with
            numbers that make no sense, or refused by onnx's checker or shape inference.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"cannot read {path}: not a regular file", hint="give the path of an .onnx file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"{path}: {size:,} bytes, more than {MAX_BYTES:,}", hint="no network for a hearing aid is this large"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="give the path of an .onnx file") from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise InputError(f"{path}: not an ONNX file, or a truncated one", hint=_HINT) from error
    if not model.graph.node or not model.graph.output:
        raise InputError(f"{path}: not an ONNX file, or one without a graph", hint=_HINT)
    _check_opset(path, model)
    _check_extent(path, model)
    digest = hashlib.sha256(data)
    external = [tensor for tensor in _tensors(model) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    _check_external_data(path, external)
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
        for tensor in external:
            digest.update(tensor.raw_data)
        _check_numbers(path, model)  # first: it names the tensor, which onnx does not
        onnx.checker.check_model(model)
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError(f"{path}: {_first_words(str(error))}", hint=_HINT) from error
    except (OSError, ValueError, TypeError, RuntimeError, DecodeError, EncodeError) as error:
        raise InputError(f"{path}: {_first_words(str(error))}", hint=_HINT) from error
    return model, digest.hexdigest()


def _check_opset(path: Path, model: onnx.ModelProto) -> None:
    for opset in model.opset_import:
        if opset.domain not in ("", "ai.onnx"):
            raise InputError(f"{path}: operators of domain '{opset.domain}'", hint="docs/operators.md lists the supported ones")
    version = max((opset.version for opset in model.opset_import), default=0)
    if not MIN_OPSET <= version <= MAX_OPSET:
        raise InputError(f"{path}: opset {version}, supported are {MIN_OPSET} to {MAX_OPSET}", hint=_HINT)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Initializers, and the tensors of Constant nodes under the name of what they make."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
                tensor.name = tensor.name or next(iter(node.output), "")
                yield tensor


def _check_extent(path: Path, model: onnx.ModelProto) -> None:
    """What may hide more than it shows, before anything expands it."""
    graph = model.graph
    if model.functions:
        raise InputError(f"{path}: defines functions of its own, '{model.functions[0].name}'", hint="export plain operators")
    if graph.sparse_initializer:
        name = graph.sparse_initializer[0].values.name
        raise InputError(f"{path}: tensor '{name}' is sparse, weights must be dense", hint=_HINT)
    if len(graph.node) > MAX_NODES:
        raise InputError(f"{path}: {len(graph.node):,} nodes, more than {MAX_NODES:,}", hint="a model is one time step")
    for node in graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            name = node.name or next(iter(node.output), "?")
            raise InputError(
                f"{path}: node '{name}' ({node.op_type}): operators with a graph inside are not supported",
                hint="docs/operators.md lists the supported ones",
            )
    weights = 0
    for tensor in _tensors(model):
        weights += math.prod(tensor.dims)
        if min(tensor.dims, default=0) < 0 or weights > MAX_WEIGHTS:
            raise InputError(
                f"{path}: tensor '{tensor.name}' of shape {list(tensor.dims)}: more than {MAX_WEIGHTS:,} weights in all",
                hint="no network for a hearing aid is this large",
            )


def _check_external_data(path: Path, tensors: list[onnx.TensorProto]) -> None:
    folder, sizes = path.parent.resolve(), dict[Path, int]()
    for tensor in tensors:
        location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        target = (folder / location.replace("\0", "")).resolve()
        if not location or not target.is_relative_to(folder) or target == folder:
            raise InputError(
                f"{path}: tensor '{tensor.name}' has external data at '{location}', outside of the model's folder",
                hint="store the weights in the .onnx file",
            )
        sizes[target] = target.stat().st_size if target.is_file() else MAX_BYTES + 1
        if sum(sizes.values()) > MAX_BYTES:
            raise InputError(
                f"{path}: external data '{location}' of tensor '{tensor.name}' is missing or too large", hint=_HINT
            )


def _check_numbers(path: Path, model: onnx.ModelProto) -> None:
    for tensor in _tensors(model):
        if tensor.data_type in (onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16):
            kind = onnx.TensorProto.DataType.Name(tensor.data_type).lower()
            raise InputError(f"{path}: tensor '{tensor.name}' is {kind}, weights must be float32 or int8", hint=_HINT)
        if tensor.data_type == onnx.TensorProto.FLOAT and not np.isfinite(onnx.numpy_helper.to_array(tensor)).all():
            raise InputError(f"{path}: tensor '{tensor.name}' holds NaN or infinity", hint="train or export it again")


def _first_words(message: str) -> str:
    """The start of a library's message, which may go on for pages."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return (lines or ["refused without a word"])[0][:300]
