# SPDX-License-Identifier: Apache-2.0
"""Real or int8 weights → Lstm and Rnn, for int8 or int16 values, over positions or as a scan."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Lstm, Value
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.layers.recurrent import Recurrent as RecurrentLayer
from codesign.compiler.layers.recurrent import Scan
from codesign.compiler.layers.rnn import Rnn
from codesign.compiler.lower.arrangement import quant_of, rearrange
from codesign.compiler.lower.constants import QUANTIZE_HINT, quantized_multiplier, weights_of
from codesign.compiler.lower.convert import in_type
from codesign.compiler.lower.gates import check_shapes, gate_numbers, hidden_scale, interleaved, products_of
from codesign.compiler.lower.gru import gru_of
from codesign.compiler.lower.rows import Rows
from codesign.compiler.model.graph import Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.recurrent import Recurrent

CELL_FRACTION = 11
"""Bits of the fraction of a cell state that lives inside of a step alone: up to ±16."""
MULTIPLIER_STEP = 2.0**-15
"""The largest pre-activation of a step of source times weight: multipliers stay below 2^30 with a shift of 1."""
MOST_COPIES = 32
_GATES = ("input", "forget", "cell", "output")


def lower_recurrent(context: Context, op: Recurrent) -> None:
    """Append the layer of `op`, which changes its states in place or writes the run over its positions."""
    source = context.source(op.name, op.source)
    if op.scan:
        hidden = context.add_value(op.output, context.known_quant(op.name, op.output))
    else:
        hidden = context.carried(op, op.hidden, op.output, context.known_quant(op.name, op.hidden, op.output))
    if op.kind == "lstm" and source.dtype == "int16" and hidden.dtype == "int8":
        source = in_type(context, f"{op.name}_narrow", source, "int8")
    rows = Rows(*weights_of(op.name, "the input weights", op.input_weight, source.dtype))
    recurrent = Rows(*weights_of(op.name, "the recurrent weights", op.recurrent_weight, hidden.dtype))
    layer: RecurrentLayer
    if op.kind == "gru":
        biases = op.input_bias, op.recurrent_bias
        source, rows = _spread(context, op, source, rows)
        layer = gru_of(
            op.name, source, hidden, rows, recurrent, *biases, reset_after=op.reset_after, positions=op.positions, scan=op.scan
        )
    elif op.kind == "rnn":
        bias = op.input_bias + op.recurrent_bias
        layer = rnn_of(op.name, source, hidden, rows, recurrent, bias, relu=op.relu, positions=op.positions, scan=op.scan)
    else:
        cell, fraction = "", CELL_FRACTION
        if not op.scan:
            quant = context.known_quant(op.name, op.cell, op.cell_output)
            fraction = cell_fraction(op.name, op.cell, quant)
            cell = context.carried(op, op.cell, op.cell_output, quant).name
        elif op.stateful:
            fraction = cell_fraction(op.name, op.cell, context.known_quant(op.name, op.cell, op.cell_output))
        layer = lstm_of(
            op.name,
            source,
            hidden,
            cell,
            fraction,
            rows,
            recurrent,
            op.input_bias + op.recurrent_bias,
            positions=op.positions,
            scan=op.scan,
        )
        layer = replace(layer, cell_limit=cell_limit(op.cell_clip, fraction), unbounded=context.tflite)
    context.layers.append(_kept(context, op, layer, hidden) if op.scan and op.stateful else layer)


def _kept(context: Context, op: Recurrent, layer: RecurrentLayer, hidden: Value) -> RecurrentLayer:
    """A run over positions that starts from its states and changes them in place."""
    names = []
    for state, after in op.carried.items():
        quant = context.known_quant(op.name, state, after)
        value = context.carried(op, state, after, quant)
        if state == op.hidden and quant_of(value) != quant_of(hidden):
            raise InputError(f"{op.name}: '{state}' and '{op.output}' are quantized differently", hint=QUANTIZE_HINT)
        names.append(value.name)
    return replace(layer, kept=tuple(names))


def _spread(context: Context, op: Recurrent, source: Value, rows: Rows) -> tuple[Value, Rows]:
    """A source and weights whose steps the kernel's multiplier holds: several copies, each with its share of the weights."""
    used = np.any(rows.weights != 0, axis=1)
    largest = float(rows.scales[used].max(initial=0.0)) * source.scale
    copies = math.ceil(largest / MULTIPLIER_STEP)
    if source.dtype != "int16" or op.positions > 1 or not 1 < copies <= MOST_COPIES:
        return source, rows
    name = context.new_name(f"{source.name}_copies")
    value = context.add(Value(name, (copies, source.size), "int16", source.scale))
    whole = Arrangement.of(source.name, (1, source.size)).gather(0, np.zeros(copies, np.int64))
    assert whole is not None, "copies are regular"
    context.layers.append(rearrange(context.new_layer_name(f"{op.name}_copies"), whole, context.values, value))
    return value, Rows(np.tile(rows.weights, (1, copies)), rows.scales / copies)


def cell_limit(clip: float, fraction: int) -> int:
    """What a clipped cell state of `fraction` bits reaches; 0 where that is all that it can."""
    return int(clip * 2**fraction) if clip * 2**fraction < 32767 else 0


def cell_fraction(name: str, cell: str, quant: Quant | None) -> int:
    """Fraction bits of a cell state. Raises InputError unless its scale is a power of two that the kernel knows."""
    if quant is None:
        return CELL_FRACTION
    mantissa, exponent = math.frexp(quant.scale)
    fraction = 1 - exponent
    if quant.bits != 16 or quant.zero_point != 0 or mantissa != 0.5 or not 8 <= fraction <= 15:
        raise InputError(
            f"{name}: cell state '{cell}' must be int16 with zero point 0 and scale 2^-8…2^-15",
            hint=QUANTIZE_HINT,
        )
    return fraction


def lstm_of(
    name: str,
    source: Value,
    hidden: Value,
    cell: str,
    cell_fraction: int,
    input_rows: Rows,
    recurrent_rows: Rows,
    bias: npt.NDArray[np.float64],
    *,
    positions: int = 1,
    scan: Scan = "",
) -> Lstm:
    """An LSTM of input_rows (4·units, inputs), recurrent_rows (4·units, units) and bias (4·units,), gates in the order input,
    forget, cell, output, one scale a gate (`Rows.of(real, groups=4)`). `hidden` is the state [positions, units] and `cell` the
    name of the cell state, int16 of scale 2^−cell_fraction; with `scan` hidden is the output and cell counts for nothing.

    Raises InputError, naming layer and gate, for sizes and types that do not fit and arithmetic that could overflow.
    """
    check_shapes(name, source, hidden, input_rows, recurrent_rows, 4, positions)
    if not 8 <= cell_fraction <= 15 or (source.dtype == "int16" and hidden.dtype == "int8"):
        raise InputError(f"{name}: an LSTM needs 8…15 bits of cell fraction, and for int16 input an int16 hidden state")
    x = products_of(f"{name}: input weights", input_rows, source, bias, 4)
    h = products_of(f"{name}: recurrent weights", recurrent_rows, hidden, np.zeros(len(bias)), 4)
    found = [gate_numbers(f"{name}: {gate} gate", pair) for gate, pair in zip(_GATES, zip(x, h, strict=True), strict=True)]
    multiplier, shift = hidden_scale(name, hidden, 29)
    return Lstm(
        name=name,
        source=source.name,
        hidden=hidden.name,
        cell="" if scan else cell,
        input_weights=interleaved([term.weights for term in x]),
        recurrent_weights=interleaved([term.weights for term in h]),
        bias=np.stack([gate.biases[0] for gate in found], axis=1).reshape(-1),
        input_multiplier=np.array([gate.multipliers[0] for gate in found], np.int32),
        recurrent_multiplier=np.array([gate.multipliers[1] for gate in found], np.int32),
        gate_shift=np.array([gate.shift for gate in found], np.int32),
        cell_fraction=cell_fraction,
        hidden_multiplier=multiplier,
        hidden_shift=shift,
        hidden_zero_point=hidden.zero_point,
        wide_input=source.dtype == "int16",
        wide=hidden.dtype == "int16",
        positions=positions,
        scan=scan,
    )


def rnn_of(
    name: str,
    source: Value,
    hidden: Value,
    input_rows: Rows,
    recurrent_rows: Rows,
    bias: npt.NDArray[np.float64],
    *,
    relu: bool = False,
    positions: int = 1,
    scan: Scan = "",
) -> Rnn:
    """A simple RNN of input_rows (units, inputs) and recurrent_rows (units, units), one scale each (`Rows.of(real, groups=1)`).

    Raises InputError, naming the layer, for sizes that do not fit and arithmetic that could overflow.
    """
    check_shapes(name, source, hidden, input_rows, recurrent_rows, 1, positions)
    x = products_of(f"{name}: input weights", input_rows, source, bias, 1)
    h = products_of(f"{name}: recurrent weights", recurrent_rows, hidden, np.zeros(len(bias)), 1)
    found = gate_numbers(name, (x[0], h[0]))
    biases = found.biases[0]
    if relu:
        biases = (biases - (1 << (found.shift - 1))).astype(np.int32)  # the sum is rounded once, by MBQM
        multiplier, shift = quantized_multiplier(2.0 ** -(12 + found.shift) / hidden.scale)
        if shift > 1:
            raise InputError(f"{name}: scale {hidden.scale:g} of '{hidden.name}' is too small", hint=QUANTIZE_HINT)
    else:
        multiplier, shift = hidden_scale(name, hidden, 29)
    return Rnn(
        name=name,
        source=source.name,
        hidden=hidden.name,
        input_weights=np.ascontiguousarray(x[0].weights),
        recurrent_weights=np.ascontiguousarray(h[0].weights),
        bias=biases,
        input_multiplier=found.multipliers[0],
        recurrent_multiplier=found.multipliers[1],
        gate_shift=found.shift,
        hidden_multiplier=multiplier,
        hidden_shift=shift,
        hidden_zero_point=hidden.zero_point,
        relu=relu,
        wide_input=source.dtype == "int16",
        wide=hidden.dtype == "int16",
        positions=positions,
        scan=scan,
    )
