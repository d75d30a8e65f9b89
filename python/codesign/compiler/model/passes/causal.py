# SPDX-License-Identifier: Apache-2.0
"""Operators over time, each on one frame: alone, with a state of the past, or refused by name.

A value's element at index i along time may belong to another frame than i: `lead` is how many elements there are before that
of the first frame. Zeros put in front raise it, a convolution over k frames lowers it by k − 1; below 0 the value looks ahead.
"""

from __future__ import annotations

import numpy as np
import onnx

from codesign.base.errors import InputError
from codesign.compiler.model.passes.draft import Draft, attribute, make, operand, positive, set_attribute
from codesign.compiler.model.passes.families import VIEWS
from codesign.compiler.model.passes.frame_alone import check_frame_alone
from codesign.compiler.model.passes.states import keep_past, keep_state, starts_known
from codesign.compiler.model.passes.stream import HINT as _HINT
from codesign.compiler.model.passes.stream import Stream
from codesign.compiler.model.passes.sums import counted, summed, sums_frames
from codesign.compiler.model.passes.weights import RECURRENT, conv_pads, set_conv_pads

_UNCHANGED = frozenset(("Identity", "Cast", "Dropout", "QuantizeLinear", "DequantizeLinear"))
"""Zeros stay zeros."""


def stepped(draft: Draft, stream: Stream) -> Draft:
    """A draft of one frame with states for what came before; its sizes are to be walked again.

    Raises:
        InputError: an operator that needs frames to come, all frames at once, or that is not known to need the past alone.
    """
    draft.dims = {name: list(draft.shape(name)) for name in draft.dims}
    outputs = list(draft.outputs)
    nodes: list[onnx.NodeProto] = []
    for node in draft.nodes:
        nodes += _step(draft, stream, node)
    draft.nodes[:] = nodes
    for output in outputs:
        lead = stream.lead.get(output, 0)
        if output in draft.outputs and stream.axis(output) is not None and lead:
            raise InputError(f"{draft.path}: output '{output}' has {lead} frames before the first of the input", hint=_HINT)
    return draft


def _step(draft: Draft, stream: Stream, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The nodes that do a node's work on one frame."""
    axes = {name: stream.axis(name) for name in node.input if name}
    timed = {name: axis for name, axis in axes.items() if axis is not None}
    if not timed:
        return [node]
    counts: list[onnx.NodeProto] = []
    for name in timed:
        if name in draft.constants:
            counts += counted(draft, stream, node, name)
            if name in node.input:
                _check_steady(draft, stream, node, name)
    if sums_frames(draft, stream, node):
        return summed(draft, stream, node)
    if counts:
        return [*counts, *_step(draft, stream, node)]
    results = [stream.axis(name) for name in node.output if name]  # refuses what mixes frames, whatever the kind
    kind = node.op_type
    if kind in RECURRENT:
        return _recurrent(draft, stream, node, timed)
    if kind in _ALONG_TIME:
        return _ALONG_TIME[kind](draft, stream, node)
    if kind == "Concat" and results[0] is not None and len(timed) < len(axes):
        joined = _concat(draft, stream, node, results[0])
        if joined is not None:
            return joined
    placed = [axis for axis in results if axis is not None]
    if len(placed) < len(results):
        raise draft.refuse(node, "computes one result from all frames", hint=_HINT)
    return _frame_alone(draft, stream, node, timed, placed)


def _frame_alone(
    draft: Draft, stream: Stream, node: onnx.NodeProto, timed: dict[str, int], results: list[int]
) -> list[onnx.NodeProto]:
    """The nodes of an operator that looks at no other frame; `results` are the time axes of what it gives."""
    check_frame_alone(draft, stream, node, timed)
    lead, added = _aligned(draft, stream, node, timed)
    given, kind = not stream.given.isdisjoint(timed), node.op_type
    for name in node.output:
        stream.lead[name] = lead
        if kind in VIEWS or kind in _UNCHANGED:
            stream.zeros[name] = stream.zeros.get(node.input[0], 0)
        if given:
            stream.given.add(name)
    if given:  # a state of the file keeps its frames
        return [*added, node]
    if kind in ("Reshape", "Expand"):
        shape = list(draft.shape(node.output[0]))
        shape[results[0]] = 1
        node.input[1] = draft.constant(np.asarray(shape, np.int64), f"{node.output[0]}_shape")
    for name, axis in zip(filter(None, node.output), results, strict=True):
        _settle(draft, name, axis)
    return [*added, node]


def _aligned(draft: Draft, stream: Stream, node: onnx.NodeProto, timed: dict[str, int]) -> tuple[int, list[onnx.NodeProto]]:
    """The lead of all that a node reads, and nodes that delay what has a larger one (a shifted copy of the frames)."""
    leads = {name: stream.lead.get(name, 0) for name in timed if name not in draft.constants}
    lowest, nodes = min(leads.values(), default=0), []
    for name, lead in leads.items():
        if lead == lowest:
            continue
        if stream.zeros.get(name, 0) != lead or name in stream.given:
            raise draft.refuse(node, f"joins values that are {lead - lowest} frames apart", hint=_HINT)
        window, added = keep_past(draft, node, name, timed[name], lead - lowest)
        delayed = draft.fresh(f"{name}_delayed")
        numbers = [
            draft.constant(np.asarray([number], np.int64), f"{delayed}_{what}")
            for number, what in ((0, "from"), (1, "to"), (timed[name], "axis"))
        ]
        nodes += [*added, make("Slice", [window, *numbers], [delayed], delayed)]
        draft.types[delayed] = draft.types[name]
        node.input[:] = [delayed if source == name else source for source in node.input]
    return lowest, nodes


def _settle(draft: Draft, name: str, axis: int) -> None:
    """A value has one frame in the step, whatever stood before the first frame in the file."""
    old = draft.types[name]
    shape = [1 if i == axis else size for i, size in enumerate(old.shape)]
    draft.types[name] = type(old)(old.kind, tuple(shape))


def _check_steady(draft: Draft, stream: Stream, node: onnx.NodeProto, name: str) -> None:
    """A constant that is as long as the sequence must be the same for each frame."""
    array, axis = stream.few.constants.get(name), stream.axis(name)
    if array is None or axis is None or not (array == np.take(array, [0], axis)).all():
        raise draft.refuse(node, f"reads '{name}', which differs from frame to frame", hint=_HINT)
    draft.put(name, np.take(array, [0], axis))


def _recurrent(draft: Draft, stream: Stream, node: onnx.NodeProto, timed: dict[str, int]) -> list[onnx.NodeProto]:
    axis, lead = timed.get(node.input[0]), stream.lead.get(node.input[0], 0)
    if attribute(node, "layout", 0):
        raise draft.refuse(node, "has its batch first (layout 1)", hint="export with layout 0")
    if axis == 2:
        raise draft.refuse(node, "reads frames as features", hint=_HINT)
    for name in node.output:
        stream.lead[name] = lead
    if axis != 0:
        return [node]  # frames are a batch: each one alone
    if lead:
        raise draft.refuse(node, f"starts {lead} frames before the first", hint=_HINT)
    readers = draft.readers()
    last = [name for name in node.output[1:] if name and any(reader.op_type for reader in readers.get(name, []))]
    if last:
        raise draft.refuse(node, f"'{last[0]}', its state after the last frame, is read by the network", hint=_HINT)
    if starts_known(draft, node):
        keep_state(draft, node)
    elif attribute(node, "direction", b"forward") != b"forward":
        raise draft.refuse(node, "runs backwards over time: it reads frames that are yet to come", hint=_HINT)
    elif operand(node, 4):
        node.input[4] = ""
    return [node]


def _convolution(draft: Draft, stream: Stream, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    source, result = node.input[0], node.output[0]
    axis, lead = stream.axis(source), stream.lead.get(source, 0)
    stream.lead[result] = lead
    if axis == 0:
        return [node]
    if axis is None or axis == 1:
        raise draft.refuse(node, "computes with frames as channels or with weights that change", hint=_HINT)
    weight = draft.shape(node.input[1])
    rank, at = len(weight) - 2, axis - 2
    kernel = weight[axis]
    reach = (kernel - 1) * int(list(attribute(node, "dilations", [1] * rank))[at])
    if list(attribute(node, "strides", [1] * rank))[at] != 1:
        raise draft.refuse(node, "skips frames: its stride over time is not 1", hint=_HINT)
    first, last = _pads(draft, stream, node, rank)
    if node.op_type == "ConvTranspose":
        lead -= first[at]
    else:
        lead += first[at] - reach
    if source in stream.given:
        if first[at] or last[at] or node.op_type != "Conv":
            raise draft.refuse(node, "puts zeros after a state", hint=_HINT)
        stream.lead[result] = lead
        if lead:
            stream.given.add(result)
        return [node]
    if lead < 0:
        raise draft.refuse(node, f"looks {-lead} frames ahead", hint=_HINT)
    if stream.lead.get(source, 0) != stream.zeros.get(source, 0):
        raise draft.refuse(node, "reads frames before the first that are not zero", hint=_HINT)
    stream.lead[result] = lead
    _settle(draft, result, axis)
    first[at] = last[at] = reach if node.op_type == "ConvTranspose" else 0
    set_conv_pads(node, first, last)
    if node.op_type == "ConvTranspose" and attribute(node, "output_padding"):
        padding = list(attribute(node, "output_padding"))
        padding[at] = 0
        set_attribute(node, "output_padding", padding)
    if not reach:
        return [node]
    window, added = keep_past(draft, node, source, axis, reach)
    node.input[0] = window
    return [*added, node]


def _pads(draft: Draft, stream: Stream, node: onnx.NodeProto, rank: int) -> tuple[list[int], list[int]]:
    """Zeros around each spatial axis, also where auto_pad or output_shape says them."""
    auto = attribute(node, "auto_pad", b"NOTSET")
    if attribute(node, "output_shape") is not None:
        raise draft.refuse(node, "has output_shape", hint="export it with pads")
    if auto in (b"NOTSET", b""):
        return conv_pads(node, rank)
    if auto != b"VALID" and node.op_type == "ConvTranspose":
        raise draft.refuse(node, "has auto_pad", hint="export it with pads")
    first, last = [0] * rank, [0] * rank
    if auto != b"VALID":
        kernel, sizes = draft.shape(node.input[1])[2:], stream.few.shape(node.input[0])[2:]
        strides = attribute(node, "strides", [1] * rank)
        for i, dilation in enumerate(attribute(node, "dilations", [1] * rank)):
            outputs = -(-sizes[i] // strides[i])
            total = max(0, (outputs - 1) * strides[i] + (kernel[i] - 1) * dilation + 1 - sizes[i])
            first[i] = total // 2 if auto == b"SAME_UPPER" else total - total // 2
            last[i] = total - first[i]
    set_attribute(node, "auto_pad", "NOTSET")
    set_conv_pads(node, first, last)
    return first, last


def _pad(draft: Draft, stream: Stream, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    source, result = node.input[0], node.output[0]
    axis, rank = stream.axis(source), len(draft.shape(source))
    pads, axes = draft.constants.get(operand(node, 1)), draft.constants.get(operand(node, 3))
    if pads is None or axis is None:
        raise draft.refuse(node, "pads by a computed number", hint=_HINT)
    chosen = [positive(int(a), rank) for a in (range(rank) if axes is None else axes.ravel().tolist())]
    stream.lead[result] = stream.lead.get(source, 0)
    if axis not in chosen:
        return [node]
    at = chosen.index(axis)
    front, back = int(pads[at]), int(pads[at + len(chosen)])
    value = draft.constants.get(operand(node, 2))
    if (front, back) != (0, 0):
        if attribute(node, "mode", b"constant") != b"constant" or (operand(node, 2) and (value is None or value.any())):
            raise draft.refuse(node, "fills frames before the first with other numbers than zero", hint=_HINT)
        if stream.lead.get(source, 0) != stream.zeros.get(source, 0):
            raise draft.refuse(node, "puts zeros before frames that are not zero", hint=_HINT)
        stream.lead[result] += front
        stream.zeros[result] = stream.zeros.get(source, 0) + front
    numbers = pads.copy()
    numbers[at] = numbers[at + len(chosen)] = 0
    node.input[1] = draft.constant(numbers, f"{result}_pads")
    _settle(draft, result, axis)
    return [node]


def _slice(draft: Draft, stream: Stream, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    source, result = node.input[0], node.output[0]
    axis, rank = stream.axis(source), len(draft.shape(source))
    stream.lead[result] = stream.lead.get(source, 0)
    starts = [d.constants[operand(node, 1)] for d in (stream.few, stream.many) if operand(node, 1) in d.constants]
    axes = draft.constants.get(operand(node, 3))
    if axis is None or len(starts) < 2:
        raise draft.refuse(node, "takes computed frames", hint=_HINT)
    chosen = [positive(int(a), rank) for a in (range(starts[0].size) if axes is None else axes.ravel().tolist())]
    if axis not in chosen:
        stream.zeros[result] = stream.zeros.get(source, 0)
        if source in stream.given:
            stream.given.add(result)
        else:
            _settle(draft, result, axis)
        return [node]
    at = chosen.index(axis)
    if source in stream.given and stream.axis(result) is None:
        return [node]  # the newest frames, which are a state of the file
    steps = draft.constants.get(operand(node, 4))
    if steps is not None and int(steps.ravel()[at]) != 1:
        raise draft.refuse(node, "skips or reverses frames", hint=_HINT)
    first = [
        int(s.ravel()[at]) + (d.shape(source)[axis] if s.ravel()[at] < 0 else 0)
        for s, d in zip(starts, (stream.few, stream.many), strict=True)
    ]
    if first[0] != first[1] or stream.axis(result) is None:
        raise draft.refuse(node, "takes frames counted from the last", hint=_HINT)
    stream.lead[result] -= first[0]
    stream.zeros[result] = max(0, stream.zeros.get(source, 0) - first[0])
    if stream.lead[result] < 0:
        raise draft.refuse(node, f"looks {-stream.lead[result]} frames ahead", hint=_HINT)
    numbers = [starts[0].ravel().copy(), draft.constants[node.input[2]].ravel().copy()]
    numbers[0][at], numbers[1][at] = 0, np.iinfo(np.int32).max
    for index, array in enumerate(numbers):
        node.input[1 + index] = draft.constant(array, f"{result}_bound")
    _settle(draft, result, axis)
    return [node]


def _concat(draft: Draft, stream: Stream, node: onnx.NodeProto, axis: int) -> list[onnx.NodeProto] | None:
    """Zeros or a state of the file before the frames."""
    if positive(int(attribute(node, "axis", 0)), len(draft.shape(node.output[0]))) != axis:
        return None
    *before, source = node.input
    result = node.output[0]
    if stream.axis(source) is None or any(stream.axis(name) is not None for name in before):
        raise draft.refuse(node, "joins frames with others after them", hint=_HINT)
    count = sum(draft.shape(name)[axis] for name in before)
    stream.lead[result] = stream.lead.get(source, 0) + count
    if all(name in draft.constants and not draft.constants[name].any() for name in before):
        if stream.lead.get(source, 0) != stream.zeros.get(source, 0):
            raise draft.refuse(node, "puts zeros before frames that are not zero", hint=_HINT)
        stream.zeros[result] = stream.zeros.get(source, 0) + count
        node.op_type = "Identity"
        node.input[:] = [source]
        del node.attribute[:]
        _settle(draft, result, axis)
        return [node]
    stream.given.add(result)
    return [node]


_ALONG_TIME = {"Conv": _convolution, "ConvTranspose": _convolution, "Pad": _pad, "Slice": _slice}
"""What turns operators into steps that may read other frames than their own."""
