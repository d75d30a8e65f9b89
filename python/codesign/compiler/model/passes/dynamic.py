# SPDX-License-Identifier: Apache-2.0
"""Files that choose the scales of values while they run (onnxruntime's quantize_dynamic) as float networks: integer weights
become the real numbers that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from codesign.compiler.model.passes.dequantize import real_weights
from codesign.compiler.model.passes.draft import Array, Draft, make, operand

_READ_INTEGERS = ("ConvInteger", "MatMulInteger", "MatMulIntegerToFloat")
_HINT = "quantize it with constant weights, or give the float model"


def run(draft: Draft) -> None:
    """Rewrite all of them, with one note.

    Raises:
        InputError: weights that are computed.
    """
    found = [node for node in draft.nodes if node.op_type in OPERATORS]
    if not found:
        return
    integers = {node.output[0] for node in found if node.op_type == "DynamicQuantizeLinear"}
    for node in found:
        if node.op_type in _READ_INTEGERS and operand(node, 0) not in integers:
            raise draft.refuse(node, f"reads '{operand(node, 0)}', which no DynamicQuantizeLinear makes", hint=_HINT)
    draft.substitute({id(node): OPERATORS[node.op_type](draft, node) for node in found})
    draft.note("it scales its values while it runs (dynamic quantization): read as the float network of its integer weights")


def _quantize(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The integers are the real numbers themselves, of scale 1 and zero point 0."""
    value, scale, zero = (*node.output, "", "")[:3]
    for name, number in ((scale, 1.0), (zero, 0.0)):
        if name:
            draft.put(name, np.asarray(number, np.float32))
    return [make("Identity", [node.input[0]], [value], node.name)]


def _product(kind: str, axis: int) -> Callable[[Draft, onnx.NodeProto], list[onnx.NodeProto]]:
    """MatMulInteger, ConvInteger: the integers of the weights, which later nodes multiply by their scale."""

    def rewrite(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        weights = _weights(draft, node, 1, "", operand(node, 3), axis)
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        return [make(kind, [operand(node, 0), weights], node.output, node.name, **options)]

    return rewrite


def _matmul(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """DynamicQuantizeMatMul: x, weights, their scale and zero point, bias."""
    weights = _weights(draft, node, 1, operand(node, 2), operand(node, 3), -1)
    return _biased(draft, node, operand(node, 0), weights, operand(node, 4))


def _to_float(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """MatMulIntegerToFloat: integers, weights, both scales, both zero points, bias."""
    weights = _weights(draft, node, 1, operand(node, 3), operand(node, 5), -1)
    return _biased(draft, node, operand(node, 0), weights, operand(node, 6))


def _biased(draft: Draft, node: onnx.NodeProto, source: str, weights: str, bias: str) -> list[onnx.NodeProto]:
    (result,) = node.output
    if not bias:
        return [make("MatMul", [source, weights], [result], node.name)]
    product = draft.fresh(f"{result}/product")
    return [
        make("MatMul", [source, weights], [product], node.name),
        make("Add", [product, bias], [result], f"{node.name}/bias"),
    ]


def _lstm(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """DynamicQuantizeLSTM: as LSTM, its weights [directions, columns, rows], and their scales and zero points at the end."""
    inputs = [operand(node, index) for index in range(8)]
    for index, first in ((1, 8), (2, 10)):
        turned = _weights(draft, node, index, operand(node, first), operand(node, first + 1), -1, turned=True)
        inputs[index] = turned
    while not inputs[-1]:
        inputs.pop()
    options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return [make("LSTM", inputs, node.output, node.name, **options)]


def _weights(draft: Draft, node: onnx.NodeProto, index: int, scale: str, zero: str, axis: int, *, turned: bool = False) -> str:
    """A float constant of integer weights, their scale and zero point; without a scale the integers less the zero point."""
    source = operand(node, index)
    arrays = [draft.constants.get(name) for name in (source, scale, zero)]
    if any(array is None and name for array, name in zip(arrays, (source, scale, zero), strict=True)):
        raise draft.refuse(node, f"'{source}' is computed, weights must be constant", hint=_HINT)
    integers, factor, offset = arrays
    assert integers is not None, "it has a name"
    parts = [None if part is None else _along(part, integers.ndim, axis) for part in (factor, offset)]
    real = real_weights(integers, np.ones((), np.float32) if parts[0] is None else parts[0], parts[1])
    if not np.isfinite(real).all():
        raise draft.refuse(node, f"'{source}' has scales that are no finite numbers", hint=_HINT)
    return draft.constant(np.swapaxes(real, -1, -2) if turned else real, f"{source}/real")


def _along(part: Array, rank: int, axis: int) -> Array:
    """Scales or zero points in a shape that broadcasts: of all, of each index along an axis, or of that in each direction."""
    if part.size == 1:
        return part.reshape(())
    if part.ndim > 1:
        return part[:, None] if part.ndim == rank - 1 else part
    shape: list[Any] = [1] * rank
    shape[axis] = -1
    return part.reshape(shape)


OPERATORS: Mapping[str, Callable[[Draft, onnx.NodeProto], list[onnx.NodeProto]]] = {
    "ConvInteger": _product("Conv", 0),
    "DynamicQuantizeLSTM": _lstm,
    "DynamicQuantizeLinear": _quantize,
    "DynamicQuantizeMatMul": _matmul,
    "MatMulInteger": _product("MatMul", -1),
    "MatMulIntegerToFloat": _to_float,
}
