# SPDX-License-Identifier: Apache-2.0
"""Nodes that compute nothing are left out: Identity, Dropout, casts, views that change nothing; views of views become one."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, operand

_RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
_RECURRENT = ("GRU", "LSTM", "RNN")
_SAME_SHAPE = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Slice", "Pad", "Cast", "CastLike")


def run(draft: Draft) -> bool:
    """Whether something was left out."""
    changed = _without_nothing(draft)
    changed = _unread_ends(draft) or changed
    return _joined_views(draft) or changed


def _unread_ends(draft: Draft) -> bool:
    """Last states of recurrent layers that nobody reads have no name: exporters list them all the same."""
    readers, changed = draft.readers(), False
    for node in draft.nodes:
        if node.op_type not in _RECURRENT:
            continue
        for index, name in enumerate(node.output):
            if index > 0 and name and name not in readers:
                node.output[index], changed = "", True
    return changed


def _without_nothing(draft: Draft) -> bool:
    makers, kept = draft.makers(), []
    renamed: dict[str, str] = {}
    outputs = set(draft.outputs)

    def final(name: str) -> str:
        while name in renamed:
            name = renamed[name]
        return name

    for node in draft.nodes:
        source, result = final(operand(node, 0)), (node.output[0] if node.output else "")
        if not result or not _computes_nothing(draft, node):
            kept.append(node)
        elif result not in outputs:
            renamed[result] = source
        elif source in makers and source not in outputs and draft.types[source] == draft.types[result]:
            # what makes the source takes the output's name, and everybody reads that
            makers[source].output[:] = [result if name == source else name for name in makers[source].output]
            makers[result] = makers[source]
            renamed[source] = result
        else:
            kept.append(node)
    for node in kept:
        node.input[:] = [final(name) for name in node.input]
    changed = len(kept) < len(draft.nodes)
    draft.nodes[:] = kept
    return changed


def _computes_nothing(draft: Draft, node: onnx.NodeProto) -> bool:
    kind = node.op_type
    if kind == "Identity":
        return True
    if kind == "Dropout":
        training = draft.constants.get(operand(node, 2))
        if operand(node, 2) and (training is None or training.any()):
            raise draft.refuse(node, "is in training mode", hint="export the model in evaluation mode")
        return len([name for name in node.output if name]) == 1
    if kind == "Concat":
        return len(node.input) == 1
    if not node.input or node.input[0] not in draft.types:
        return False
    same = draft.types[node.input[0]] == draft.types[node.output[0]]
    if kind == "Slice":
        return same and _keeps_order(draft, node)
    if kind == "Transpose":
        shape = draft.shape(node.input[0])
        permutation = list(attribute(node, "perm", range(len(shape))[::-1]))
        return permutation == list(range(len(shape)))
    if kind in ("Add", "Sub", "Mul", "Div", "Pow"):
        other = draft.constants.get(node.input[1])
        neutral = 0 if kind in ("Add", "Sub") else 1
        return same and other is not None and other.size > 0 and bool((other == neutral).all())
    return same and kind in _SAME_SHAPE and kind != "Slice"


def _keeps_order(draft: Draft, node: onnx.NodeProto) -> bool:
    steps = draft.constants.get(operand(node, 4))
    return not operand(node, 4) or (steps is not None and bool((steps > 0).all()))


def _joined_views(draft: Draft) -> bool:
    """A reshape of a reshape, a transposition of a transposition, and those that move no element."""
    makers, readers, changed = draft.makers(), draft.readers(), False
    for node in draft.nodes:
        if not node.output or not node.output[0]:
            continue
        if node.op_type == "Transpose" and _moves_nothing(draft, node):
            _reshape(draft, node)
            changed = True
        before = makers.get(operand(node, 0))
        if before is None or not before.op_type:
            continue
        if node.op_type in _RESHAPES and before.op_type in _RESHAPES:
            _reshape(draft, node, before.input[0])
            changed = True
        elif node.op_type == "Transpose" and before.op_type == "Transpose" and len(readers[before.output[0]]) == 1:
            rank = len(draft.shape(node.input[0]))
            first, second = (list(attribute(n, "perm", range(rank)[::-1])) for n in (before, node))
            node.input[0] = before.input[0]
            del node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("perm", [first[axis] for axis in second]))
            changed = True
    return changed


def _moves_nothing(draft: Draft, node: onnx.NodeProto) -> bool:
    """A transposition that only axes of one element take part in."""
    shape = draft.shape(node.input[0])
    permutation = list(attribute(node, "perm", range(len(shape))[::-1]))
    long = [axis for axis in permutation if shape[axis] != 1]
    return long == sorted(long) and permutation != list(range(len(shape)))


def _reshape(draft: Draft, node: onnx.NodeProto, source: str = "") -> None:
    """Make a node the reshape to what it gives."""
    shape = draft.constant(np.asarray(draft.shape(node.output[0]), np.int64), f"{node.output[0]}_shape")
    node.op_type = "Reshape"
    node.input[:] = [source or node.input[0], shape]
    del node.attribute[:]
