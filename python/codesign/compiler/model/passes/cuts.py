# SPDX-License-Identifier: Apache-2.0
"""A slice of joined values that lies in one of them is a slice of that one."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, operand, positive


def run(draft: Draft) -> bool:
    """Whether a slice reads something else now."""
    makers, changed = draft.makers(), False
    for node in draft.nodes:
        joined = makers.get(operand(node, 0)) if node.op_type == "Slice" else None
        if joined is not None and joined.op_type == "Concat":
            changed = _moved(draft, node, joined) or changed
    return changed


def _moved(draft: Draft, node: onnx.NodeProto, joined: onnx.NodeProto) -> bool:
    starts, ends, axes = (draft.constants.get(operand(node, index)) for index in (1, 2, 3))
    steps = draft.constants.get(operand(node, 4))
    if starts is None or ends is None or axes is None or (operand(node, 4) and (steps is None or (steps < 1).any())):
        return False
    shape = draft.shape(node.input[0])
    along = positive(int(attribute(joined, "axis", 0)), len(shape))
    chosen = [positive(int(axis), len(shape)) for axis in axes.ravel()]
    if along not in chosen:
        return False
    at = chosen.index(along)
    step = 1 if steps is None else int(steps.ravel()[at])
    first, last, _ = slice(int(starts.ravel()[at]), int(ends.ravel()[at]), step).indices(shape[along])
    position = 0
    for part in joined.input:
        size = draft.shape(part)[along]
        if position <= first < last <= position + size:
            bounds = [starts.astype(np.int64).ravel().copy(), ends.astype(np.int64).ravel().copy()]
            bounds[0][at], bounds[1][at] = first - position, last - position
            numbers = [draft.constant(bound, f"{node.output[0]}_bound") for bound in bounds]
            number = draft.constant(np.asarray(chosen, np.int64), f"{node.output[0]}_axes")
            rest = [draft.constant(steps.astype(np.int64), f"{node.output[0]}_steps")] if steps is not None else []
            node.input[:] = [part, *numbers, number, *rest]
            return True
        position += size
    return False
