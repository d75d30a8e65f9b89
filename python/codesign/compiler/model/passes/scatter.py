# SPDX-License-Identifier: Apache-2.0
"""ScatterND that writes a box of elements (a slice of a cache) becomes Slice and Concat."""

from __future__ import annotations

import math

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand
from codesign.compiler.model.passes.gather import slice_of


def run(draft: Draft) -> bool:
    """Whether a ScatterND was replaced."""
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in [node for node in draft.nodes if node.op_type == "ScatterND"]:
        index = draft.constants.get(operand(node, 1))
        if index is None or attribute(node, "reduction", b"none") != b"none":
            continue
        box = _box(draft, node, index)
        if box is not None:
            new[id(node)] = _joined(draft, node, box)
    return draft.substitute(new)


def _box(draft: Draft, node: onnx.NodeProto, index: Array) -> list[tuple[int, int]] | None:
    """First and last + 1 element along each axis that the updates fill in their order, None if they fill no box."""
    shape = draft.shape(node.input[0])
    depth = index.shape[-1]
    rows = np.where(index < 0, index + np.asarray(shape[:depth]), index).reshape(-1, depth)
    if rows.size == 0 or (rows < 0).any() or (rows >= np.asarray(shape[:depth])).any():
        return None
    low, high = rows.min(0), rows.max(0) + 1
    sizes = high - low
    if int(np.prod(sizes)) != len(rows):
        return None
    wanted = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
    if not (wanted.reshape(-1, depth) == rows).all():
        return None
    return [*((int(a), int(b)) for a, b in zip(low, high, strict=True)), *((0, size) for size in shape[depth:])]


def _joined(draft: Draft, node: onnx.NodeProto, box: list[tuple[int, int]]) -> list[onnx.NodeProto]:
    """Updates between what stays, axis after axis from the last: around them is a box that grows to the whole."""
    shape, result = draft.shape(node.input[0]), node.output[0]
    piece, nodes = draft.fresh(f"{result}_box"), []
    sizes = draft.constant(np.asarray([b - a for a, b in box], np.int64), f"{result}_shape")
    nodes.append(make("Reshape", [node.input[2], sizes], [piece], f"{node.name}_box"))
    for axis in reversed(range(len(shape))):
        first, last = box[axis]
        if (first, last) == (0, shape[axis]):
            continue
        enclosing = node.input[0]
        for outer in range(axis):
            if box[outer] != (0, shape[outer]):
                cut = draft.fresh(f"{result}_cut")
                nodes.append(slice_of(draft, enclosing, np.arange(*box[outer]), outer, cut, f"{node.name}_{cut}"))
                enclosing = cut
        parts = [piece]
        for part, range_ in ((0, (0, first)), (2, (last, shape[axis]))):
            if range_[0] < range_[1]:
                cut = draft.fresh(f"{result}_part")
                nodes.append(slice_of(draft, enclosing, np.arange(*range_), axis, cut, f"{node.name}_{cut}"))
                parts.insert(0 if part == 0 else len(parts), cut)
        piece = draft.fresh(f"{result}_joined")
        nodes.append(make("Concat", parts, [piece], f"{node.name}_{axis}", axis=axis))
    nodes[-1].output[0] = result
    assert math.prod(b - a for a, b in box) == draft.types[node.input[2]].size, "onnx has checked the updates"
    return nodes
