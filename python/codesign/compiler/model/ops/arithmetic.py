# SPDX-License-Identifier: Apache-2.0
"""Add, Mul and the few comparisons that an LSTM cell and a skip gate are made of."""

from __future__ import annotations

from dataclasses import replace

from codesign.compiler.model.limits import MAX_PARTS
from codesign.compiler.model.ops.step import Step, check_magnitude
from codesign.compiler.model.terms import Affine, AtLeast, Binary, Choice, Constant, Function


def add(step: Step) -> None:
    """Bias, sum of linear forms, or the sum inside an LSTM cell."""
    left, right = step.term(0), step.term(1)
    for linear, other in ((left, right), (right, left)):
        if isinstance(linear, Affine) and isinstance(other, Constant) and other.values.size in (1, linear.size):
            check_magnitude(step, other)
            bias = linear.bias + other.values.ravel()
            step.give(replace(linear, name=step.name(), node=step.display, bias=bias))
            return
    if isinstance(left, Affine) and isinstance(right, Affine) and left.size == right.size:
        if len(left.parts) + len(right.parts) > MAX_PARTS:
            raise step.refuse(f"sums more than {MAX_PARTS} linear layers")
        parts, bias = [*left.parts, *right.parts], left.bias + right.bias
        joined = (*left.joined, *right.joined)
        step.give(Affine(step.name(), left.size, step.display, parts=parts, bias=bias, joined=joined))
        return
    binary(step)


def binary(step: Step) -> None:
    """Mul, Sub, Min and other sums: they stay products of terms until an LSTM cell or skip gate is recognised in them."""
    if len(step.node.input) != 2:
        raise step.refuse(f"has {len(step.node.input)} inputs, two are expected")
    left, right = step.term(0), step.term(1)
    if left.size != right.size:
        raise step.refuse(f"combines vectors of {left.size} and {right.size} elements", hint="both must have the same size")
    if step.node.op_type == "Mul":
        for x, gate in ((left, right), (right, left)):
            if (
                isinstance(gate, Function)
                and gate.kind == "sigmoid"
                and gate.source is x
                and gate.name not in step.build.quants
            ):
                step.give(Function(step.name(), x.extent, step.display, kind="silu", source=x))
                return
    step.give(Binary(step.name(), left.extent, step.display, kind=step.node.op_type.lower(), left=left, right=right))


def greater_or_equal(step: Step) -> None:
    """GreaterOrEqual(state, constant)."""
    source = step.term(0)
    step.give(AtLeast(step.name(), source.size, step.display, source=source, threshold=step.scalar(1, "the threshold")))


def where(step: Step) -> None:
    """Where(condition, then, otherwise)."""
    then, otherwise = step.term(1), step.term(2)
    if then.size != otherwise.size:
        raise step.refuse(f"chooses between vectors of {then.size} and {otherwise.size} elements")
    step.give(Choice(step.name(), then.size, step.display, condition=step.term(0), then=then, otherwise=otherwise))


_GATE = "in a skip gate, see docs/model-file.md"
OPERATORS = {
    "Add": (add, "bias, sum of linear layers, inside an LSTM cell"),
    "GreaterOrEqual": (greater_or_equal, _GATE),
    "Min": (binary, _GATE),
    "Mul": (binary, "inside an LSTM cell; of x and its Sigmoid"),
    "Where": (where, _GATE),
}
