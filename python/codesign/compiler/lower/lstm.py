# SPDX-License-Identifier: Apache-2.0
"""LstmCell → Lstm: gates side by side, unit-major, with one pair of multipliers a gate."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Lstm, Value
from codesign.compiler.lower.constants import QUANTIZE_HINT, rne, sum_bounds, weights_of
from codesign.compiler.lower.recurrent import cell_fraction, cell_limit, lstm_of
from codesign.compiler.lower.rows import Rows
from codesign.compiler.model.graph import GATES, Matrix, Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.lstm import LstmCell

DEFAULT_HIDDEN = Quant(2.0**-7, 0, 8)
MULTIPLIER_LIMIT = 2**30
GateScales = tuple[float, ...]


def lstm_quants(context: Context, op: LstmCell) -> dict[str, Quant]:
    """Parameters of the hidden state, int8 or int16, and of the cell state, int16 of a power of two.

    Raises InputError for others.
    """
    hidden = context.quant(op.hidden, op.output) or DEFAULT_HIDDEN
    if hidden.bits == 16 and hidden.zero_point != 0:
        raise InputError(f"{op.name}: hidden state '{op.hidden}' is int16 and its zero point not 0", hint=QUANTIZE_HINT)
    fraction = cell_fraction(op.name, op.cell, context.quant(op.cell, op.cell_output))
    return {op.hidden: hidden, op.cell: Quant(2.0**-fraction, 0, 16)}


def lower_lstm(context: Context, op: LstmCell) -> None:
    """Append the layer of `op`, which changes its two states in place."""
    source, quants = context.source(op.name, op.source), lstm_quants(context, op)
    hidden = context.carried(op, op.hidden, op.output, quants[op.hidden])
    cell = context.carried(op, op.cell, op.cell_output, quants[op.cell])
    fraction = round(-math.log2(cell.scale))
    limit = cell_limit(op.cell_clip, fraction)
    if "int16" not in (source.dtype, hidden.dtype):
        context.layers.append(replace(_layer(op, source, hidden, cell, fraction), cell_limit=limit, unbounded=context.tflite))
        return
    rows = Rows(*weights_of(op.name, "the input weights", op.input_weight, source.dtype))
    recurrent = Rows(*weights_of(op.name, "the recurrent weights", op.recurrent_weight, hidden.dtype))
    layer = lstm_of(op.name, source, hidden, cell.name, fraction, rows, recurrent, op.bias)
    context.layers.append(replace(layer, cell_limit=limit, unbounded=context.tflite))


def _layer(op: LstmCell, source: Value, hidden: Value, cell: Value, cell_fraction: int) -> Lstm:
    input_weights, input_scales = _gates(op.name, "the input weights", op.input_weight)
    recurrent_weights, recurrent_scales = _gates(op.name, "the recurrent weights", op.recurrent_weight)
    bias = np.zeros((op.units, 4), np.int32)
    multipliers: list[tuple[int, int, int]] = []
    for k, gate in enumerate(GATES):
        rows = slice(k * op.units, (k + 1) * op.units)
        scales = source.scale * input_scales[k], hidden.scale * recurrent_scales[k]
        weights = input_weights[rows], recurrent_weights[rows]
        m_x, m_h, shift, bias[:, k] = _gate(f"{op.name}: {gate} gate", op.bias[rows], weights, (source, hidden), scales)
        multipliers.append((m_x, m_h, shift))
    hidden_multiplier, hidden_shift = _hidden_scale(op, hidden.scale)
    inputs, recurrents, shifts = (np.array(column, np.int32) for column in zip(*multipliers, strict=True))
    return Lstm(
        name=op.name,
        source=source.name,
        hidden=hidden.name,
        cell=cell.name,
        input_weights=_unit_major(input_weights),
        recurrent_weights=_unit_major(recurrent_weights),
        bias=bias.reshape(-1),
        input_multiplier=inputs,
        recurrent_multiplier=recurrents,
        gate_shift=shifts,
        cell_fraction=cell_fraction,
        hidden_multiplier=hidden_multiplier,
        hidden_shift=hidden_shift,
        hidden_zero_point=hidden.zero_point,
    )


def _gates(name: str, what: str, matrix: Matrix) -> tuple[npt.NDArray[np.int8], GateScales]:
    """Weights and the one scale of each gate; 0 where all weights are 0 and the scale means nothing."""
    weights, scales = weights_of(name, what, matrix)
    by_gate = scales.reshape(4, -1)
    for gate, of_gate in zip(GATES, by_gate, strict=True):
        if (of_gate != of_gate[0]).any():
            raise InputError(
                f"{name}: {what} have several scales inside the {gate} gate, the LSTM kernel has one a gate",
                hint=QUANTIZE_HINT,
            )
    by_gate = by_gate * np.any(weights.reshape(4, -1) != 0, axis=1, keepdims=True)
    return weights, tuple(float(of_gate[0]) for of_gate in by_gate)


def _gate(
    where: str,
    bias: npt.NDArray[np.float64],
    weights: tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]],
    sources: tuple[Value, Value],
    scales: tuple[float, float],
) -> tuple[int, int, int, list[int]]:
    """(Mx, Mh, shift, biases): the largest shift in 1…16 for which both multipliers stay ≤ 2^30 and every sum below 2^31."""
    unit = -1
    for shift in range(16, 0, -1):
        m_x, m_h = (rne(math.ldexp(scale, 36 + shift)) for scale in scales)
        if max(m_x, m_h) <= MULTIPLIER_LIMIT:
            biases, reach = _gate_bias(bias, weights, sources, (m_x, m_h), shift)
            unit = next((u for u, (b, r) in enumerate(zip(biases, reach, strict=True)) if abs(b) + r >= 2**31), -1)
            if unit < 0:
                return m_x, m_h, shift, biases
    if unit >= 0:
        raise InputError(f"{where}: the pre-activation of unit {unit} could overflow, bias {bias[unit]:g}", hint=QUANTIZE_HINT)
    raise InputError(f"{where}: scales {scales[0]:g} and {scales[1]:g} per weight step exceed 2^-7", hint=QUANTIZE_HINT)


def _gate_bias(
    bias: npt.NDArray[np.float64],
    weights: tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]],
    sources: tuple[Value, Value],
    multipliers: tuple[int, int],
    shift: int,
) -> tuple[list[int], list[int]]:
    """Of one gate's units: biases with zero points and rounding folded in, and what the products reach beside them."""
    folded, reach = [0] * len(bias), [2] * len(bias)
    for matrix, source, multiplier in zip(weights, sources, multipliers, strict=True):
        sums, bounds = matrix.astype(np.int64).sum(axis=1).tolist(), sum_bounds(matrix, -source.low).tolist()
        folded = [f - source.zero_point * s * multiplier for f, s in zip(folded, sums, strict=True)]
        reach = [r + (256 * b * multiplier >> 32) for r, b in zip(reach, bounds, strict=True)]
    biases = [
        rne(math.ldexp(float(b), 12 + shift)) + (1 << (shift - 1)) + ((f + (1 << 23)) >> 24)
        for b, f in zip(bias, folded, strict=True)
    ]
    return biases, reach


def _hidden_scale(op: LstmCell, scale: float) -> tuple[int, int]:
    """(M, s): M = rne(2^(s+1) / s_h) ≤ 2^30 with the largest s in 1…30."""
    for shift in range(30, 0, -1):
        if (multiplier := rne(2.0 ** (shift + 1) / scale)) <= MULTIPLIER_LIMIT:
            if shift == 30:
                break
            return multiplier, shift
    raise InputError(f"{op.name}: scale {scale:g} of hidden state '{op.hidden}' is not in 2^-28…1", hint=QUANTIZE_HINT)


def _unit_major(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Rows from gate after gate to unit after unit."""
    rows, columns = weights.shape
    return np.ascontiguousarray(weights.reshape(4, rows // 4, columns).transpose(1, 0, 2)).reshape(rows, columns)
