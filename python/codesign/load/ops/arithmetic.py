"""Add, Mul and the few comparisons that an LSTM cell and a skip gate are made of."""

from __future__ import annotations

from codesign.load.ops.step import Step
from codesign.load.terms import Affine, AtLeast, Binary, Choice, Constant


def add(step: Step) -> None:
    """Bias, sum of linear forms, or the sum inside an LSTM cell."""
    left, right = step.term(0), step.term(1)
    for linear, other in ((left, right), (right, left)):
        if isinstance(linear, Affine) and isinstance(other, Constant) and other.values.size in (1, linear.size):
            bias = linear.bias + other.values.ravel()
            step.give(Affine(step.name(), linear.size, step.display, parts=linear.parts, bias=bias))
            return
    if isinstance(left, Affine) and isinstance(right, Affine):
        parts, bias = [*left.parts, *right.parts], left.bias + right.bias
        step.give(Affine(step.name(), left.size, step.display, parts=parts, bias=bias))
        return
    binary(step)


def binary(step: Step) -> None:
    """Mul, Sub, Min and other sums: they stay products of terms until an LSTM cell or skip gate is recognised in them."""
    if len(step.node.input) != 2:
        raise step.refuse(f"has {len(step.node.input)} inputs, two are expected")
    left, right = step.term(0), step.term(1)
    size = max(left.size, right.size)
    step.give(Binary(step.name(), size, step.display, kind=step.node.op_type.lower(), left=left, right=right))


def greater_or_equal(step: Step) -> None:
    """GreaterOrEqual(state, constant)."""
    step.give(AtLeast(step.name(), 1, step.display, source=step.term(0), threshold=step.scalar(1, "the threshold")))


def where(step: Step) -> None:
    """Where(condition, then, otherwise)."""
    then, otherwise = step.term(1), step.term(2)
    step.give(Choice(step.name(), then.size, step.display, condition=step.term(0), then=then, otherwise=otherwise))


_GATE = "in a skip gate, see docs/model-file.md"
OPERATORS = {
    "Add": (add, "bias, sum of linear layers of an LSTM's gates, inside an LSTM cell"),
    "GreaterOrEqual": (greater_or_equal, _GATE),
    "Min": (binary, _GATE),
    "Mul": (binary, "inside an LSTM cell"),
    "Where": (where, _GATE),
}
