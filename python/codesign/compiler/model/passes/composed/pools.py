# SPDX-License-Identifier: Apache-2.0
"""Pools: means and largest elements of windows, and over all places."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.composed.extremes import halved
from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Array, Draft, attribute

_PADS_HINT = "export it with pads in numbers and without ceil_mode"


def everywhere(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """GlobalAveragePool and GlobalMaxPool."""
    shape, parts = draft.shape(node.input[0]), Parts(draft, node)
    axes = list(range(2, len(shape)))
    if node.op_type == "GlobalMaxPool":
        parts.reshape(halved(parts, draft, node.input[0], axes, "Max"), draft.shape(node.output[0]))
    else:
        parts("ReduceMean", node.input[0], parts.ints(*axes), keepdims=1)
    return parts.end()


def mean(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """AveragePool: a convolution of each channel with equal weights."""
    window = _window(draft, node)
    kernel, strides, dilations, pads = window
    shape, channels = draft.shape(node.input[0]), draft.shape(node.input[0])[1]
    parts = Parts(draft, node)
    weights = np.full((channels, 1, *kernel), 1.0 / np.prod(kernel))
    keys = {"group": channels, "kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": pads}
    name = parts("Conv", node.input[0], parts.reals(weights), **keys)
    if any(pads) and not attribute(node, "count_include_pad", 0):
        after = draft.shape(node.output[0])[2:]
        shares = [_share(shape[2 + i], kernel[i], strides[i], dilations[i], pads[i], n) for i, n in enumerate(after)]
        factor = shares[0]
        for share in shares[1:]:
            factor = factor[..., None] * share
        parts("Mul", name, parts.reals(factor[None, None]))
    return parts.end()


def _share(size: int, kernel: int, stride: int, dilation: int, before: int, outputs: int) -> Array:
    """By how much each window's mean grows where zeros do not count."""
    places = (np.arange(outputs) * stride - before)[:, None] + np.arange(kernel) * dilation
    return np.asarray(kernel / ((places >= 0) & (places < size)).sum(axis=1))


def largest(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """MaxPool: Max of shifted copies, axis after axis; what is outside counts as the element at the edge."""
    if len([name for name in node.output if name]) > 1:
        return None
    kernel, strides, dilations, pads = _window(draft, node)
    rank, after = len(kernel), draft.shape(node.output[0])
    parts, name = Parts(draft, node), node.input[0]
    if any(pads):
        name = parts("Pad", name, parts.ints(0, 0, *pads[:rank], 0, 0, *pads[rank:]), mode="edge")
    for i in range(rank):
        reach = (after[2 + i] - 1) * strides[i] + 1
        copies = [parts.cut(name, 2 + i, k * dilations[i], k * dilations[i] + reach, strides[i]) for k in range(kernel[i])]
        name = copies[0]
        for other in copies[1:]:
            name = parts("Max", name, other)
    return parts.end()


def _window(draft: Draft, node: onnx.NodeProto) -> tuple[list[int], list[int], list[int], list[int]]:
    """Kernel, strides, dilations and zeros around.

    Raises:
        InputError: zeros that the file does not say, or windows that reach beyond them.
    """
    kernel = list(attribute(node, "kernel_shape"))
    rank = len(kernel)
    strides, dilations = (list(attribute(node, key, [1] * rank)) for key in ("strides", "dilations"))
    pads = list(attribute(node, "pads", [0] * (2 * rank)))
    before, after = draft.shape(node.input[0])[2:], draft.shape(node.output[0])[2:]
    auto = attribute(node, "auto_pad", b"NOTSET")
    if attribute(node, "ceil_mode", 0) and any(pads):
        raise draft.refuse(node, "has pads and ceil_mode", hint=_PADS_HINT)
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        for i in range(rank):
            total = max(0, (after[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - before[i])
            pads[i] = total // 2 if auto == b"SAME_UPPER" else total - total // 2
            pads[rank + i] = total - pads[i]
    for i in range(rank):
        needs = (after[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1
        if needs > before[i] + pads[i] + pads[rank + i]:
            raise draft.refuse(node, "has windows that reach beyond what is padded", hint=_PADS_HINT)
    return kernel, strides, dilations, pads


COMPOSED = {
    "AveragePool": (mean, "any kernel, stride, dilation and pads, as a convolution of each channel"),
    "GlobalAveragePool": (everywhere, "as ReduceMean"),
    "GlobalMaxPool": (everywhere, "as Max of halves"),
    "MaxPool": (largest, "any kernel, stride, dilation and pads, as Max of shifted copies; no indices"),
}
