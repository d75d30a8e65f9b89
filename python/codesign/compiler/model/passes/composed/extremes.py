# SPDX-License-Identifier: Apache-2.0
"""The largest or smallest of many: of elements along axes, or of several values."""

from __future__ import annotations

import math

import onnx

from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Array, Draft, attribute, operand, positive


def reduced(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """ReduceMax and ReduceMin: halves are compared until one element is left."""
    axes = axes_of(draft, node)
    if axes is None or not axes:
        return None
    parts = Parts(draft, node)
    halved(parts, draft, node.input[0], axes, node.op_type.removeprefix("Reduce"))
    parts.reshape(parts.nodes[-1].output[0] if parts.nodes else node.input[0], draft.shape(node.output[0]))
    return parts.end()


def halved(parts: Parts, draft: Draft, source: str, axes: list[int], kind: str) -> str:
    """The extreme over axes, which become the last one: of shape [what is left, 1]."""
    shape = draft.shape(source)
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    left = math.prod(shape[axis] for axis in axes)
    name = parts("Transpose", source, perm=[*rest, *axes])
    name = parts.reshape(name, (math.prod(shape[axis] for axis in rest), left))
    while left > 1:
        half = (left + 1) // 2  # the two overlap where the number is odd
        name = parts(kind, parts.cut(name, 1, 0, half), parts.cut(name, 1, left - half, left))
        left = half
    return name


def axes_of(draft: Draft, node: onnx.NodeProto) -> list[int] | None:
    """The axes of a reduction, ascending; None where they are computed."""
    numbers: Array | None = draft.constants.get(operand(node, 1))
    if operand(node, 1) and numbers is None:
        return None
    rank = len(draft.shape(node.input[0]))
    given = attribute(node, "axes", []) if numbers is None else numbers.ravel().tolist()
    if not list(given) and attribute(node, "noop_with_empty_axes", 0):
        return []
    return sorted({positive(int(axis), rank) for axis in given} or range(rank))


def chained(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Max, Min, Sum and Mean of any number of values: two at a time."""
    sums = node.op_type in ("Sum", "Mean")
    if len(node.input) == 2 and not sums:
        return None
    parts, kind = Parts(draft, node), "Add" if sums else node.op_type
    name = node.input[0]
    for other in node.input[1:]:
        name = parts(kind, name, other)
    if node.op_type == "Mean":
        parts("Mul", name, parts.reals(1.0 / len(node.input)))
    elif len(node.input) == 1:
        parts("Identity", name)
    return parts.end()


_PAIRS = "two at a time"
COMPOSED = {
    "ReduceMax": (reduced, "any axes, as Max of halves"),
    "ReduceMin": (reduced, "any axes, as Min of halves"),
    "Max": (chained, _PAIRS),
    "Min": (chained, _PAIRS),
    "Sum": (chained, "any number of values, two at a time"),
    "Mean": (chained, "any number of values, two at a time"),
}
