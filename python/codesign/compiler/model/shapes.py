# SPDX-License-Identifier: Apache-2.0
"""Types and shapes of a graph's values, node after node: a size is looked at before anything grows from it."""

from __future__ import annotations

import math

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from codesign.compiler.model.file import first_words
from codesign.compiler.model.limits import MAX_LIST, MAX_RANK, MAX_WEIGHTS, type_name
from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import Constant


def declared(info: onnx.ValueInfoProto) -> onnx.TypeProto:
    """The type of a graph input, a dimension without a size being a batch of 1."""
    tensor = info.type.tensor_type
    return onnx.helper.make_tensor_type_proto(
        tensor.elem_type, [d.dim_value if d.HasField("dim_value") else 1 for d in tensor.shape.dim]
    )


def stored(tensor: onnx.TensorProto) -> onnx.TypeProto:
    """The type of an initializer."""
    return onnx.helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))


def dims(value: onnx.TypeProto) -> tuple[int, ...]:
    """Its shape, of a type with all sizes."""
    return tuple(d.dim_value for d in value.tensor_type.shape.dim)


def infer_outputs(step: Step, opset: int) -> None:
    """Add the shapes of the outputs of a node to its build, by onnx's own rules.

    Raises:
        InputError: an input that no node before makes, shapes or types that do not fit the operator, or a result of more
            dimensions or elements than any value may have.
    """
    node, types = step.node, step.build.types
    known = {name: types[name] for name in node.input if name in types}
    for index, name in enumerate(node.input):
        if name and name not in known:
            raise step.refuse(f"the shape of input {index} '{name}' is not known", hint="give the graph's inputs fixed shapes")
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
        results = onnx.shape_inference.infer_node_outputs(
            schema, node, known, _numbers(step), opset_imports=[onnx.helper.make_opsetid("", opset)]
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.defs.SchemaError) as error:
        raise step.refuse(first_words(error)) from error
    except (ValueError, RuntimeError, DecodeError) as error:
        raise step.refuse(first_words(error)) from error
    for name, found in results.items():
        if name and _complete(found):  # an output that is left out has no name
            shape = dims(found)
            if len(shape) > MAX_RANK or math.prod(shape) > MAX_WEIGHTS:
                limits = f"{MAX_RANK} dimensions or {MAX_WEIGHTS:,} elements"
                raise step.refuse(f"output '{name}' of shape {list(shape[:MAX_RANK])} has more than {limits}")
            types[name] = found


def mismatch(found: onnx.TypeProto, said: onnx.ValueInfoProto) -> str:
    """How a value differs from what the file says of it, "" if it does not."""
    wanted, shape = said.type.tensor_type, dims(found)
    if wanted.elem_type not in (0, found.tensor_type.elem_type):
        return f"is {type_name(wanted.elem_type)} in the file and computes to {type_name(found.tensor_type.elem_type)}"
    if not wanted.HasField("shape"):
        return ""
    said_dims = [d.dim_value if d.HasField("dim_value") else None for d in wanted.shape.dim]
    if len(said_dims) != len(shape) or any(a not in (None, b) for a, b in zip(said_dims, shape, strict=True)):
        return f"has shape {[d or '?' for d in said_dims]} in the file and computes to {list(shape)}"
    return ""


def _complete(value: onnx.TypeProto) -> bool:
    """Whether all sizes are known."""
    shape = value.tensor_type
    return shape.HasField("shape") and all(d.HasField("dim_value") for d in shape.shape.dim)


def _numbers(step: Step) -> dict[str, onnx.TensorProto]:
    """Integer constants among the inputs of a node: shapes, axes and sizes that its result depends on."""
    found: dict[str, onnx.TensorProto] = {}
    for name in step.node.input:
        term = step.build.terms.get(name)
        if isinstance(term, Constant) and term.dtype in (np.int32, np.int64) and term.size <= MAX_LIST and term.scale is None:
            limit = float(2**31 - 1 if term.dtype == np.int32 else 2**62)  # float64 does not hold 2^63 - 1
            values = np.clip(term.values, -limit, limit).astype(term.dtype)
            found[name] = onnx.numpy_helper.from_array(values, name)
    return found
