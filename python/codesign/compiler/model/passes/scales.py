# SPDX-License-Identifier: Apache-2.0
"""Products and sums with constants (means, deviations, BatchNorm) go into the linear layer before or after them.

Between the constant and the layer there may be views, which only move elements; before the layer's output is reached there may
be other sums with constants. What is passed on the way must have no other reader.
"""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, splice
from codesign.compiler.model.passes.weights import (
    RECURRENT,
    can_shift_columns,
    channel_vector,
    column_sum,
    input_axis,
    output_axis,
    scale_columns,
    scale_rows,
    shift_columns,
    shift_rows,
    weight_index,
)

_VIEWS = ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose")
_MAX_ELEMENTS = 2**20
_MIN_RATIO = 1e-3
"""Of factors that something is divided by, against their largest."""
_MAX_FOLDS = 256
"""In one go; what is left is found in the next round."""


def run(draft: Draft) -> bool:
    """Whether a product or sum was folded."""
    folds = 0
    makers, readers = draft.makers(), draft.readers()
    for node in list(draft.nodes):
        split = _constant_operand(draft, node)
        if split is None:
            continue
        if (
            _merge(draft, node, makers, readers)
            or _backward(draft, node, makers, readers)
            or _forward(draft, node, makers, readers)
        ):
            folds += 1
            makers, readers = draft.makers(), draft.readers()
        if folds == _MAX_FOLDS:
            break
    return folds > 0


def _constant_operand(draft: Draft, node: onnx.NodeProto) -> tuple[str, Array] | None:
    """The computed and the constant operand of a float product or sum that keeps the shape of the computed one."""
    if node.op_type not in ("Mul", "Add") or draft.types[node.output[0]].kind != onnx.TensorProto.FLOAT:
        return None
    for index in (0, 1):
        array, source = draft.constants.get(node.input[1 - index]), node.input[index]
        if array is None or source in draft.constants or source not in draft.types or not array.size:
            continue
        if draft.shape(source) == draft.shape(node.output[0]) and draft.types[source].size <= _MAX_ELEMENTS:
            return source, array.astype(np.float64)
    return None


def _drop(draft: Draft, node: onnx.NodeProto, source: str, makers: dict[str, onnx.NodeProto]) -> None:
    """Leave a node out: its source takes the name of its result."""
    result = node.output[0]
    draft.nodes[:] = [other for other in draft.nodes if other is not node]
    if result not in draft.outputs:
        draft.replace(result, source)
        return
    maker = makers[source]
    maker.output[:] = [result if name == source else name for name in maker.output]
    draft.replace(source, result)
    draft.types[result] = draft.types[source]


def _alone(readers: dict[str, list[onnx.NodeProto]], name: str) -> bool:
    return len(readers.get(name, [])) == 1


def _merge(
    draft: Draft, node: onnx.NodeProto, makers: dict[str, onnx.NodeProto], readers: dict[str, list[onnx.NodeProto]]
) -> bool:
    """(x + a) + b and (x · a) · b with one constant."""
    found = _constant_operand(draft, node)
    before = makers.get(found[0]) if found else None
    if found is None or before is None or before.op_type != node.op_type or not _alone(readers, found[0]):
        return False
    inner = _constant_operand(draft, before)
    if inner is None:
        return False
    joined = inner[1] + found[1] if node.op_type == "Add" else inner[1] * found[1]
    node.input[:] = [inner[0], draft.constant(joined.astype(np.float32), f"{node.output[0]}_operand")]
    draft.nodes[:] = [other for other in draft.nodes if other is not before]
    return True


def _backward(
    draft: Draft, node: onnx.NodeProto, makers: dict[str, onnx.NodeProto], readers: dict[str, list[onnx.NodeProto]]
) -> bool:
    """Fold into the linear layer that makes what is multiplied or added to."""
    found = _constant_operand(draft, node)
    if found is None:
        return False
    source, array = found
    first, passed = source, []
    full = np.broadcast_to(array, draft.shape(source))
    while True:
        maker = makers.get(source)
        if maker is None or not _alone(readers, source):
            return False
        if maker.op_type in _VIEWS:
            full = _before_view(draft, maker, full)
            source = maker.input[0]
        elif maker.op_type == "Add" and (inner := _constant_operand(draft, maker)) is not None:
            passed.append((maker, inner, full))
            source = inner[0]
        else:
            break
    if maker.op_type in RECURRENT or weight_index(draft, maker) is None:
        return False
    channel = channel_vector(full, output_axis(draft, maker))
    if channel is None:
        return False
    if node.op_type == "Add" and maker.op_type == "MatMul":
        return _to_bias(draft, node, passed, first, makers)
    if node.op_type == "Mul":
        scale_rows(draft, maker, channel)
        for between, (inner_source, inner_array), factor in passed:
            product = _thin(np.broadcast_to(inner_array, factor.shape) * factor)
            between.input[:] = [inner_source, draft.constant(product.astype(np.float32), f"{between.output[0]}_operand")]
    else:
        shift_rows(draft, maker, channel)
    _drop(draft, node, first, makers)
    return True


def _to_bias(
    draft: Draft,
    node: onnx.NodeProto,
    passed: list[tuple[onnx.NodeProto, tuple[str, Array], Array]],
    first: str,
    makers: dict[str, onnx.NodeProto],
) -> bool:
    """Add to the sum that is the bias of a MatMul already."""
    if not passed:
        return False
    between, (source, array), there = passed[-1]
    total = _thin(np.broadcast_to(array, there.shape) + there)
    between.input[:] = [source, draft.constant(total.astype(np.float32), f"{between.output[0]}_operand")]
    _drop(draft, node, first, makers)
    return True


def _forward(
    draft: Draft, node: onnx.NodeProto, makers: dict[str, onnx.NodeProto], readers: dict[str, list[onnx.NodeProto]]
) -> bool:
    """Fold into the one layer that reads what is multiplied or added to."""
    found = _constant_operand(draft, node)
    if found is None or (node.op_type == "Add" and _is_bias(draft, found[0], makers)):
        return False
    value, full = node.output[0], np.broadcast_to(found[1], draft.shape(node.output[0]))
    while True:
        if not _alone(readers, value):
            return False
        reader = readers[value][0]
        if reader.op_type not in _VIEWS or reader.input[0] != value:
            break
        full, value = _after_view(draft, reader, full), reader.output[0]
    index = weight_index(draft, reader)
    if (
        index is None
        or list(reader.input).count(value) != 1
        or reader.input[1 - index if reader.op_type == "MatMul" else 0] != value
    ):
        return False
    channel = channel_vector(full, input_axis(draft, reader))
    if channel is None:
        return False
    if node.op_type == "Mul":
        scale_columns(draft, reader, channel)
    elif not can_shift_columns(reader):
        return _factor_last(draft, node, found, makers, readers)
    elif reader.op_type == "MatMul":
        _bias_after(draft, reader, column_sum(draft, reader, channel))
    elif reader.op_type in RECURRENT and attribute(reader, "layout", 0):
        return False
    else:
        shift_columns(draft, reader, channel)
    draft.nodes[:] = [other for other in draft.nodes if other is not node]
    draft.replace(node.output[0], found[0])
    return True


def _factor_last(
    draft: Draft,
    node: onnx.NodeProto,
    found: tuple[str, Array],
    makers: dict[str, onnx.NodeProto],
    readers: dict[str, list[onnx.NodeProto]],
) -> bool:
    """X · a + b → (x + b / a) · a, so that the factor can go into the layer after it."""
    before = makers.get(found[0])
    inner = _constant_operand(draft, before) if before is not None and before.op_type == "Mul" else None
    if before is None or inner is None or not _alone(readers, found[0]):
        return False
    source, factor = inner
    if np.abs(factor).min() < _MIN_RATIO * np.abs(factor).max():
        return False
    before.op_type, node.op_type = "Add", "Mul"
    before.input[:] = [source, draft.constant((found[1] / factor).astype(np.float32), f"{before.output[0]}_operand")]
    node.input[:] = [before.output[0], draft.constant(factor.astype(np.float32), f"{node.output[0]}_operand")]
    return True


def _is_bias(draft: Draft, source: str, makers: dict[str, onnx.NodeProto]) -> bool:
    """Whether a sum with a constant is the bias of the linear layer before it, where it stays."""
    maker = makers.get(source)
    while maker is not None and maker.op_type in _VIEWS:
        maker = makers.get(maker.input[0])
    return maker is not None and maker.op_type not in RECURRENT and weight_index(draft, maker) is not None


def _bias_after(draft: Draft, node: onnx.NodeProto, bias: Array) -> None:
    """Add a bias to what a MatMul gives."""
    result = node.output[0]
    product = draft.fresh(f"{result}_product")
    draft.types[product] = draft.types[result]
    shape = [-1 if axis == output_axis(draft, node) else 1 for axis in range(len(draft.shape(result)))]
    node.output[0] = product
    operand = draft.constant(bias.astype(np.float32).reshape(shape), f"{result}_bias")
    splice(draft.nodes, node, [node, make("Add", [product, operand], [result], f"{node.name}_bias")])


def _permutation(draft: Draft, node: onnx.NodeProto) -> list[int]:
    return list(attribute(node, "perm", range(len(draft.shape(node.input[0])))[::-1]))


def _before_view(draft: Draft, node: onnx.NodeProto, array: Array) -> Array:
    """What stands at each element of a view's input."""
    if node.op_type == "Transpose":
        return np.transpose(array, np.argsort(_permutation(draft, node)))
    return array.reshape(draft.shape(node.input[0]))


def _after_view(draft: Draft, node: onnx.NodeProto, array: Array) -> Array:
    """What stands at each element of a view's output."""
    if node.op_type == "Transpose":
        return np.transpose(array, _permutation(draft, node))
    return array.reshape(draft.shape(node.output[0]))


def _thin(array: Array) -> Array:
    """The same with one element along axes on which nothing changes, to be broadcast again."""
    for axis in range(array.ndim):
        first = np.take(array, [0], axis)
        if (array == first).all():
            array = first
    return array
