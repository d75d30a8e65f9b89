# SPDX-License-Identifier: Apache-2.0
"""What LSTM cells and skip gates look like among terms."""

from __future__ import annotations

from typing import TypeGuard

from codesign.compiler.model.terms import Binary, Choice, Constant, Function, Input, LstmOperator, Term


def is_gate_state(term: Term) -> TypeGuard[Choice]:
    """The state of a skip gate itself: what a step that updates leaves there is computed, not an LSTM's."""
    return isinstance(term, Choice) and isinstance(term.then, Function)


def unguarded(term: Term) -> Term:
    """What a skip gate lets through."""
    return term.then if isinstance(term, Choice) else term


def is_gate(term: Term) -> bool:
    """A sigmoid."""
    return isinstance(term, Function) and term.kind == "sigmoid"


def looks_hidden(term: Term, *, fed_back: bool, tflite: bool) -> bool:
    """Whether a value looks like an LSTM's new hidden state: σ(…) · tanh(… + …), and a state is fed back from it."""
    if isinstance(term, LstmOperator):
        return not term.is_cell
    if not isinstance(term, Binary) or term.kind != "mul" or tflite:  # TFLite rounds each part of a cell
        return False
    if term.operator is None:
        return True
    return fed_back and any(
        is_gate(gate) and isinstance(other, Function) and other.kind == "tanh" and isinstance(other.source, Binary)
        for gate, other in term.operands()
    )


def is_cell_of(term: Term, hidden: LstmOperator) -> bool:
    """The new cell state of the LSTM operator whose new hidden state is `hidden`."""
    return isinstance(term, LstmOperator) and term.is_cell and term.key == hidden.key


def accumulates(term: Term, state: str, delta: Term) -> bool:
    """min(state + delta, 1)."""
    if not (isinstance(term, Binary) and term.kind == "min"):
        return False
    for total, limit in term.operands():
        if isinstance(limit, Constant) and limit.values.size == 1 and float(limit.values.ravel()[0]) == 1.0:
            return (
                isinstance(total, Binary)
                and total.kind == "add"
                and any(isinstance(a, Input) and a.name == state and b is delta for a, b in total.operands())
            )
    return False
