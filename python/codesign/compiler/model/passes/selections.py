# SPDX-License-Identifier: Apache-2.0
"""Where that asks which of two values is larger: Max, Min, Relu or PRelu, as it may be written by hand or by an exporter."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Array, Draft, make

_COMPARISONS = {"Greater": True, "GreaterOrEqual": True, "Less": False, "LessOrEqual": False}
"""Whether what is true is the larger one."""
Makers = dict[str, onnx.NodeProto]


def run(draft: Draft) -> bool:
    """Whether a Where was replaced."""
    makers = draft.makers()
    new: dict[int, list[onnx.NodeProto]] = {}
    for node in draft.nodes:
        found = _selection(draft, makers, node) if node.op_type == "Where" else None
        if found is not None:
            new[id(node)] = [found]
    return draft.substitute(new)


def _selection(draft: Draft, makers: Makers, node: onnx.NodeProto) -> onnx.NodeProto | None:
    asked, above, below = node.input
    while asked in makers and makers[asked].op_type == "Not":
        asked, above, below = makers[asked].input[0], below, above
    comparison = makers.get(asked)
    if comparison is None or comparison.op_type not in _COMPARISONS:
        return None
    one, other = comparison.input
    if not _COMPARISONS[comparison.op_type]:
        above, below = below, above
    if one in draft.constants:
        one, other, above, below = other, one, below, above
    if one in draft.constants:
        return None
    # one > other: above, else below
    shape = draft.shape(node.output[0])
    for kind, same, bound in (("Max", above, below), ("Min", below, above)):
        if same == one and _is(draft, bound, other) and shape == draft.shape(one):
            return make(kind, [one, other], list(node.output), node.name)
    slope = _slope(draft, makers, below, one)
    zero = draft.constants.get(other)
    if above == one and slope is not None and zero is not None and not zero.any() and shape == draft.shape(one):
        return make("PRelu", [one, draft.constant(slope, f"{node.output[0]}_slope")], list(node.output), node.name)
    return None


def _is(draft: Draft, name: str, other: str) -> bool:
    """Whether two values are the same, or the same number wherever they are."""
    numbers = [draft.constants.get(n) for n in (name, other)]
    if numbers[0] is None or numbers[1] is None:
        return name == other
    one, two = (array.ravel() for array in numbers if array is not None)
    return bool(one.size and two.size and (one == one[0]).all() and (two == one[0]).all())


def _slope(draft: Draft, makers: Makers, name: str, source: str) -> Array | None:
    """By what a value is `source` times; None where it is something else."""
    if _is_zero(draft, name):
        return np.zeros(1, np.float32)
    node = makers.get(name)
    if node is None:
        return None
    if node.op_type == "Neg" and node.input[0] == source:
        return np.full(1, -1, np.float32)
    if node.op_type == "Mul" and source in node.input:
        factor = draft.constants.get(next((n for n in node.input if n != source), ""))
        fits = factor is not None and draft.shape(name) == draft.shape(source)
        return factor.astype(np.float32) if factor is not None and fits else None
    return None


def _is_zero(draft: Draft, name: str) -> bool:
    return name in draft.constants and not draft.constants[name].any()
