# SPDX-License-Identifier: Apache-2.0
"""Norms along axes, and logarithms of sums."""

from __future__ import annotations

import onnx

from codesign.compiler.model.passes.composed.extremes import axes_of
from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Draft, attribute


def norm(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """ReduceL1, ReduceL2, ReduceLogSum and ReduceLogSumExp; L2 of two elements, a magnitude as of complex numbers."""
    axes = axes_of(draft, node)
    if not axes:
        return None
    source, shape, parts = node.input[0], draft.shape(node.input[0]), Parts(draft, node)
    keep = int(attribute(node, "keepdims", 1))
    if node.op_type.startswith("ReduceLog"):
        powers = parts("Exp", source) if node.op_type == "ReduceLogSumExp" else source
        parts("Log", parts("ReduceSum", powers, parts.ints(*axes), keepdims=keep))
    elif node.op_type == "ReduceL1":
        parts("ReduceSum", parts("Abs", source), parts.ints(*axes), keepdims=keep)
    elif len(axes) == 1 and shape[axes[0]] == 2:
        halves = [parts.cut(source, axes[0], i, i + 1) for i in (0, 1)]
        squares = [parts("Mul", half, half) for half in halves]
        name = parts("Sqrt", parts("Add", *squares))
        parts.reshape(name, draft.shape(node.output[0]))
    else:
        parts("Sqrt", parts("ReduceSum", parts("Mul", source, source), parts.ints(*axes), keepdims=keep))
    return parts.end()


def magnitude(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """ReduceSum of squares of two elements before a root, as of real and imaginary parts: a sum of two squares."""
    axes, makers = axes_of(draft, node), draft.makers()
    square = makers.get(node.input[0])
    if not axes or len(axes) > 1 or draft.shape(node.input[0])[axes[0]] != 2 or square is None:
        return None
    exponent = draft.constants.get(square.input[1]) if square.op_type == "Pow" else None
    squared = exponent is not None and bool((exponent == 2).all())
    if not squared and not (square.op_type == "Mul" and square.input[0] == square.input[1]):
        return None
    readers = draft.readers().get(node.output[0], [])
    after = [r for n in readers for r in ([n] if n.op_type == "Sqrt" else draft.readers().get("".join(n.output[:1]), []))]
    if not after or any(reader.op_type != "Sqrt" for reader in after):
        return None
    parts, shape = Parts(draft, node), draft.shape(node.output[0])
    halves = [parts.reshape(parts.cut(square.input[0], axes[0], i, i + 1), shape) for i in (0, 1)]
    parts("Add", *(parts("Mul", half, half) for half in halves))
    return parts.end()


COMPOSED = {
    "ReduceL1": (norm, "a sum of Abs"),
    "ReduceSum": (magnitude, "of two squares before Sqrt a magnitude"),
    "ReduceLogSum": (norm, "Log of a sum"),
    "ReduceLogSumExp": (norm, "Log of a sum of Exp"),
    "ReduceL2": (norm, "Sqrt of a sum of squares; of two elements the magnitude of complex numbers"),
}
