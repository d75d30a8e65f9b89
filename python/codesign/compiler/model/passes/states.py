# SPDX-License-Identifier: Apache-2.0
"""States that a step needs and the file does not have: inputs `<node>_h_in`, `_c_in`, `_past_in` with outputs `…_out`."""

from __future__ import annotations

import re

import numpy as np
import onnx

from codesign.base.words import counted
from codesign.compiler.model.passes.draft import Draft, make, operand, title
from codesign.compiler.model.passes.stream import HINT
from codesign.compiler.model.passes.weights import RECURRENT


def add_state(draft: Draft, node: onnx.NodeProto, what: str, shape: tuple[int, ...]) -> tuple[str, str]:
    """A new pair of graph input and graph output, float32, which starts at zero."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", title(node)).strip("_") or "layer"
    base, count = f"{words}_{what}", 1
    while f"{base}_in" in draft.taken or f"{base}_out" in draft.taken:
        count += 1
        base = f"{words}_{count}_{what}"
    pair = draft.fresh(f"{base}_in"), draft.fresh(f"{base}_out")
    draft.dims[pair[0]], draft.kinds[pair[0]] = list(shape), onnx.TensorProto.FLOAT
    draft.outputs.append(pair[1])
    draft.states.append(pair)
    return pair


def is_zero(draft: Draft, name: str) -> bool:
    """Whether an initial state is left out or zero."""
    return not name or (name in draft.constants and not draft.constants[name].any())


def starts_known(draft: Draft, node: onnx.NodeProto) -> bool:
    """Whether a recurrent layer starts from numbers that the file has: its own, or zero."""
    return all(not operand(node, index) or operand(node, index) in draft.constants for index in (5, 6))


def add_recurrent_states(draft: Draft) -> None:
    """Let recurrent layers of one frame that start from known numbers keep their states instead."""
    for node in list(draft.nodes):
        if node.op_type not in RECURRENT or draft.shape(node.input[0])[0] != 1:
            continue
        if starts_known(draft, node):
            keep_state(draft, node)
        elif any(operand(node, index) in draft.constants for index in (5, 6)):
            raise draft.refuse(node, "starts from a state of the file and from numbers", hint=HINT)


def keep_state(draft: Draft, node: onnx.NodeProto) -> None:
    """Give a recurrent layer explicit states in place of the numbers that it starts from.

    Raises:
        InputError: a layer that runs backwards too, or starts from computed numbers.
    """
    direction = next((bytes(a.s).decode() for a in node.attribute if a.name == "direction"), "forward")
    if direction != "forward":
        raise draft.refuse(node, f"is {direction} over time: it reads frames that are yet to come", hint=HINT)
    if not starts_known(draft, node):
        raise draft.refuse(node, "starts from numbers that are computed", hint=HINT)
    lengths = operand(node, 4)
    if lengths and lengths not in draft.constants:
        raise draft.refuse(node, "sequence_lens is computed", hint="export one sequence without lengths")
    units = draft.constants[node.input[2]].shape[-1] if node.input[2] in draft.constants else draft.shape(node.input[2])[-1]
    shape = (1, draft.shape(node.input[0])[1], units)
    parts = ("h", "c") if node.op_type == "LSTM" else ("h",)
    starts = [_start(draft, node, 5 + index, shape) for index in range(len(parts))]
    node.input[:] = [*node.input[:4], *[""] * (4 - len(node.input[:4])), "", *[""] * len(parts)]
    node.output[:] = [*node.output, *[""] * (1 + len(parts) - len(node.output))]
    for index, part in enumerate(parts):
        source, result = add_state(draft, node, part, shape)
        node.input[5 + index] = source
        if starts[index]:
            draft.initial[source] = starts[index]
        old = node.output[1 + index]
        node.output[1 + index] = result
        if old in draft.outputs:
            draft.outputs.remove(old)
            draft.note(f"output '{old}' is the state after the last frame: it is '{result}' now")
        if old:
            draft.replace(old, result)
    numbers = "numbers of its own" if any(starts) else "zero"
    draft.note(f"'{title(node)}' ({node.op_type}) starts from {numbers} in the file: its state lives from step to step")


def _start(draft: Draft, node: onnx.NodeProto, index: int, shape: tuple[int, ...]) -> list[float]:
    """The numbers that a state of a shape starts from, none for zero."""
    name = operand(node, index)
    if is_zero(draft, name):
        return []
    try:
        numbers = np.broadcast_to(draft.constants[name], shape)
    except ValueError:
        found = list(draft.constants[name].shape)
        raise draft.refuse(node, f"starts from '{name}' of shape {found} where {list(shape)} is expected") from None
    return [float(number) for number in numbers.ravel()]


def keep_past(draft: Draft, node: onnx.NodeProto, source: str, axis: int, frames: int) -> tuple[str, list[onnx.NodeProto]]:
    """[state ‖ frame] for a node that reads `frames` frames before the newest: its name, and the nodes that make it."""
    shape = list(draft.shape(source))
    shape[axis] = frames
    past, later = add_state(draft, node, "past", tuple(shape))
    window = draft.fresh(f"{source}_window")
    numbers = [
        draft.constant(np.asarray([number], np.int64), f"{window}_{what}")
        for number, what in ((1, "from"), (frames + 1, "to"), (axis, "axis"))
    ]
    draft.note(f"'{title(node)}' ({node.op_type}) keeps the last {counted(frames, 'frame')} of what it reads as a state")
    (known, before), (whole, after) = _rounded(draft, source, past), _rounded(draft, source, window)
    return whole, [
        *before,
        make("Concat", [known, source], [window], window, axis=axis),
        *after,
        make("Slice", [whole, *numbers], [later], later),
    ]


def _rounded(draft: Draft, like: str, value: str) -> tuple[str, list[onnx.NodeProto]]:
    """A value with the parameters of another one, if it is quantized: its name then, and the nodes that make it."""
    back = next((node for node in draft.nodes if node.op_type == "DequantizeLinear" and like in node.output), None)
    if back is None:
        return value, []
    integers, result = draft.fresh(f"{value}_q"), draft.fresh(f"{value}_rounded")
    return result, [
        make("QuantizeLinear", [value, *back.input[1:]], [integers], integers),
        make("DequantizeLinear", [integers, *back.input[1:]], [result], result),
    ]
