# SPDX-License-Identifier: Apache-2.0
"""Layer normalization in pieces, as exporters write it, becomes LayerNormalization.

d = x − mean(x); d / √(mean(d · d) + ε), times a constant, plus a constant, in any order of operands.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand, positive

_FIRST_OPSET = 17


def run(draft: Draft) -> bool:
    """Whether a normalization was found."""
    if draft.opset < _FIRST_OPSET:
        return False
    makers = draft.makers()
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        found = _normalized(draft, makers, node)
        if found is None:
            continue
        source, axis, epsilon = found
        shape = draft.shape(source)[axis:]
        end, gain, bias = _scaled(draft, node, shape)
        scaling = ((gain, "gain"), (bias, "bias"))
        operands = [draft.constant(np.asarray(a, np.float32), f"{node.output[0]}_{what}") for a, what in scaling]
        norm = make("LayerNormalization", [source, *operands], [end.output[0]], end.name, axis=axis, epsilon=epsilon)
        new[id(end)] = [norm]
    return draft.substitute(new)


def _normalized(draft: Draft, makers: dict[str, onnx.NodeProto], node: onnx.NodeProto) -> tuple[str, int, float] | None:
    """(x, first axis, epsilon) of a node that divides by the deviation."""
    if node.op_type == "Div":
        centred, root = node.input
    elif node.op_type == "Mul":
        pair = next(((a, b) for a, b in (node.input, node.input[::-1]) if _kind(makers, b) == "Reciprocal"), None)
        if pair is None:
            return None
        centred, root = pair[0], makers[pair[1]].input[0]
    else:
        return None
    if _kind(makers, root) != "Sqrt" or _kind(makers, centred) != "Sub":
        return None
    total = makers.get(makers[root].input[0])
    if total is None or total.op_type != "Add":
        return None
    pair = next(((a, b) for a, b in (total.input, total.input[::-1]) if b in draft.constants), None)
    if pair is None or draft.constants[pair[1]].size != 1 or _kind(makers, pair[0]) != "ReduceMean":
        return None
    variance, epsilon = makers[pair[0]], float(draft.constants[pair[1]].ravel()[0])
    root_of = _square_root_of(draft, makers, variance.input[0])
    source, mean = makers[centred].input
    if root_of is None or not _same_difference(makers, root_of, centred) or _kind(makers, mean) != "ReduceMean":
        return None
    average = makers[mean]
    if average.input[0] != source:
        return None
    axes = [_axes(draft, reduction) for reduction in (average, variance)]
    rank = len(draft.shape(source))
    if axes[0] is None or axes[0] != axes[1] or axes[0] != list(range(axes[0][0], rank)) or epsilon < 0:
        return None
    return source, axes[0][0], epsilon


def _kind(makers: dict[str, onnx.NodeProto], name: str) -> str:
    return makers[name].op_type if name in makers else ""


def _square_root_of(draft: Draft, makers: dict[str, onnx.NodeProto], name: str) -> str | None:
    """What is squared: x · x or x ^ 2."""
    square = makers.get(name)
    if square is not None and square.op_type == "Mul" and square.input[0] == square.input[1]:
        return str(square.input[0])
    if square is not None and square.op_type == "Pow":
        exponent = draft.constants.get(square.input[1])
        if exponent is not None and (exponent == 2).all():
            return str(square.input[0])
    return None


def _same_difference(makers: dict[str, onnx.NodeProto], one: str, other: str) -> bool:
    """Whether two values are one difference, though it is computed twice."""
    return one == other or (_kind(makers, one) == "Sub" and list(makers[one].input) == list(makers[other].input))


def _axes(draft: Draft, node: onnx.NodeProto) -> list[int] | None:
    """The axes of a ReduceMean that keeps them, sorted."""
    name = operand(node, 1)
    given = draft.constants[name].ravel().tolist() if name in draft.constants else attribute(node, "axes")
    if not given or attribute(node, "keepdims", 1) != 1:
        return None
    rank = len(draft.shape(node.input[0]))
    return sorted(positive(int(axis), rank) for axis in given)


def _scaled(draft: Draft, node: onnx.NodeProto, shape: tuple[int, ...]) -> tuple[onnx.NodeProto, Array, Array]:
    """The last node of the normalization, and the constants by which and to which it multiplies and adds."""
    gain, bias = np.ones(shape), np.zeros(shape)
    for kind in ("Mul", "Add"):
        readers = draft.readers().get(node.output[0], [])
        if len(readers) != 1 or readers[0].op_type != kind:
            continue
        other = next((name for name in readers[0].input if name in draft.constants), "")
        array = draft.constants.get(other)
        if array is None or draft.shape(readers[0].output[0]) != draft.shape(node.output[0]) or not _fits(array, shape):
            break
        full = np.broadcast_to(array.reshape(array.shape[max(0, array.ndim - len(shape)) :]), shape)
        node, gain, bias = readers[0], gain * (full if kind == "Mul" else 1), bias + (full if kind == "Add" else 0)
    return node, gain, bias


def _fits(array: Array, shape: tuple[int, ...]) -> bool:
    """Whether a constant is the same for all that is normalized apart."""
    extra = array.ndim - len(shape)
    if extra > 0 and math.prod(array.shape[:extra]) != 1:
        return False
    own = array.shape[max(0, extra) :]
    return all(a in (1, b) for a, b in zip(own[::-1], shape[::-1], strict=False))
