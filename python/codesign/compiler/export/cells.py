# SPDX-License-Identifier: Apache-2.0
"""LSTM, GRU and RNN as the operators that they are made of, in int16: products of ±16, gates of Q3.12, Q0.15 after them."""

from __future__ import annotations

import numpy as np

from codesign.compiler.export.elements import curve
from codesign.compiler.export.writer import PRODUCT, UNIT, Handle, Writer
from codesign.compiler.model.graph import Quant
from codesign.compiler.operators import LstmCell
from codesign.compiler.operators.recurrent import Recurrent
from codesign.compiler.operators.scales import LOGIT

_DIFFERENCE = Quant(2.0**-14, 0, 16)


def lstm(w: Writer, op: LstmCell) -> None:
    """An LSTM's cell."""
    source, hidden, cell = (w.values[name] for name in (op.source, op.hidden, op.cell))
    x = w.linear(w.wide(source), op.input_weight, op.bias, PRODUCT)
    h = w.linear(w.wide(hidden), op.recurrent_weight, np.zeros(len(op.bias)), PRODUCT)
    new_hidden, new_cell = _lstm(w, x, h, cell, hidden.quant)
    w.give(op.output, new_hidden)
    w.give(op.cell_output, new_cell)


def recurrent(w: Writer, op: Recurrent) -> None:
    """One step of an LSTM, GRU or RNN, of one or many positions."""
    if op.scan:
        raise w.refuse(op, "over an axis has no form in TFLite: it would be unrolled")
    source, hidden = w.wide(w.values[op.source]), w.values[op.hidden]
    first = w.wide(hidden)
    x = w.linear(source, op.input_weight, op.input_bias, PRODUCT)
    if op.kind == "gru" and not op.reset_after:
        w.give(op.output, _reset_before(w, op, x, first, hidden.quant))
        return
    h = w.linear(first, op.recurrent_weight, op.recurrent_bias, PRODUCT)
    if op.kind == "lstm":
        new_hidden, new_cell = _lstm(w, x, h, w.values[op.cell], hidden.quant)
        w.give(op.output, new_hidden)
        w.give(op.cell_output, new_cell)
    elif op.kind == "rnn":
        total = _sum(w, x, h, LOGIT)
        if op.relu:
            raise w.refuse(op, "with ReLU has no form in TFLite")
        w.give(op.output, w.requantized(curve(w, "tanh", total), hidden.quant))
    else:
        (xu, xr, xn), (hu, hr, hn) = _split(w, x, 3), _split(w, h, 3)
        update, reset = (curve(w, "sigmoid", _sum(w, a, b, LOGIT)) for a, b in ((xu, hu), (xr, hr)))
        candidate = curve(w, "tanh", _sum(w, xn, _product(w, reset, hn, PRODUCT), LOGIT))
        w.give(op.output, _blended(w, update, candidate, first, hidden.quant))


def _lstm(w: Writer, x: Handle, h: Handle, cell: Handle, quant: Quant) -> tuple[Handle, Handle]:
    i, f, u, o = _split(w, _sum(w, x, h, LOGIT), 4)
    kept = _product(w, curve(w, "sigmoid", f), cell, cell.quant)
    added = _product(w, curve(w, "sigmoid", i), curve(w, "tanh", u), cell.quant)
    new_cell = _sum(w, kept, added, cell.quant)
    squashed = curve(w, "tanh", new_cell)
    new_hidden = _product(w, curve(w, "sigmoid", o), squashed, UNIT if quant.bits == 8 else quant)
    return w.requantized(new_hidden, quant), new_cell


def _reset_before(w: Writer, op: Recurrent, x: Handle, hidden: Handle, quant: Quant) -> Handle:
    """A GRU whose candidate multiplies the hidden state that the reset gate has been at."""
    from codesign.compiler.model.terms import rows_of

    n, bias = 2 * op.units, op.recurrent_bias
    gates = w.linear(hidden, rows_of(op.recurrent_weight, slice(0, n)), bias[:n], PRODUCT)
    xu, xr, xn = _split(w, x, 3)
    hu, hr = _split(w, gates, 2)
    update, reset = (curve(w, "sigmoid", _sum(w, a, b, LOGIT)) for a, b in ((xu, hu), (xr, hr)))
    held = _product(w, reset, hidden, hidden.quant)
    left = w.linear(held, rows_of(op.recurrent_weight, slice(n, 3 * op.units)), bias[n:], PRODUCT)
    return _blended(w, update, curve(w, "tanh", _sum(w, xn, left, LOGIT)), hidden, quant)


def _blended(w: Writer, update: Handle, candidate: Handle, hidden: Handle, quant: Quant) -> Handle:
    """Candidate + update · (hidden − candidate)."""
    apart = w.apply("SUB", [hidden, candidate], candidate.shape, _DIFFERENCE, 2, "Sub", potScaleInt16=False)
    moved = _product(w, update, apart, _DIFFERENCE)
    return w.requantized(_sum(w, candidate, moved, UNIT if quant.bits == 8 else quant), quant)


def _sum(w: Writer, left: Handle, right: Handle, quant: Quant) -> Handle:
    return w.apply("ADD", [left, right], left.shape, quant, 2, "Add", potScaleInt16=False)


def _product(w: Writer, left: Handle, right: Handle, quant: Quant) -> Handle:
    return w.apply("MUL", [left, w.reshaped(right, left.shape)], left.shape, quant, 2, "Mul")


def _split(w: Writer, value: Handle, parts: int) -> list[Handle]:
    """Gates side by side along the last axis."""
    shape = (*value.shape[:-1], value.shape[-1] // parts)
    found = [w.new(shape, value.quant) for _ in range(parts)]
    axis = w.ints(len(value.shape))
    w.flat.operator("SPLIT", [axis, value.tensor], [part.tensor for part in found], 2, "Split", numSplits=parts)
    return found
