# SPDX-License-Identifier: Apache-2.0
"""Softmax: e^(x − max) over its sum."""

from __future__ import annotations

import onnx

from codesign.compiler.model.passes.composed.extremes import halved
from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Draft, attribute, positive


def softmax(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Softmax and LogSoftmax along one axis; the sum is at least 1, for one of its terms is e⁰."""
    source, shape = node.input[0], draft.shape(node.input[0])
    axis = positive(int(attribute(node, "axis", -1)), len(shape))
    parts = Parts(draft, node)
    top = parts.reshape(halved(parts, draft, source, [axis], "Max"), [1 if a == axis else n for a, n in enumerate(shape)])
    below = parts("Sub", source, top)
    powers = parts("Exp", below)
    total = parts("ReduceSum", powers, parts.ints(axis), keepdims=1)
    if node.op_type == "LogSoftmax":
        parts("Sub", below, parts("Log", total))
    else:
        parts("Mul", powers, parts("Reciprocal", parts("Clip", total, parts.reals(1.0), parts.reals(float(shape[axis])))))
    return parts.end()


_NOTE = "one axis, as Max of halves, Exp, a sum"
COMPOSED = {"LogSoftmax": (softmax, f"{_NOTE} and Log"), "Softmax": (softmax, f"{_NOTE} and Reciprocal")}
