# SPDX-License-Identifier: Apache-2.0
"""A slice of what a transposed convolution makes is its pads: the rest, such as frames of the future, is not computed."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, operand, positive
from codesign.compiler.model.passes.weights import conv_pads, set_conv_pads


def run(draft: Draft) -> bool:
    """Whether a slice was left out."""
    makers, readers = draft.makers(), draft.readers()
    for node in draft.nodes:
        made = makers.get(operand(node, 0)) if node.op_type == "Slice" else None
        if made is None or made.op_type != "ConvTranspose" or len(readers[made.output[0]]) != 1:
            continue
        cut = _cut(draft, node)
        if cut is None or attribute(made, "output_shape") is not None or attribute(made, "auto_pad", b"NOTSET") != b"NOTSET":
            continue
        first, last = conv_pads(made, len(cut))
        before, after = zip(*cut, strict=True)
        set_conv_pads(made, np.add(first, before).tolist(), np.add(last, after).tolist())
        made.output[0] = node.output[0]
        draft.nodes.remove(node)
        return True
    return False


def _cut(draft: Draft, node: onnx.NodeProto) -> list[tuple[int, int]] | None:
    """How many elements a slice leaves out before and after, for each axis from the third on; None where it does more."""
    starts, ends, axes = (draft.constants.get(operand(node, index)) for index in (1, 2, 3))
    steps = draft.constants.get(operand(node, 4))
    if starts is None or ends is None or axes is None or (operand(node, 4) and (steps is None or (steps != 1).any())):
        return None
    shape = draft.shape(node.input[0])
    cut = [(0, 0)] * len(shape)
    for start, end, axis in zip(starts.ravel().tolist(), ends.ravel().tolist(), axes.ravel().tolist(), strict=True):
        at = positive(int(axis), len(shape))
        first, last, _ = slice(start, end).indices(shape[at])
        if last <= first:
            return None
        cut[at] = first, shape[at] - last
    return cut[2:] if cut[:2] == [(0, 0), (0, 0)] else None
