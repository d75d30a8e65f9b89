# SPDX-License-Identifier: Apache-2.0
"""Layer normalization in pieces, as exporters write it, becomes LayerNormalization.

d = x − mean(x); d / √(mean(d · d) + ε), times a constant before or after the division, plus a constant, in any order of
operands, over any axes: others than the last ones go to the end and come back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand, positive

_FIRST_OPSET = 17
Makers = dict[str, onnx.NodeProto]


@dataclass(frozen=True)
class _Found:
    """A normalization of `source` over `axes`, times `gain`."""

    source: str
    axes: list[int]
    epsilon: float
    gain: Array


def run(draft: Draft) -> bool:
    """Whether a normalization was found."""
    if draft.opset < _FIRST_OPSET:
        return False
    makers = draft.makers()
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        found = _normalized(draft, makers, node)
        if found is None or draft.shape(node.output[0]) != draft.shape(found.source):
            continue
        end, gain, bias = _scaled(draft, node, found)
        new[id(end)] = _nodes(draft, found, end, gain, bias)
    return draft.substitute(new)


def _nodes(draft: Draft, found: _Found, end: onnx.NodeProto, gain: Array, bias: Array) -> list[onnx.NodeProto]:
    """What takes the place of the last node; `gain` and `bias` have the axes that are normalized."""
    rank, result = len(draft.shape(found.source)), str(end.output[0])
    scaling = ((gain, "gain"), (bias, "bias"))
    operands = [draft.constant(np.asarray(a, np.float32), f"{result}_{what}") for a, what in scaling]
    order = [axis for axis in range(rank) if axis not in found.axes] + found.axes
    first = rank - len(found.axes)
    numbers = {"axis": first, "epsilon": found.epsilon}
    if order == list(range(rank)):
        return [make("LayerNormalization", [found.source, *operands], [result], end.name, **numbers)]
    before, after = draft.fresh(f"{result}_ordered"), draft.fresh(f"{result}_normalized")
    return [
        make("Transpose", [found.source], [before], f"{end.name}_ordered", perm=order),
        make("LayerNormalization", [before, *operands], [after], end.name, **numbers),
        make("Transpose", [after], [result], f"{end.name}_back", perm=np.argsort(order).tolist()),
    ]


def _normalized(draft: Draft, makers: Makers, node: onnx.NodeProto) -> _Found | None:
    """The normalization that ends in a node which divides by the deviation."""
    for above, total in _divisions(draft, makers, node):
        centred, gain = _without_gain(draft, makers, above)
        if _kind(makers, centred) != "Sub":
            continue
        sum_ = makers.get(total)
        if sum_ is None or sum_.op_type != "Add":
            continue
        pair = next(((a, b) for a, b in (sum_.input, sum_.input[::-1]) if b in draft.constants), None)
        if pair is None or draft.constants[pair[1]].size != 1 or _kind(makers, pair[0]) != "ReduceMean":
            continue
        variance, epsilon = makers[pair[0]], float(draft.constants[pair[1]].ravel()[0])
        root_of = _square_root_of(draft, makers, variance.input[0])
        source, mean = makers[centred].input
        if root_of is None or not _same_difference(draft, makers, root_of, centred) or epsilon < 0:
            continue
        axes = [_axes(draft, reduction) for reduction in (makers.get(mean), variance)]
        if not axes[0] or axes[0] != axes[1] or makers[mean].input[0] != source:
            continue
        shape = draft.shape(source)
        same = axes[0] + [axis for axis in range(axes[0][0], len(shape)) if shape[axis] == 1 and axis not in axes[0]]
        own = _over(gain, shape, sorted(same))
        if own is not None:
            return _Found(source, sorted(same), epsilon, own)
    return None


def _divisions(draft: Draft, makers: Makers, node: onnx.NodeProto) -> list[tuple[str, str]]:
    """(x, y) where the node is x / √y in one of its forms."""
    if node.op_type == "Div":
        above, below = node.input
        root = _root_of(draft, makers, below, 0.5)
        return [] if root is None else [(above, root)]
    if node.op_type != "Mul":
        return []
    found = []
    for above, factor in (node.input, node.input[::-1]):
        root = _root_of(draft, makers, factor, -0.5)
        maker = makers.get(factor)
        if root is None and maker is not None and maker.op_type == "Reciprocal":
            root = _root_of(draft, makers, maker.input[0], 0.5)
        if root is None and maker is not None and maker.op_type == "Div" and _is_number(draft, maker.input[0], 1.0):
            root = _root_of(draft, makers, maker.input[1], 0.5)
        if root is not None:
            found.append((above, root))
    return found


def _root_of(draft: Draft, makers: Makers, name: str, exponent: float) -> str | None:
    """What a value is the power `exponent`, 0.5 or −0.5, of."""
    maker = makers.get(name)
    if maker is not None and maker.op_type == "Sqrt" and exponent == 0.5:
        return str(maker.input[0])
    if maker is not None and maker.op_type == "Pow" and _is_number(draft, maker.input[1], exponent):
        return str(maker.input[0])
    return None


def _is_number(draft: Draft, name: str, number: float) -> bool:
    array = draft.constants.get(name)
    return array is not None and array.size > 0 and bool((array == number).all())


def _without_gain(draft: Draft, makers: Makers, name: str) -> tuple[str, Array]:
    """A value without a constant factor, and the factor."""
    maker = makers.get(name)
    if maker is not None and maker.op_type == "Mul":
        for value, factor in (maker.input, maker.input[::-1]):
            if factor in draft.constants and value not in draft.constants:
                return str(value), draft.constants[factor]
    return name, np.ones(())


def _kind(makers: Makers, name: str) -> str:
    return makers[name].op_type if name in makers else ""


def _square_root_of(draft: Draft, makers: Makers, name: str) -> str | None:
    """What is squared: x · x or x ^ 2."""
    square = makers.get(name)
    if square is not None and square.op_type == "Mul" and square.input[0] == square.input[1]:
        return str(square.input[0])
    if square is not None and square.op_type == "Pow" and _is_number(draft, square.input[1], 2.0):
        return str(square.input[0])
    return None


def _same_difference(draft: Draft, makers: Makers, one: str, other: str) -> bool:
    """Whether two values are one difference of a value and its mean, though both may be computed twice."""
    if one == other:
        return True
    if _kind(makers, one) != "Sub" or _kind(makers, other) != "Sub" or makers[one].input[0] != makers[other].input[0]:
        return False
    means = [makers.get(makers[name].input[1]) for name in (one, other)]
    if means[0] is means[1]:
        return True
    axes = [_axes(draft, mean) for mean in means]
    return axes[0] is not None and axes[0] == axes[1] and means[0].input[0] == means[1].input[0]  # type: ignore[union-attr]


def _axes(draft: Draft, node: onnx.NodeProto | None) -> list[int] | None:
    """The axes of a ReduceMean that keeps them, sorted; None of anything else."""
    if node is None or node.op_type != "ReduceMean":
        return None
    name = operand(node, 1)
    given = draft.constants[name].ravel().tolist() if name in draft.constants else attribute(node, "axes")
    if not given or attribute(node, "keepdims", 1) != 1:
        return None
    rank = len(draft.shape(node.input[0]))
    return sorted(positive(int(axis), rank) for axis in given)


def _scaled(draft: Draft, node: onnx.NodeProto, found: _Found) -> tuple[onnx.NodeProto, Array, Array]:
    """The last node of the normalization, and the constants by which and to which it multiplies and adds."""
    shape = draft.shape(found.source)
    gain, bias = found.gain, np.zeros(found.gain.shape)
    for kind in ("Mul", "Add"):
        readers = draft.readers().get(node.output[0], [])
        if len(readers) != 1 or readers[0].op_type != kind:
            continue
        other = next((name for name in readers[0].input if name in draft.constants), "")
        array = draft.constants.get(other)
        if array is None or draft.shape(readers[0].output[0]) != draft.shape(node.output[0]):
            break
        full = _over(array, shape, found.axes)
        if full is None:
            break
        node, gain, bias = readers[0], gain * (full if kind == "Mul" else 1), bias + (full if kind == "Add" else 0)
    return node, gain, bias


def _over(array: Array, shape: tuple[int, ...], axes: list[int]) -> Array | None:
    """A constant over the axes alone; None where it is not the same for all that is normalized apart."""
    rank = len(shape)
    if array.ndim > rank and any(n != 1 for n in array.shape[: array.ndim - rank]):
        return None
    own = array.reshape((*(1,) * (rank - array.ndim), *array.shape[max(0, array.ndim - rank) :]))
    if any(n != 1 for axis, n in enumerate(own.shape) if axis not in axes):
        return None
    sizes = tuple(shape[axis] for axis in axes)
    return np.broadcast_to(own.reshape([own.shape[axis] for axis in axes]), sizes)
