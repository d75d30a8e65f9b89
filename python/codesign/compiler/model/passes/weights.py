# SPDX-License-Identifier: Apache-2.0
"""Layers with constant weights, and how a factor or an offset a channel goes into them."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, operand, set_attribute

RECURRENT = ("LSTM", "GRU", "RNN")


def weight_index(draft: Draft, node: onnx.NodeProto) -> int | None:
    """Which input holds the float weights of a linear layer, None if it is none."""
    index = {"Gemm": 1, "Conv": 1, "ConvTranspose": 1, "MatMul": 1, **dict.fromkeys(RECURRENT, 1)}.get(node.op_type)
    if index is None:
        return None
    if node.op_type == "MatMul" and node.input[0] in draft.constants:
        index = 0
    array = draft.constants.get(node.input[index])
    if array is None or array.dtype != np.float32 or (node.op_type == "MatMul" and array.ndim != 2):
        return None
    bias = operand(node, 3 if node.op_type in RECURRENT else 2)
    if node.op_type != "MatMul" and bias and bias not in draft.constants:
        return None
    return None if node.op_type == "Gemm" and attribute(node, "transA", 0) else index


def output_axis(draft: Draft, node: onnx.NodeProto) -> int:
    """The axis of a linear layer's output along which its rows lie."""
    rank = len(draft.shape(node.output[0]))
    if node.op_type == "MatMul":
        return rank - 1 if weight_index(draft, node) == 1 else rank - 2
    return 1


def input_axis(draft: Draft, node: onnx.NodeProto) -> int:
    """The axis of what a layer reads along which its columns lie."""
    index = 1 - (weight_index(draft, node) or 0) if node.op_type == "MatMul" else 0
    rank = len(draft.shape(node.input[index]))
    if node.op_type == "MatMul":
        return rank - 1 if index == 0 else rank - 2
    return 2 if node.op_type in RECURRENT else 1


def channel_vector(array: Array, axis: int) -> Array | None:
    """The numbers along one axis, None if they differ along another."""
    if axis < 0:
        return None
    moved = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
    return moved[:, 0] if moved.size and (moved == moved[:, :1]).all() else None


def scale_rows(draft: Draft, node: onnx.NodeProto, factor: Array) -> None:
    """Multiply what a linear layer gives by a factor a channel, float64."""
    index = weight_index(draft, node)
    assert index is not None, "the caller has asked"
    weight = draft.constants[node.input[index]].astype(np.float64)
    match node.op_type:
        case "MatMul":
            scaled = weight * (factor if index == 1 else factor[:, None])
        case "Gemm":
            scaled = weight * (factor[:, None] if attribute(node, "transB", 0) else factor)
        case "Conv":
            scaled = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
        case _:  # ConvTranspose: weights [inputs, outputs of a group, …]
            groups = int(attribute(node, "group", 1))
            parts = np.split(weight, groups), np.split(factor, groups)
            scaled = np.concatenate([w * f.reshape(1, -1, *[1] * (weight.ndim - 2)) for w, f in zip(*parts, strict=True)])
    _put(draft, node, index, scaled)
    if node.op_type != "MatMul" and operand(node, 2):
        _put(draft, node, 2, draft.constants[node.input[2]].astype(np.float64) * factor)


def shift_rows(draft: Draft, node: onnx.NodeProto, offset: Array) -> None:
    """Add an offset a channel to what a Gemm, Conv or ConvTranspose gives, float64."""
    if operand(node, 2):
        _put(draft, node, 2, draft.constants[node.input[2]].astype(np.float64) + offset)
    else:
        node.input[:] = [*node.input[:2], draft.constant(offset.astype(np.float32), f"{node.output[0]}_bias")]


def scale_columns(draft: Draft, node: onnx.NodeProto, factor: Array) -> None:
    """Let a layer read what is not multiplied yet by a factor a channel, float64."""
    index = weight_index(draft, node)
    assert index is not None, "the caller has asked"
    weight = draft.constants[node.input[index]].astype(np.float64)
    _put(draft, node, index, weight * _column_factor(node, index, weight, factor))


def shift_columns(draft: Draft, node: onnx.NodeProto, offset: Array) -> None:
    """Let a layer read what an offset a channel is not added to yet, float64: its bias takes weight · offset.

    A MatMul becomes a Gemm or gets an Add; that is the caller's part, see `column_sum`.
    """
    total = column_sum(draft, node, offset)
    if node.op_type not in RECURRENT:
        shift_rows(draft, node, total)
        return
    directions, rows = total.shape
    bias = draft.constants[node.input[3]].astype(np.float64) if operand(node, 3) else np.zeros((directions, 2 * rows))
    bias[:, :rows] += total
    node.input[:] = [*node.input, *[""] * (4 - len(node.input))]
    _put(draft, node, 3, bias)


def column_sum(draft: Draft, node: onnx.NodeProto, offset: Array) -> Array:
    """Weight · offset: float64, one number a row (for a recurrent layer [directions, rows])."""
    index = weight_index(draft, node)
    assert index is not None, "the caller has asked"
    weight = draft.constants[node.input[index]].astype(np.float64)
    product = weight * _column_factor(node, index, weight, offset)
    match node.op_type:
        case "MatMul":
            return np.asarray(product.sum(0 if index == 1 else 1))
        case "Gemm":
            return np.asarray(product.sum(1 if attribute(node, "transB", 0) else 0))
        case "Conv":
            return np.asarray(product.reshape(len(product), -1).sum(1))
        case _:
            return np.asarray(product.sum(2))


def can_shift_columns(node: onnx.NodeProto) -> bool:
    """Whether every output sees the whole kernel: zeros at the border get no offset."""
    if node.op_type == "ConvTranspose":
        return False
    padded = any(attribute(node, "pads", [])) or attribute(node, "auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER")
    return node.op_type != "Conv" or not padded


def _column_factor(node: onnx.NodeProto, index: int, weight: Array, factor: Array) -> Array:
    """A factor a channel of the input in the shape of the weights."""
    match node.op_type:
        case "MatMul":
            return factor[:, None] if index == 1 else factor
        case "Gemm":
            return factor if attribute(node, "transB", 0) else factor[:, None]
        case "Conv":
            groups = int(attribute(node, "group", 1))
            rows = np.repeat(factor.reshape(groups, -1), len(weight) // groups, axis=0)
            return rows.reshape(*weight.shape[:2], *[1] * (weight.ndim - 2))
        case "ConvTranspose":
            return factor.reshape(-1, *[1] * (weight.ndim - 1))
        case _:
            return factor


def _put(draft: Draft, node: onnx.NodeProto, index: int, array: Array) -> None:
    node.input[index] = draft.constant(
        array.astype(np.float32), f"{node.output[0] or node.name}_{'weight' if index < 2 else 'bias'}"
    )


def conv_pads(node: onnx.NodeProto, rank: int) -> tuple[list[int], list[int]]:
    """Zeros before and after each of the `rank` spatial axes, of a node without auto_pad."""
    pads = list(attribute(node, "pads", [0] * (2 * rank)))
    return pads[:rank], pads[rank:]


def set_conv_pads(node: onnx.NodeProto, first: list[int], last: list[int]) -> None:
    """Give a convolution other zeros around it."""
    set_attribute(node, "pads", [*first, *last])
