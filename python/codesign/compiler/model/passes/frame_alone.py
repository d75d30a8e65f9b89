# SPDX-License-Identifier: Apache-2.0
"""Whether an operator over all frames computes each one by itself, so that a step can do the same with one frame."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.composed.products import labels
from codesign.compiler.model.passes.draft import Draft, attribute, operand, positive
from codesign.compiler.model.passes.families import ELEMENTWISE, REDUCTIONS, VIEWS
from codesign.compiler.model.passes.stream import HINT, Stream

_ONE_AXIS = {"Concat": 0, "Split": 0, "Gather": 0, "ArgMax": 0, "Softmax": -1, "LogSoftmax": -1, "LpNormalization": -1}
"""Kinds that combine along `axis`, and what that is unless they say it."""
_FIXED_AXES = {
    "BatchNormalization": slice(1, 2),
    "GroupNormalization": slice(1, None),
    "InstanceNormalization": slice(2, None),
    "GlobalAveragePool": slice(2, None),
    "DepthToSpace": slice(1, 4),
    "SpaceToDepth": slice(1, 4),
}


def check_frame_alone(draft: Draft, stream: Stream, node: onnx.NodeProto, timed: dict[str, int]) -> None:
    """Refuse an operator that does not compute each frame from the same frame of what it reads.

    `timed` has the time axis of each of its inputs that has one.

    Raises:
        InputError: it looks along time, mixes time with another axis, or is of a kind that nothing is known of.
    """
    kind = node.op_type
    if kind in ELEMENTWISE:
        return
    if kind in ("MatMul", "Gemm"):
        _check_product(draft, node, timed)
    elif kind in VIEWS:
        _check_view(stream, node, timed)
    elif kind == "Einsum":
        _check_einsum(draft, stream, node, timed)
    elif timed.get(node.input[0]) in _combined_axes(draft, stream, node):
        raise draft.refuse(node, "works along time, over all frames at once", hint=HINT)


def _check_product(draft: Draft, node: onnx.NodeProto, timed: dict[str, int]) -> None:
    """Two values over time may be multiplied within each frame, as attention does: time is a batch axis of both."""
    if len(timed) > 1 and any(axis >= len(draft.shape(name)) - 2 for name, axis in timed.items()):
        raise draft.refuse(node, "multiplies frames with frames", hint=HINT)


def _check_view(stream: Stream, node: onnx.NodeProto, timed: dict[str, int]) -> None:
    """A reshape keeps time apart: as many elements lie before its axis in the result as in the source."""
    source, result = node.input[0], node.output[0]
    before, after = timed.get(source), stream.axis(result)
    if node.op_type not in ("Reshape", "Flatten") or before is None or after is None:
        return
    if np.prod(stream.few.shape(source)[:before]) != np.prod(stream.few.shape(result)[:after]):
        raise stream.few.refuse(node, "mixes frames with other axes", hint=HINT)


def _combined_axes(draft: Draft, stream: Stream, node: onnx.NodeProto) -> set[int]:
    """The axes of a node's first input along which it moves elements or makes one from several.

    Raises:
        InputError: nothing is known of its kind.
    """
    kind, source = node.op_type, node.input[0]
    rank = len(draft.shape(source)) if source in draft.types else 0
    if kind in _ONE_AXIS:
        return {positive(int(attribute(node, "axis", _ONE_AXIS[kind])), rank)}
    if kind in _FIXED_AXES:
        return set(range(rank)[_FIXED_AXES[kind]])
    if kind in ("LayerNormalization", "RMSNormalization"):
        return set(range(positive(int(attribute(node, "axis", -1)), rank), rank))
    if kind in REDUCTIONS:
        numbers = draft.constants.get(operand(node, 1))
        chosen = attribute(node, "axes", []) if numbers is None else numbers.ravel().tolist()
        return {positive(int(axis), rank) for axis in chosen} or set(range(rank))
    if kind in ("MaxPool", "AveragePool"):
        return {2 + i for i, size in enumerate(attribute(node, "kernel_shape", [])) if size != 1}
    if kind == "Resize":
        after = stream.few.shape(node.output[0])
        return {axis for axis, size in enumerate(stream.few.shape(source)) if size != after[axis]}
    raise draft.refuse(node, f"{kind} over frames is not known to need the past alone", hint=HINT)


def _check_einsum(draft: Draft, stream: Stream, node: onnx.NodeProto, timed: dict[str, int]) -> None:
    """Refuse an Einsum that does not give each frame from the same frame of what it reads."""
    terms, wanted = labels(draft, node)
    letters = {term[timed[name]] for term, name in zip(terms, node.input, strict=True) if name in timed}
    after = stream.axis(node.output[0])
    if len(letters) != 1 or after is None or wanted[after] not in letters:
        raise draft.refuse(node, "multiplies frames with frames", hint=HINT)
