# SPDX-License-Identifier: Apache-2.0
"""Attention of ONNX: softmax(Q · Kᵀ · scale + mask) · V of each head."""

from __future__ import annotations

import math

import onnx

from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Draft, attribute, operand

_HINT = "export it as MatMul and Softmax, with the ring of keys and values as states of the model"

_ATTRIBUTES = ("is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale", "softcap", "softmax_precision")


def attention(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Attention over what K and V hold: of one step that are the frames of a ring, or the places of a frame."""
    if any(operand(node, i) for i in range(4, len(node.input))) or any(node.output[1:]):
        raise draft.refuse(node, "keeps keys and values itself", hint=_HINT)
    unknown = [entry.name for entry in node.attribute if entry.name not in _ATTRIBUTES]
    if unknown:
        raise draft.refuse(node, f"has the attribute '{unknown[0]}'", hint=_HINT)
    if attribute(node, "is_causal", 0) and draft.shape(node.input[0])[-2] > 1:
        raise draft.refuse(node, "looks at frames before each of several frames", hint=_HINT)
    parts, (q, k, v) = Parts(draft, node), node.input[:3]
    flat = len(draft.shape(q)) == 3
    heads = [int(attribute(node, f"{key}_num_heads", 0)) for key in ("q", "kv", "kv")]
    if flat:
        q, k, v = (_apart(draft, parts, name, count) for name, count in zip((q, k, v), heads, strict=True))
        shapes = [_headed(draft.shape(name), count) for name, count in zip(node.input[:3], heads, strict=True)]
    else:
        shapes = [draft.shape(name) for name in node.input[:3]]
    if shapes[0][1] != shapes[1][1]:
        q, k, v = (_grouped(parts, name, shape, shapes[1][1]) for name, shape in zip((q, k, v), shapes, strict=True))
    scale = float(attribute(node, "scale", 1 / math.sqrt(shapes[0][-1])))
    rank = 4 if shapes[0][1] == shapes[1][1] else 5
    turned = parts("Transpose", k, perm=[*range(rank - 2), rank - 1, rank - 2])
    found = parts("MatMul", parts("Mul", q, parts.reals(scale)), turned)
    cap = float(attribute(node, "softcap", 0.0))
    if operand(node, 3):
        mask = draft.constants.get(node.input[3])
        if mask is None or mask.dtype == bool or rank == 5:
            raise draft.refuse(node, "its mask is not of constant numbers to add", hint=_HINT)
        found = parts("Add", found, node.input[3])
    if cap:
        found = parts("Mul", parts("Tanh", parts("Mul", found, parts.reals(1 / cap))), parts.reals(cap))
    result = parts("MatMul", parts("Softmax", found, axis=-1), v)
    if rank == 5:
        result = parts.reshape(result, (*shapes[0][:3], shapes[2][-1]))
    if flat:
        parts.reshape(parts("Transpose", result, perm=[0, 2, 1, 3]), draft.shape(node.output[0]))
    elif rank == 4:
        parts("Identity", result)
    return parts.end()


def _headed(shape: tuple[int, ...], heads: int) -> tuple[int, ...]:
    batch, places, size = shape
    return batch, heads, places, size // heads


def _apart(draft: Draft, parts: Parts, name: str, heads: int) -> str:
    """[batch, places, heads · size] as [batch, heads, places, size]."""
    batch, _, places, size = _headed(draft.shape(name), heads)
    return parts("Transpose", parts.reshape(name, (batch, places, heads, size)), perm=[0, 2, 1, 3])


def _grouped(parts: Parts, name: str, shape: tuple[int, ...], groups: int) -> str:
    """Heads of queries in groups that share keys and values."""
    batch, heads, places, size = shape
    return parts.reshape(name, (batch, groups, heads // groups, places, size))


COMPOSED = {"Attention": (attention, "of computed values, with a constant mask or none, as MatMul and Softmax")}
