# SPDX-License-Identifier: Apache-2.0
"""Normalizations beside LayerNormalization: over a channel, over a group of channels, by a norm."""

from __future__ import annotations

import math

import numpy as np
import onnx

from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Draft, attribute, operand, positive

_LEAST = 1e-12
"""Nothing is divided by less: what is all zero stays so."""


def grouped(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """InstanceNormalization and GroupNormalization: LayerNormalization of each group, then each channel's scale and bias."""
    scale, bias = (draft.constants.get(operand(node, i)) for i in (1, 2))
    shape = draft.shape(node.input[0])
    if scale is None or bias is None:
        raise draft.refuse(node, "its scale or bias is computed, both must be constant")
    if shape[0] != 1:
        raise draft.refuse(node, f"has a batch of {shape[0]}, one is expected")
    channels = shape[1]
    groups = int(attribute(node, "num_groups", channels)) if node.op_type == "GroupNormalization" else channels
    if groups < 1 or channels % groups or any(array.size < 1 or channels % array.size for array in (scale, bias)):
        raise draft.refuse(
            node, f"{groups} groups, {scale.size} scales and {bias.size} biases do not divide {channels} channels"
        )
    own = [np.repeat(array.ravel(), channels // array.size).reshape(channels, 1) for array in (scale, bias)]
    size = math.prod(shape[1:]) // groups
    parts = Parts(draft, node)
    flat = parts.reshape(node.input[0], (1, groups, size))
    ones, zeros = parts.reals(np.ones(size)), parts.reals(np.zeros(size))
    epsilon = float(attribute(node, "epsilon", 1e-5))
    name = parts("LayerNormalization", flat, ones, zeros, axis=-1, epsilon=epsilon)
    name = parts.reshape(name, (1, channels, math.prod(shape[2:])))
    if (own[0] != 1).any():
        name = parts("Mul", name, parts.reals(own[0]))
    if (own[1] != 0).any():
        name = parts("Add", name, parts.reals(own[1]))
    parts.reshape(name, shape)
    return parts.end()


def by_size(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """RMSNormalization: x / √(mean(x²) + ε), times a scale."""
    source, rank = node.input[0], len(draft.shape(node.input[0]))
    if operand(node, 1) not in draft.constants:
        return None
    parts = Parts(draft, node)
    axes = range(positive(int(attribute(node, "axis", -1)), rank), rank)
    mean = parts("ReduceMean", parts("Mul", source, source), parts.ints(*axes), keepdims=1)
    root = parts("Sqrt", parts("Add", mean, parts.reals(float(attribute(node, "epsilon", 1e-5)))))
    parts("Mul", parts("Div", source, root), node.input[1])
    return parts.end()


def by_norm(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """LpNormalization: x / √(Σx²), or x / Σ|x|."""
    source, axis = node.input[0], int(attribute(node, "axis", -1))
    parts = Parts(draft, node)
    if int(attribute(node, "p", 2)) == 1:
        size = parts("ReduceSum", parts("Abs", source), parts.ints(axis), keepdims=1)
    else:
        size = parts("Sqrt", parts("ReduceSum", parts("Mul", source, source), parts.ints(axis), keepdims=1))
    parts("Div", source, parts("Clip", size, parts.reals(_LEAST)))
    return parts.end()


def by_deviation(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """MeanVarianceNormalization: (x − mean) / √(variance + 10⁻⁹)."""
    parts = Parts(draft, node)
    axes = parts.ints(*attribute(node, "axes", [0, 2, 3]))
    centred = parts("Sub", node.input[0], parts("ReduceMean", node.input[0], axes, keepdims=1))
    variance = parts("ReduceMean", parts("Mul", centred, centred), axes, keepdims=1)
    parts("Div", centred, parts("Sqrt", parts("Add", variance, parts.reals(1e-9))))
    return parts.end()


COMPOSED = {
    "GroupNormalization": (grouped, "constant scale and bias, as LayerNormalization of each group"),
    "InstanceNormalization": (grouped, "constant scale and bias, as LayerNormalization of each channel of one frame"),
    "LpNormalization": (by_norm, "p 1 or 2, as a sum and Div"),
    "MeanVarianceNormalization": (by_deviation, "as means and Div"),
    "RMSNormalization": (by_size, "constant scale, as a mean of squares, Sqrt and Div"),
}
