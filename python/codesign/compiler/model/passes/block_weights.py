# SPDX-License-Identifier: Apache-2.0
"""MatMulNBits, onnxruntime's product with weights of 2, 4 or 8 bits and a scale a block of a row, as a product of floats."""

from __future__ import annotations

import math

import numpy as np
import onnx

from codesign.compiler.model.passes.dequantize import real_weights
from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand

OPERATOR = "MatMulNBits"
_BITS = (2, 4, 8)
_HINT = "quantize it with constant weights, or give the float model"


def run(draft: Draft) -> None:
    """Each becomes a MatMul of float weights, with one note.

    Raises:
        InputError: weights that are computed, reordered, or of another size than the node says.
    """
    found = [node for node in draft.nodes if node.op_type == OPERATOR]
    if found:
        draft.substitute({id(node): _product(draft, node) for node in found})
        draft.note("weights of blocks (MatMulNBits): read as the float network that they stand for")


def _product(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Inputs: x, weights, scales, zero points, indices, bias."""
    if operand(node, 4):
        raise draft.refuse(node, "reorders its weights (g_idx)", hint=_HINT)
    weights = draft.constant(_weights(draft, node), f"{operand(node, 1)}/real")
    (result,), bias = node.output, operand(node, 5)
    product = draft.fresh(f"{result}/product") if bias else result
    made = [make("MatMul", [operand(node, 0), weights], [product], node.name)]
    return [*made, make("Add", [product, bias], [result], f"{node.name}/bias")] if bias else made


def _weights(draft: Draft, node: onnx.NodeProto) -> Array:
    """Float weights (K, N), as MatMul has them."""
    columns, rows, block = (int(attribute(node, key, 0)) for key in ("K", "N", "block_size"))
    bits = int(attribute(node, "bits", 4))
    packed, scales = (draft.constants.get(operand(node, index)) for index in (1, 2))
    zeros = draft.constants.get(operand(node, 3))
    if packed is None or scales is None or (zeros is None and operand(node, 3)):
        raise draft.refuse(
            node, f"'{operand(node, 1)}', its scales or zero points are computed, they must be constant", hint=_HINT
        )
    if bits not in _BITS or min(columns, rows, block) < 1 or block * bits % 8:
        raise draft.refuse(node, f"K = {columns}, N = {rows}, block_size = {block}, bits = {bits} is no form of it", hint=_HINT)
    blocks = math.ceil(columns / block)
    if packed.dtype != np.uint8 or packed.size != rows * blocks * (block * bits // 8) or scales.size != rows * blocks:
        raise draft.refuse(
            node, f"{packed.size} bytes and {scales.size} scales are not {rows} rows of {blocks} blocks", hint=_HINT
        )
    integers = _unpacked(packed.reshape(rows, -1), bits).reshape(rows, blocks, block)
    factor, offset = scales.astype(np.float32).reshape(rows, blocks, 1), np.full((rows, blocks, 1), 2.0 ** (bits - 1))
    if zeros is not None:
        given = _unpacked(zeros.reshape(rows, -1), bits) if zeros.dtype == np.uint8 and zeros.size % rows == 0 else zeros
        if given.size < rows * blocks or given.size % rows:
            raise draft.refuse(node, f"{zeros.size} zero points are not {rows} rows of {blocks} blocks", hint=_HINT)
        offset = given.reshape(rows, -1)[:, :blocks, None].astype(np.float64)
    real = real_weights(integers, factor, offset).reshape(rows, -1)[:, :columns]
    if not np.isfinite(real).all():
        raise draft.refuse(node, f"'{operand(node, 1)}' has scales that are no finite numbers", hint=_HINT)
    return np.ascontiguousarray(real.T)


def _unpacked(data: Array, bits: int) -> Array:
    """Unsigned integers of `bits` bits, the lowest first, of bytes (rows, bytes)."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return np.asarray((data[:, :, None] >> shifts) & (2**bits - 1)).reshape(len(data), -1)
