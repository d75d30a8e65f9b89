# SPDX-License-Identifier: Apache-2.0
"""Sqrt: of the sum of two squares, a magnitude; of all else, a function."""

from __future__ import annotations

from codesign.compiler.model.ops.activation import function
from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import Binary, Constant, Function, Term
from codesign.compiler.operators import Magnitude

_SQUARE = 2.0
_LARGEST_FLOOR = 1e-3


def sqrt(step: Step) -> None:
    """Sqrt."""
    floor, squares = _without_floor(step.term(0))
    parts = [_root(term) for term in (squares.left, squares.right)] if _is_sum(squares) and isinstance(squares, Binary) else []
    found = [part for part in parts if part is not None]
    between = {term.name for term in (step.term(0), squares, *squares.reads)}
    one_shape = len({part.shape for part in found}) == 1
    if len(found) == 2 and one_shape and not between & step.build.quants.keys():
        step.operate(Magnitude("", "", "", "", floor), *found)
        return
    function(step)


def _without_floor(term: Term) -> tuple[float, Term]:
    """A number that is added so that nothing is the root of 0, and what it is added to."""
    if isinstance(term, Binary) and _is_sum(term):
        for constant, other in term.operands():
            if isinstance(constant, Constant) and constant.values.size == 1:
                floor = float(constant.values.ravel()[0])
                return (floor, other) if 0.0 <= floor <= _LARGEST_FLOOR else (0.0, term)
    return 0.0, term


def _is_sum(term: Term) -> bool:
    return isinstance(term, Binary) and term.kind == "add"


def _root(term: Term) -> Term | None:
    """What a term is the square of."""
    if isinstance(term, Function) and term.kind == "pow" and term.parameters == (_SQUARE,):
        return term.source
    if isinstance(term, Binary) and term.kind == "mul" and term.left is term.right and not isinstance(term.left, Constant):
        return term.left
    return None


OPERATORS = {"Sqrt": (sqrt, "table; of the sum of two squares, such as a magnitude of complex numbers, a layer of its own")}
