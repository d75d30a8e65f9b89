# SPDX-License-Identifier: Apache-2.0
"""Reading an ONNX file that nobody vouches for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError

from codesign.base.errors import InputError
from codesign.base.reading import read_limited
from codesign.compiler.model.external import read_external_data
from codesign.compiler.model.hints import TABLE_HINT
from codesign.compiler.model.limits import (
    EXPORT_HINT,
    MAX_BYTES,
    MAX_FIELDS,
    MAX_OPSET,
    MIN_OPSET,
    ONNXRUNTIME,
    ONNXRUNTIME_OPERATORS,
    TOO_LARGE,
    all_nodes,
    check_extent,
    check_numbers,
    tensors,
)
from codesign.compiler.model.tflite import from_tflite, is_tflite
from codesign.compiler.model.wire import MalformedError, count_fields


def read_model(path: Path) -> tuple[onnx.ModelProto, str]:
    """The checked model and the SHA-256 of its file (and of its external data, in the tensors' order).

    Raises:
        InputError: unreadable, truncated, too large, of an opset not supported, with data outside the file's folder, with
            numbers that make no sense, or refused by onnx's checker.
    """
    data = read_limited(path, MAX_BYTES, "give the path of an .onnx or .tflite file")
    model = from_tflite(path, data) if is_tflite(data) else _parsed(path, data)
    if not model.graph.node or not model.graph.output:
        raise InputError(f"{path}: not an ONNX file, or one without a graph", hint=EXPORT_HINT)
    _check_opset(path, model)
    check_extent(path, model)
    digest = hashlib.sha256(data)
    external = [tensor for tensor in tensors(model) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    read_external_data(path, external)
    for tensor in external:
        digest.update(tensor.raw_data)
    check_numbers(path, model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError, DecodeError, EncodeError) as error:
        raise InputError(f"{path}: {first_words(error)}", hint=EXPORT_HINT) from error
    return model, digest.hexdigest()


def _parsed(path: Path, data: bytes) -> onnx.ModelProto:
    model = onnx.ModelProto()
    try:
        if count_fields(data, onnx.ModelProto.DESCRIPTOR, MAX_FIELDS) > MAX_FIELDS:
            raise InputError(f"{path}: more than {MAX_FIELDS:,} fields", hint=TOO_LARGE)
        model.ParseFromString(data)
    except (DecodeError, MalformedError) as error:
        raise InputError(f"{path}: not an ONNX file, or a truncated one", hint=EXPORT_HINT) from error
    return model


def _check_opset(path: Path, model: onnx.ModelProto) -> None:
    functions = {(function.domain, function.name) for function in model.functions}
    known = functions | {(ONNXRUNTIME, name) for name in ONNXRUNTIME_OPERATORS}
    for node in all_nodes(model):
        if node.domain not in ("", "ai.onnx") and (node.domain, node.op_type) not in known:
            raise InputError(
                f"{path}: node '{node.name or next(iter(node.output), '?')}' ({node.op_type}) is of domain '{node.domain}'",
                hint=TABLE_HINT,
            )
    version = opset_of(model)
    if not MIN_OPSET <= version <= MAX_OPSET:
        raise InputError(f"{path}: opset {version}, supported are {MIN_OPSET} to {MAX_OPSET}", hint=EXPORT_HINT)


def opset_of(model: onnx.ModelProto) -> int:
    """Version of the operators of ONNX itself; other domains may be imported without a node of theirs."""
    return max((opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")), default=0)


def first_words(error: Exception) -> str:
    """The start of a library's message, which may go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or ["refused without a word"])[0][:300]
