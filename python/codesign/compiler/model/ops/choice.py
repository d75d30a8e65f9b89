# SPDX-License-Identifier: Apache-2.0
"""Comparisons, and Where: a function of one number that is written in pieces, or a skip gate."""

from __future__ import annotations

import math
from collections.abc import Iterator

from codesign.compiler.model.hints import TABLE_HINT
from codesign.compiler.model.ops.phase import half_turn, phase
from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import AtLeast, Binary, Choice, Condition, Constant, Function, Term
from codesign.compiler.operators.curve import Expression
from codesign.compiler.operators.functions import JUMPS

_MOST_NODES = 64
"""Of the expression of a curve."""
_OPERATORS = {"add": "Add", "max": "Max", "min": "Min", "mul": "Mul", "sub": "Sub"}
_TRANSPARENT = (AtLeast, Binary, Condition, Function)
_X = Expression("x")


def condition(step: Step) -> None:
    """Greater, Less and the like, And, Or, Not; GreaterOrEqual(state, constant) is what a skip gate asks."""
    operands = tuple(step.term(index) for index in range(len(step.node.input)))
    if step.node.op_type == "GreaterOrEqual" and isinstance(operands[1], Constant) and operands[1].size == 1:
        source, threshold = operands[0], step.scalar(1, "the threshold")
        step.give(AtLeast(step.name(), source.extent, step.display, source=source, threshold=threshold))
        return
    extent = max(operands, key=lambda term: term.size).extent
    step.give(Condition(step.name(), extent, step.display, kind=step.node.op_type, operands=operands))


def where(step: Step) -> None:
    """Where(condition, then, otherwise)."""
    asked, then, otherwise = (step.term(index) for index in range(3))
    if half_turn(step, asked, then, otherwise) or phase(step, asked, then, otherwise):
        return
    for source in _sources(asked):
        curve = _joined(step, "Where", (asked, then, otherwise), source)
        if curve is not None and source.size == math.prod(step.output_shape()):
            step.give(Function(step.name(), source.extent, step.display, kind="curve", source=source, curve=curve))
            return
    if not isinstance(asked, AtLeast) or asked.source.size != 1:
        raise step.refuse(
            "chooses between values by a computed condition",
            hint=f"write it as Max, Min, Clip or PRelu, or so that one number and constants decide it; {TABLE_HINT}",
        )
    if then.size != otherwise.size:
        raise step.refuse(f"chooses between vectors of {then.size} and {otherwise.size} elements")
    step.give(Choice(step.name(), then.size, step.display, condition=asked, then=then, otherwise=otherwise))


def _sources(term: Term) -> Iterator[Term]:
    """What a condition may be a function of: what it compares, and what that is made of by functions."""
    waiting, count = [term], 0
    while waiting and count < _MOST_NODES:
        term, count = waiting.pop(0), count + 1
        if not isinstance(term, AtLeast | Condition | Constant):
            yield term
        if isinstance(term, _TRANSPARENT):
            waiting += term.reads


def rejoined(step: Step, *operands: Term) -> bool:
    """Whether a jump, such as Sign, and what else is made of the same number became one function, which may have no jump."""
    jumps = [term for term in operands if isinstance(term, Function) and term.kind in JUMPS]
    for source in (jump.source for jump in jumps):
        curve = _joined(step, step.node.op_type, operands, source)
        if curve is not None:
            step.give(Function(step.name(), source.extent, step.display, kind="curve", source=source, curve=curve))
            return True
    return False


def _joined(step: Step, kind: str, terms: tuple[Term, ...], source: Term) -> Expression | None:
    """The operator `kind` of terms as an expression of `source`; None where something else goes into it."""
    done: dict[int, Expression | None] = {id(source): _X}
    operands = tuple(_expression(step, term, done, 0) for term in terms)
    found = tuple(operand for operand in operands if operand is not None)
    return Expression(kind, found) if len(found) == len(terms) else None


def _expression(step: Step, term: Term, done: dict[int, Expression | None], depth: int) -> Expression | None:
    """A term as an expression; `done` has what is known of terms, the argument first."""
    if id(term) in done:
        return done[id(term)]
    curve = None
    if isinstance(term, Constant):
        values = term.values.ravel()
        if values.size and (values == values[0]).all():
            curve = Expression("number", parameters=(float(values[0]),))
    elif isinstance(term, _TRANSPARENT) and max(depth, len(done)) < _MOST_NODES and term.name not in step.build.quants:
        operands = tuple(_expression(step, operand, done, depth + 1) for operand in term.reads)
        found = tuple(operand for operand in operands if operand is not None)
        curve = _node(term, found) if len(found) == len(operands) else None
    done[id(term)] = curve
    return curve


def _node(term: Term, operands: tuple[Expression, ...]) -> Expression | None:
    match term:
        case Function(curve=Expression() as curve):
            return curve.after(operands[0])
        case Function():
            parameters = (term.low, term.high) if term.kind == "clip" else term.parameters
            return Expression(term.kind, operands, parameters)
        case Binary() if term.kind in _OPERATORS:
            return Expression(_OPERATORS[term.kind], operands)
        case Condition():
            return Expression(term.kind, operands)
        case AtLeast():
            return Expression("GreaterOrEqual", (*operands, Expression("number", parameters=(term.threshold,))))
    return None


_NOTE = "in the condition of a Where"
OPERATORS = {
    **dict.fromkeys(("And", "Equal", "Greater", "Less", "LessOrEqual", "Not", "Or"), (condition, _NOTE)),
    "GreaterOrEqual": (condition, f"{_NOTE}; in a skip gate, see docs/model-file.md"),
    "Where": (
        where,
        "a function of one number by constants: a table; a phase (Atan) in float32; in a skip gate, see docs/model-file.md",
    ),
}
