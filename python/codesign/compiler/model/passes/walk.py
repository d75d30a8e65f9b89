# SPDX-License-Identifier: Apache-2.0
"""Sizes and constants of all values, node after node: a size is inferred, then looked at, and only then something is computed.

The libraries that fold constants (onnxscript's optimizer, onnxruntime's) compute first and look afterwards, which a hostile
file turns into gigabytes; so onnx's own shape inference and reference operators are driven one node at a time here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from codesign.base.errors import InputError
from codesign.compiler.model.file import first_words
from codesign.compiler.model.limits import MAX_LIST, MAX_NODES, MAX_RANK, MAX_WEIGHTS, MAX_WORK, TOO_LARGE
from codesign.compiler.model.passes.branches import expand
from codesign.compiler.model.passes.draft import Array, Draft, Shaped, attribute, title
from codesign.compiler.model.passes.families import FOLDED
from codesign.compiler.model.passes.reference import computed

_MAX_VALUES = 2 * MAX_WEIGHTS
"""Elements that folding may have made and not dropped."""
_SAME_TYPE = ("GroupNormalization", "InstanceNormalization", "LpNormalization", "MeanVarianceNormalization", "RMSNormalization")
"""Operators whose result is as what they read, which not every version of onnx infers."""
_LINEAR_HINT = "give the graph's inputs fixed sizes, or export it again, see docs/model-file.md"


def walk(draft: Draft, sizes: dict[str, int] | None = None) -> Draft:
    """The same graph with types of all values, constants folded, branches taken and loops unrolled.

    `sizes` gives sizes to symbols; other sizes that the file leaves open are 1.

    Raises:
        InputError: an operator that onnx does not know, sizes that do not fit it, or a value that is too large.
    """
    result = draft.clone()
    result.types = {}
    for name, dims in draft.dims.items():
        shape = tuple((sizes or {}).get(size, 1) if isinstance(size, str) else size for size in dims)
        if math.prod(shape) > MAX_WEIGHTS:
            raise InputError(f"{draft.path}: '{name}' has shape {list(shape)}", hint=TOO_LARGE)
        result.types[name] = Shaped(draft.kinds[name], shape)
    for name, array in result.constants.items():
        result.types[name] = Shaped(int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype)), array.shape)
    queue, done = list(reversed(result.nodes)), []
    held, seen, work = sum(array.size for array in result.constants.values()), 0, 0
    while queue:
        node, seen = queue.pop(), seen + 1
        if seen > 2 * MAX_NODES:
            raise InputError(f"{draft.path}: more than {MAX_NODES:,} nodes once unfolded", hint=TOO_LARGE)
        if node.op_type in ("If", "Loop", "Scan"):
            queue.extend(reversed(expand(result, node)))
            continue
        if node.op_type == "Constant":
            result.put(node.output[0], _constant(result, node))
            continue
        infer(result, node)
        if _foldable(result, node):
            made = sum(result.types[name].size for name in node.output if name)
            held, work = held + made, work + made
            if held > _MAX_VALUES or work > MAX_WORK:
                raise result.refuse(node, f"constants have more than {_MAX_VALUES:,} elements by here", hint=TOO_LARGE)
            _fold(result, node)
            continue
        done.append(node)
    result.nodes = done
    return result


def _constant(draft: Draft, node: onnx.NodeProto) -> Array:
    for key, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        numbers = attribute(node, key)
        if numbers is not None:
            array = np.asarray(numbers, dtype)
            if not np.isfinite(array).all():
                raise draft.refuse(node, "holds NaN or infinity")
            return array
    tensor = attribute(node, "value")
    if tensor is None:
        raise draft.refuse(node, "holds no numbers")
    array = onnx.numpy_helper.to_array(tensor)
    return np.asarray(array)


def infer(draft: Draft, node: onnx.NodeProto) -> None:
    """Add the types of a node's outputs, by onnx's own rules.

    Raises:
        InputError: an input that nothing makes, an unknown operator, sizes that do not fit, or a value that is too large.
    """
    if node.domain not in ("", "ai.onnx"):
        raise draft.refuse(node, f"an operator of domain '{node.domain}' is not supported")
    for index, name in enumerate(node.input):
        if name and name not in draft.types:
            raise draft.refuse(node, f"the shape of input {index} '{name}' is not known", hint=_LINEAR_HINT)
    if not onnx.defs.has(node.op_type, draft.opset):
        raise draft.refuse(node, f"operator {node.op_type} is not supported")
    known = {name: draft.types[name].proto() for name in node.input if name}
    try:
        schema = onnx.defs.get_schema(node.op_type, draft.opset, "")
        found = onnx.shape_inference.infer_node_outputs(
            schema, node, known, _numbers(draft, node), opset_imports=[onnx.helper.make_opsetid("", draft.opset)]
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.defs.SchemaError) as error:
        raise draft.refuse(node, first_words(error)) from error
    except (ValueError, RuntimeError, DecodeError) as error:
        raise draft.refuse(node, first_words(error)) from error
    for name in node.output:
        if not name:
            continue
        if node.op_type in _SAME_TYPE and not (name in found and found[name].tensor_type.HasField("shape")):
            draft.types[name] = draft.types[node.input[0]]
            continue
        tensor = found[name].tensor_type if name in found else onnx.TypeProto.Tensor()
        if not tensor.HasField("shape") or any(not d.HasField("dim_value") or d.dim_value < 0 for d in tensor.shape.dim):
            raise draft.refuse(
                node, f"the shape of output '{name}' depends on more than shapes and constants", hint=_LINEAR_HINT
            )
        shape = tuple(d.dim_value for d in tensor.shape.dim)
        if len(shape) > MAX_RANK or math.prod(shape) > MAX_WEIGHTS:
            limits = f"{MAX_RANK} dimensions or {MAX_WEIGHTS:,} elements"
            raise draft.refuse(
                node, f"output '{name}' of shape {list(shape[:MAX_RANK])} has more than {limits}", hint=TOO_LARGE
            )
        draft.types[name] = Shaped(tensor.elem_type, shape)


def _numbers(draft: Draft, node: onnx.NodeProto) -> dict[str, onnx.TensorProto]:
    """Small constants among the inputs, which sizes of the outputs may depend on."""
    return {
        name: onnx.numpy_helper.from_array(draft.constants[name], name)
        for name in node.input
        if name in draft.constants and draft.constants[name].size <= MAX_LIST
    }


def _foldable(draft: Draft, node: onnx.NodeProto) -> bool:
    if node.op_type in ("Shape", "Size"):
        return True  # all sizes are known here
    if node.op_type not in FOLDED or not all(name in draft.constants for name in node.input if name):
        return False
    if not node.input:
        return False
    if node.op_type in ("MatMul", "Gemm"):
        left, right = draft.types[node.input[0]], draft.types[node.input[1]]
        return left.size * max(right.shape, default=1) <= 2**30
    return node.op_type != "Dropout" or len(node.input) < 3


def _fold(draft: Draft, node: onnx.NodeProto) -> None:
    if node.op_type in ("Shape", "Size"):
        shape = draft.shape(node.input[0])
        first, last = attribute(node, "start", 0), attribute(node, "end")
        numbers: Any = shape[first:last] if node.op_type == "Shape" else math.prod(shape)
        draft.put(node.output[0], np.asarray(numbers, np.int64))
        return
    if node.op_type == "Identity":
        draft.put(node.output[0], draft.constants[node.input[0]])
        return
    inputs = list(dict.fromkeys(name for name in node.input if name))
    outputs = [name for name in node.output if name]
    arrays = computed(draft, node, {name: draft.constants[name] for name in inputs})
    for name, array in zip(outputs, arrays, strict=True):
        if array.shape != draft.shape(name):
            raise draft.refuse(node, f"'{name}' computes to shape {list(array.shape)}, {list(draft.shape(name))} was inferred")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise draft.refuse(node, f"'{title(node)}' computes to NaN or infinity")
        draft.put(name, array.astype(onnx.helper.tensor_dtype_to_np_dtype(draft.types[name].kind), copy=False))
