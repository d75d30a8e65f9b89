# SPDX-License-Identifier: Apache-2.0
"""What a GRU written in parts looks like among terms: h' = z·h + (1 − z)·n, however that is arranged.

Both forms of the reset gate (Cho et al., EMNLP 2014, and linear_before_reset of ONNX): n = tanh(W·x + R·(r·h)) and
n = tanh(W·x + r·(R·h + b)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Matrix, State
from codesign.compiler.model.terms import Affine, Binary, Call, Constant, Function, Input, Term, stacked
from codesign.compiler.operators.recurrent import Recurrent

_DEPTH = 3
"""A new state is a sum of a product of a difference from the old one, at most."""


class _Gate(NamedTuple):
    """σ(source), or one minus that."""

    source: Affine
    complement: bool


class _Products(NamedTuple):
    """weight · source + bias + recurrent · hidden + recurrent_bias."""

    source: Term
    weight: Matrix
    recurrent: Matrix
    bias: npt.NDArray[np.float64]
    recurrent_bias: npt.NDArray[np.float64]


class _Candidate(NamedTuple):
    """What is inside the tanh, and the reset gate that is before the recurrent matrix or after it."""

    products: _Products
    reset: Affine
    after: bool


def gru_call(term: Term, states: Iterable[State], outputs: Mapping[str, Term]) -> Call | None:
    """The GRU, over its input and a state, whose new state is `term`; None where that is none."""
    for state in states:
        hidden = _input(term, state.input, _DEPTH) if outputs[state.output] is term else None
        if hidden is None:
            continue
        for update, new in _blends(term, hidden):
            candidate, gate = _candidate(new, hidden), _products(update.source, hidden)
            if candidate is None or gate is None:
                continue
            reset = _products(candidate.reset, hidden)
            if reset is None or any(each.source is not gate.source for each in (reset, candidate.products)):
                continue
            rows = (_negated(gate) if update.complement else gate, reset, candidate.products)
            if len({each.weight.values.shape for each in rows}) == 1:
                operator = Recurrent(
                    *("", "gru", "", "", "", "", ""),
                    stacked([each.weight for each in rows]),
                    stacked([each.recurrent for each in rows]),
                    np.concatenate([each.bias for each in rows]),
                    np.concatenate([each.recurrent_bias for each in rows]),
                    reset_after=candidate.after,
                )
                return Call(operator, [gate.source, hidden], [term])
    return None


def _input(term: Term, name: str, depth: int) -> Input | None:
    """The input of that name, if it is read within so many steps."""
    if isinstance(term, Input):
        return term if term.name == name else None
    return next(filter(None, (_input(read, name, depth - 1) for read in term.reads if depth)), None)


def _blends(term: Term, hidden: Term) -> Iterator[tuple[_Gate, Function]]:
    """The update gate, which keeps the old state, and the candidate of each way to read `term` as a blend of both."""
    if not isinstance(term, Binary) or term.kind not in ("add", "sub"):
        return
    for one, other in term.operands() if term.kind == "add" else ((term.left, term.right),):
        yield from _moved(one, other, hidden, forward=term.kind == "add")
        for keep, old in _factors(one) if term.kind == "add" else ():
            for take, new in _factors(other):
                kept, taken = _gate(keep), _gate(take)
                if old is not hidden or not _is_tanh(new) or kept is None or taken is None:
                    continue
                assert isinstance(new, Function), "a tanh is one"
                if kept.source is taken.source and kept.complement != taken.complement:
                    yield kept, new


def _moved(start: Term, step: Term, hidden: Term, *, forward: bool) -> Iterator[tuple[_Gate, Function]]:
    """From one of both towards the other: start + gate · (one − start), or start − gate · (start − one)."""
    for factor, apart in _factors(step):
        gate = _gate(factor)
        if gate is None or not (isinstance(apart, Binary) and apart.kind == "sub"):
            continue
        to, back = (apart.left, apart.right) if forward else (apart.right, apart.left)
        if back is not start:
            continue
        if start is hidden and isinstance(to, Function) and _is_tanh(to):
            yield _Gate(gate.source, not gate.complement), to
        elif to is hidden and isinstance(start, Function) and _is_tanh(start):
            yield gate, start


def _gate(term: Term) -> _Gate | None:
    """σ(…) or 1 − σ(…) of linear forms."""
    if isinstance(term, Function) and term.kind == "sigmoid" and isinstance(term.source, Affine):
        return _Gate(term.source, complement=False)
    if isinstance(term, Binary) and term.kind == "sub" and isinstance(term.left, Constant) and (term.left.values == 1.0).all():
        gate = _gate(term.right)
        return None if gate is None else _Gate(gate.source, not gate.complement)
    return None


def _candidate(new: Function, hidden: Term) -> _Candidate | None:
    term, extra = new.source, np.zeros(1)
    while isinstance(term, Binary) and term.kind == "add" and isinstance(term.right, Constant):
        extra, term = extra + term.right.values.ravel(), term.left
    if isinstance(term, Affine):
        for held, _ in term.parts:
            products = _products(term, held)
            for factor, value in _factors(held):
                gate = _gate(factor)
                if value is hidden and products is not None and gate is not None and not gate.complement:
                    return _Candidate(products, gate.source, after=False)
    if isinstance(term, Binary) and term.kind == "add":
        for inner, scaled in term.operands():
            for factor, left in _factors(scaled):
                gate = _gate(factor)
                if gate is None or gate.complement or not (isinstance(inner, Affine) and isinstance(left, Affine)):
                    continue
                if len(inner.parts) == len(left.parts) == 1 and left.parts[0][0] is hidden:
                    (source, weight), (_, recurrent) = inner.parts[0], left.parts[0]
                    products = _Products(source, weight, recurrent, inner.bias + extra, left.bias)
                    return _Candidate(products, gate.source, after=True)
    return None


def _products(term: Affine, hidden: Term) -> _Products | None:
    """A sum of one matrix times an input and one times `hidden`."""
    others = [(source, matrix) for source, matrix in term.parts if source is not hidden]
    recurrent = [matrix for source, matrix in term.parts if source is hidden]
    if len(others) != 1 or len(recurrent) != 1:
        return None
    return _Products(*others[0], recurrent[0], term.bias, np.zeros_like(term.bias))


def _negated(products: _Products) -> _Products:
    """Those of one minus the sigmoid: σ(−x) = 1 − σ(x)."""
    source, weight, recurrent, bias, recurrent_bias = products
    return _Products(source, Matrix(-weight.values), Matrix(-recurrent.values), -bias, -recurrent_bias)


def _factors(term: Term) -> tuple[tuple[Term, Term], ...]:
    """Both orders of a product's factors."""
    return term.operands() if isinstance(term, Binary) and term.kind == "mul" else ()


def _is_tanh(term: Term) -> bool:
    return isinstance(term, Function) and term.kind == "tanh"
