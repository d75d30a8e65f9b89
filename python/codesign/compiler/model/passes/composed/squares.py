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


COMPOSED = {
    "ReduceL1": (norm, "a sum of Abs"),
    "ReduceLogSum": (norm, "Log of a sum"),
    "ReduceLogSumExp": (norm, "Log of a sum of Exp"),
    "ReduceL2": (norm, "Sqrt of a sum of squares; of two elements the magnitude of complex numbers"),
}
