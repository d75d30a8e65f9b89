# SPDX-License-Identifier: Apache-2.0
"""Operators that take each element of the result from elements along an axis, by fixed weights or from fixed places."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.composed.parts import Parts
from codesign.compiler.model.passes.draft import Array, Draft, attribute, operand, positive
from codesign.compiler.model.passes.reference import computed

_LARGEST = 2**20
"""Weights of one such map."""


def resize(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Resize: along each axis that grows or shrinks a Gather (nearest), or a product with the weights (linear, cubic)."""
    if any(operand(node, i) and operand(node, i) not in draft.constants for i in range(1, len(node.input))):
        return None
    before, after = draft.shape(node.input[0]), draft.shape(node.output[0])
    parts, name = Parts(draft, node), node.input[0]
    for axis in [axis for axis, size in enumerate(before) if after[axis] != size]:
        size, wanted = before[axis], after[axis]
        _check(draft, node, size * wanted)
        own = onnx.NodeProto()
        own.CopyFrom(node)
        kept = [entry for entry in own.attribute if entry.name not in ("axes", "keep_aspect_ratio_policy")]
        del own.attribute[:]
        own.attribute.extend(kept)
        scales = draft.constants.get(operand(node, 2))
        axes = [positive(int(a), len(before)) for a in attribute(node, "axes", range(len(before)))]
        given: dict[str, Array] = {"x": np.eye(size, dtype=np.float32)}
        if scales is not None and scales.size:
            given["scales"] = np.array([1.0, scales.ravel()[axes.index(axis)]], np.float32)
        else:
            given["sizes"] = np.array([size, wanted], np.int64)
        own.input[:] = ["x", "", "scales" if "scales" in given else "", "sizes" if "sizes" in given else ""]
        name = _mapped(parts, name, axis, len(before), computed(draft, own, given)[0])
    return parts.end() if parts.nodes else [_identity(node)]


def cumulated(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """CumSum: a product with a triangle of ones."""
    axis = draft.constants.get(operand(node, 1))
    if axis is None:
        return None
    shape = draft.shape(node.input[0])
    place = positive(int(axis.ravel()[0]), len(shape))
    _check(draft, node, shape[place] ** 2)
    own = onnx.NodeProto()
    own.CopyFrom(node)
    own.input[:] = ["x", "axis"]
    given: dict[str, Array] = {"x": np.eye(shape[place], dtype=np.float32), "axis": np.array(1, np.int64)}
    parts = Parts(draft, node)
    _mapped(parts, node.input[0], place, len(shape), computed(draft, own, given)[0])
    return parts.end()


def _check(draft: Draft, node: onnx.NodeProto, weights: int) -> None:
    if weights > _LARGEST:
        raise draft.refuse(node, f"takes {weights:,} weights, at most {_LARGEST:,} are expected")


def _mapped(parts: Parts, source: str, axis: int, rank: int, weights: Array) -> str:
    """`weights` (size before, size after) along an axis of a value of `rank` axes."""
    ones = (weights != 0).sum(axis=0)
    if (ones == 1).all() and (weights.max(axis=0) == 1).all():
        return parts("Gather", source, parts.ints(*weights.argmax(axis=0).tolist()), axis=axis)
    order = [*(a for a in range(rank) if a != axis), axis]
    back = [order.index(a) for a in range(rank)]
    return parts("Transpose", parts("MatMul", parts("Transpose", source, perm=order), parts.reals(weights)), perm=back)


def _identity(node: onnx.NodeProto) -> onnx.NodeProto:
    return onnx.helper.make_node("Identity", [node.input[0]], [node.output[0]], name=node.name)


def shuffled(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """DepthToSpace and SpaceToDepth (pixel shuffle): two reshapes and a transposition."""
    batch, channels, height, width = draft.shape(node.input[0])
    b = int(attribute(node, "blocksize"))
    parts = Parts(draft, node)
    if (height % b or width % b) if node.op_type == "SpaceToDepth" else channels % b**2:
        raise draft.refuse(node, f"its blocksize {b} does not divide {[channels, height, width]}")
    if node.op_type == "SpaceToDepth":
        crd = attribute(node, "mode", b"DCR") == b"CRD"
        split, order = (batch, channels, height // b, b, width // b, b), [0, 1, 3, 5, 2, 4] if crd else [0, 3, 5, 1, 2, 4]
    elif attribute(node, "mode", b"DCR") == b"CRD":
        split, order = (batch, channels // b**2, b, b, height, width), [0, 1, 4, 2, 5, 3]
    else:
        split, order = (batch, b, b, channels // b**2, height, width), [0, 3, 4, 1, 5, 2]
    moved = parts("Transpose", parts.reshape(node.input[0], split), perm=order)
    parts.reshape(moved, draft.shape(node.output[0]))
    return parts.end()


def reversed_(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """ReverseSequence of whole sequences: a Slice backwards."""
    shape, axis = draft.shape(node.input[0]), int(attribute(node, "time_axis", 0))
    lengths = draft.constants.get(operand(node, 1))
    if lengths is None or (lengths != shape[axis]).any():
        raise draft.refuse(node, "reverses sequences that are shorter than their axis, or of computed lengths")
    parts = Parts(draft, node)
    parts.cut(node.input[0], axis, shape[axis] - 1, -shape[axis] - 1, -1)
    return parts.end()


_SHUFFLE = "as Reshape and Transpose"
COMPOSED = {
    "CumSum": (cumulated, f"along an axis of at most {int(_LARGEST**0.5):,} elements, as a product with ones"),
    "DepthToSpace": (shuffled, _SHUFFLE),
    "Resize": (resize, "constant sizes or scales: nearest as Gather, linear and cubic as a product with the weights"),
    "ReverseSequence": (reversed_, "of whole sequences, as Slice"),
    "SpaceToDepth": (shuffled, _SHUFFLE),
}
