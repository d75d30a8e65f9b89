# SPDX-License-Identifier: Apache-2.0
"""Concat of values and constants: the values with room between them, and the constants added there."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, positive


def run(draft: Draft) -> bool:
    """Whether a Concat was replaced."""
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        if node.op_type == "Concat" and len({name in draft.constants for name in node.input}) == 2:
            new[id(node)] = _apart(draft, node)
    return draft.substitute(new)


def _apart(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    result, kind = node.output[0], draft.types[node.output[0]].kind
    shape = draft.shape(result)
    axis = positive(int(attribute(node, "axis", 0)), len(shape))
    numbers: Array = np.zeros(shape, onnx.helper.tensor_dtype_to_np_dtype(kind))
    padded: list[tuple[str, int, int]] = []  # a value, and how many places before and after it are constants
    room = place = 0
    for name in node.input:
        size = draft.shape(name)[axis]
        if name in draft.constants:
            where = tuple(slice(place, place + size) if i == axis else slice(None) for i in range(len(shape)))
            numbers[where] = draft.constants[name]
            if padded:
                padded[-1] = (padded[-1][0], padded[-1][1], padded[-1][2] + size)
            else:
                room += size
        else:
            padded.append((name, room, 0))
            room = 0
        place += size
    nodes, parts = [], []
    for number, (name, before, after) in enumerate(padded):
        if before or after:
            widths = np.zeros((2, len(shape)), np.int64)
            widths[:, axis] = before, after
            part = draft.fresh(f"{result}_wide")
            nodes.append(make("Pad", [name, draft.constant(widths.ravel(), f"{part}_pads")], [part], f"{node.name}_{number}"))
            name = part
        parts.append(name)
    whole = draft.fresh(f"{result}_values") if numbers.any() else result
    joined = make("Concat", parts, [whole], node.name, axis=axis) if parts[1:] else make("Identity", parts, [whole], node.name)
    if whole == result:
        return [*nodes, joined]
    constant = draft.constant(numbers, f"{result}_numbers")
    return [*nodes, joined, make("Add", [whole, constant], [result], f"{node.name}_numbers")]
