# SPDX-License-Identifier: Apache-2.0
"""A slice of joined values that lies in one of them is a slice of that one; one of some whole values joins these."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, make, operand, positive, title


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
    return len(chosen) == 1 and step == 1 and _rejoined(draft, node, joined, (along, first, last))


def _rejoined(draft: Draft, node: onnx.NodeProto, joined: onnx.NodeProto, bounds: tuple[int, int, int]) -> bool:
    """Whether the slice takes whole values, so that it became their concatenation."""
    along, first, last = bounds
    ends = np.cumsum([0, *(draft.shape(part)[along] for part in joined.input)]).tolist()
    if first not in ends or last not in ends or first >= last:
        return False
    parts = [part for part, start in zip(joined.input, ends, strict=False) if first <= start < last]
    node.CopyFrom(make("Concat", parts, list(node.output), title(node), axis=along))
    return True
