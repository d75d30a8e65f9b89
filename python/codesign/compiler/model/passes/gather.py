# SPDX-License-Identifier: Apache-2.0
"""Gather with constant indices in even steps becomes Slice; rows of such indices (an unfolded window) become joined slices."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.limits import MAX_PARTS
from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand, positive


def run(draft: Draft) -> bool:
    """Whether a Gather was replaced."""
    replaced: dict[int, list[onnx.NodeProto]] = {}
    for node in [node for node in draft.nodes if node.op_type == "Gather"]:
        index = draft.constants.get(operand(node, 1))
        if index is None or node.input[0] in draft.constants:
            continue
        shape = draft.shape(node.input[0])
        axis = positive(int(attribute(node, "axis", 0)), len(shape))
        index = np.where(index < 0, index + shape[axis], index).astype(np.int64)
        if index.size == 0 or index.min() < 0 or index.max() >= shape[axis]:
            raise draft.refuse(node, f"takes elements {index.ravel()[:4].tolist()} of {shape[axis]}")
        new = _sliced(draft, node, index, axis)
        if new:
            replaced[id(node)] = new
    return draft.substitute(replaced)


def _sliced(draft: Draft, node: onnx.NodeProto, index: Array, axis: int) -> list[onnx.NodeProto]:
    """Nodes that give the same, none where the indices are in no order."""
    name, source, result = node.name, node.input[0], node.output[0]
    if _even(index.ravel()):
        cut = draft.fresh(f"{result}_cut")
        shape = draft.constant(np.asarray(draft.shape(result), np.int64), f"{result}_shape")
        return [
            slice_of(draft, source, index.ravel(), axis, cut, name),
            make("Reshape", [cut, shape], [result], f"{name}_shape"),
        ]
    if index.ndim != 2:
        return []
    along = 0 if index.shape[0] <= index.shape[1] else 1
    rows = index if along == 0 else index.T
    if len(rows) > MAX_PARTS or not all(_even(row) for row in rows):
        return []
    nodes, parts = [], []
    axes = draft.constant(np.asarray([axis + along], np.int64), f"{result}_axes")
    for number, row in enumerate(rows):
        cut, part = draft.fresh(f"{result}_cut"), draft.fresh(f"{result}_part")
        nodes += [
            slice_of(draft, source, row, axis, cut, f"{name}_{number}"),
            make("Unsqueeze", [cut, axes], [part], f"{name}_{number}_axis"),
        ]
        parts.append(part)
    return [*nodes, make("Concat", parts, [result], name, axis=axis + along)]


def _even(row: Array) -> bool:
    steps = np.diff(row)
    return row.size == 1 or bool((steps == steps[0]).all() and steps[0] > 0)


def slice_of(draft: Draft, source: str, row: Array, axis: int, result: str, name: str) -> onnx.NodeProto:
    """Slice of elements in even, rising steps along one axis."""
    step = int(row[1] - row[0]) if row.size > 1 else 1
    numbers = [int(row[0]), int(row[-1]) + 1, axis, step]
    names = [
        draft.constant(np.asarray([number], np.int64), f"{result}_{what}")
        for number, what in zip(numbers, ("from", "to", "axis", "step"), strict=True)
    ]
    return make("Slice", [source, *(names if step != 1 else names[:3])], [result], name)
