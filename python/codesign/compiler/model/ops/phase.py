# SPDX-License-Identifier: Apache-2.0
"""A phase as exporters write it: two Where around the Atan of a quotient (operators/angle.py)."""

from __future__ import annotations

import math

from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import AtLeast, Binary, Condition, Constant, Function, HalfTurn, Operation, Term
from codesign.compiler.operators import Angle, View

_NEAR = 1e-5


def half_turn(step: Step, asked: Term, above: Term, below: Term) -> bool:
    """Whether the node chooses between a slope plus and less π, by the sign of what the slope is of; its output is given."""
    found, plus, minus = _slope(above, math.pi), _offset(above), _offset(below)
    compared = _compared(asked, ("Greater", "GreaterOrEqual"))
    if found is None or compared is None or plus is None or minus is None or not same(plus[0], minus[0]):
        return False
    if abs(minus[1] + math.pi) > _NEAR or not same(compared, found[0]):
        return False
    step.give(HalfTurn(step.name(), above.extent, step.display, im=found[0], re=found[1], slope=plus[0]))
    return True


def phase(step: Step, asked: Term, behind: Term, slope: Term) -> bool:
    """Whether the node is the outer Where: then its output is given."""
    compared = _compared(asked, ("Less",))
    if not isinstance(behind, HalfTurn) or compared is None:
        return False
    if not same(behind.slope, slope) or not same(compared, behind.re) or behind.im.shape != behind.re.shape:
        return False
    step.operate(Angle("", "", "", ""), behind.im, behind.re)
    return True


def same(one: Term, other: Term) -> bool:
    """Whether two terms are views of one value."""
    return _viewed(one) is _viewed(other)


def _viewed(term: Term) -> Term:
    while isinstance(term, Operation) and term.call is not None and isinstance(term.call.operator, View):
        (term,) = term.call.sources
    return term


def _compared(asked: Term, kinds: tuple[str, ...]) -> Term | None:
    """What a condition compares with 0."""
    if isinstance(asked, AtLeast):
        return asked.source if asked.threshold == 0.0 and "GreaterOrEqual" in kinds else None
    if isinstance(asked, Condition) and asked.kind in kinds:
        value, zero = asked.operands
        return value if isinstance(zero, Constant) and not zero.values.any() else None
    return None


def _slope(term: Term, turn: float) -> tuple[Term, Term] | None:
    """Of Atan(im / re) + turn the two values."""
    offset = _offset(term)
    if offset is None or abs(offset[1] - turn) > _NEAR:
        return None
    slope = offset[0]
    if not isinstance(slope, Function) or slope.kind != "atan" or not isinstance(slope.source, Binary):
        return None
    quotient = slope.source
    if quotient.kind != "mul" or not isinstance(quotient.right, Function) or quotient.right.kind != "reciprocal":
        return None
    return quotient.left, quotient.right.source


def _offset(term: Term) -> tuple[Term, float] | None:
    """A value and the number that is added to it."""
    if not isinstance(term, Binary) or term.kind not in ("add", "sub"):
        return None
    pairs = term.operands() if term.kind == "add" else ((term.right, term.left),)
    for constant, value in pairs:
        if isinstance(constant, Constant) and constant.values.size and not isinstance(value, Constant):
            number = float(constant.values.ravel()[0])
            if (constant.values == number).all():
                return value, number if term.kind == "add" else -number
    return None
