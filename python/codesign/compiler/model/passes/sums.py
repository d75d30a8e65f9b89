# SPDX-License-Identifier: Apache-2.0
"""Sums over all frames so far, and numbers of frames: states of one step."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft, attribute, make, operand, positive, title
from codesign.compiler.model.passes.states import add_state
from codesign.compiler.model.passes.stream import HINT, Stream


def summed(draft: Draft, stream: Stream, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The nodes of a CumSum over time: what was summed before is a state.

    Raises:
        InputError: a sum of frames to come.
    """
    source = node.input[0]
    if attribute(node, "reverse", 0) or stream.lead.get(source, 0):
        raise draft.refuse(node, "sums frames that are yet to come", hint=HINT)
    state, after = add_state(draft, node, "sum", draft.shape(source))
    draft.note(f"'{title(node)}' (CumSum) keeps the sum of all frames as a state")
    total = draft.fresh(f"{node.output[0]}_now")
    result = state if attribute(node, "exclusive", 0) else total
    return [
        make("Add", [state, source], [total], node.name),
        make("Identity", [total], [after], after),
        make("Identity", [result], list(node.output), f"{node.name}_result"),
    ]


def sums_frames(draft: Draft, stream: Stream, node: onnx.NodeProto) -> bool:
    """Whether a node is a CumSum over time."""
    axis = draft.constants.get(operand(node, 1)) if node.op_type == "CumSum" else None
    along = stream.axis(node.input[0]) if axis is not None else None
    return axis is not None and along == positive(int(axis.ravel()[0]), len(draft.shape(node.input[0])))


def counted(draft: Draft, stream: Stream, node: onnx.NodeProto, name: str) -> list[onnx.NodeProto]:
    """The nodes of a constant that grows by the same number from frame to frame, a count, as a state; none where it is no such
    constant. The node reads their result.
    """
    array, axis = stream.few.constants.get(name), stream.axis(name)
    if array is None or axis is None or array.dtype.kind != "f" or array.shape[axis] < 2:
        return []
    steps = np.diff(array.astype(np.float64), axis=axis)
    step = float(steps.ravel()[0])
    if step == 0.0 or not (steps == step).all():
        return []
    nodes = []
    if name not in stream.counts:
        first = np.take(array, [0], axis)
        state, after = add_state(draft, node, "count", (1, first.size))
        draft.initial[state] = [float(x) for x in first.ravel()]
        value = draft.fresh(f"{name}_count")
        shape = draft.constant(np.asarray(first.shape, np.int64), f"{value}_shape")
        more = draft.constant(np.asarray(step, np.float32), f"{value}_step")
        nodes = [make("Add", [state, more], [after], after), make("Reshape", [state, shape], [value], value)]
        draft.note(f"'{title(node)}' ({node.op_type}) reads the number of frames: it is a state")
        stream.counts[name] = value
        stream.few.types[value], stream.many.types[value] = stream.few.types[name], stream.many.types[name]
    node.input[:] = [stream.counts[name] if given == name else given for given in node.input]
    return nodes
