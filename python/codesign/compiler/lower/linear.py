# SPDX-License-Identifier: Apache-2.0
"""Linear, alone or with the activation after it → FullyConnected (+ Lookup16 (+ Requantize))."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import FullyConnected, Lookup16, Requantize, Value
from codesign.compiler.layers.tables import Table
from codesign.compiler.lower.constants import (
    LOGIT_SCALE,
    MBQM_LIMIT,
    QUANTIZE_HINT,
    UNIT_SCALE,
    clamp,
    quantized_multiplier,
    rne,
    sum_bounds,
    weights_of,
)
from codesign.compiler.lower.rows import Rows
from codesign.compiler.lower.wide_linear import fully_connected_of
from codesign.compiler.model.graph import Matrix, Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.linear import Linear
    from codesign.compiler.operators.operator import Operator

INT16 = (-32768, 32767)
INT8 = (-127, 127)
UNCLAMPED = (-math.inf, math.inf)


def lower_linear(context: Context, op: Linear) -> None:
    """Append the layers of `op`. Which ones depends on what the file quantizes, see docs/numerics.md."""
    between, follower = context.quant(op.output), context.graph.follower(op.output)
    # Each operator of TFLite rounds for itself.
    apart = between is not None and (context.tflite or between != Quant(LOGIT_SCALE, 0, 16))
    if follower is None or apart:
        _append(context, op, op.output, _output_quant(context, op.name, op.output))
    elif follower.clamp is not None and between is None:
        context.done.add(follower.name)
        (output,) = follower.outputs
        quant = _output_quant(context, follower.name, output)
        _append(context, op, output, quant, follower.clamp)
    elif follower.table is not None and not context.tflite:
        context.done.add(follower.name)
        logit = _append(context, op, op.output, Quant(LOGIT_SCALE, 0, 16))
        _append_lookup16(context, follower, follower.table, logit)
    else:
        _append(context, op, op.output, _output_quant(context, op.name, op.output))


def fully_connected(
    name: str,
    source: Value,
    output: str,
    matrix: Matrix,
    bias: npt.NDArray[np.float64],
    quant: Quant,
    clamp_to: tuple[float, float] = UNCLAMPED,
) -> FullyConnected:
    """The integer layer that computes matrix · source + bias (real, (rows,)) in units of `quant`, clamped to real bounds.

    Raises InputError, naming layer and row, when the arithmetic could overflow.
    """
    weights, scales = weights_of(name, "the weight matrix", matrix)
    low, high = _integer_bounds(clamp_to, quant)
    sums, bounds = weights.astype(np.int64).sum(axis=1), sum_bounds(weights, -source.low)
    rows = [
        _row(name, r, float(bias[r]), source, quant.scale, float(scales[r]), int(sums[r]), int(bounds[r]))
        for r in range(len(weights))
    ]
    biases, multipliers, shifts = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    return FullyConnected(
        name=name,
        source=source.name,
        output=output,
        weights=weights,
        bias=biases,
        multiplier=multipliers,
        shift=shifts,
        zero_point=quant.zero_point,
        low=low,
        high=high,
    )


def _integer_bounds(clamp_to: tuple[float, float], quant: Quant) -> tuple[int, int]:
    """The bounds of a ReLU or Clip, infinite ones too, as integers of `quant` inside its type."""
    limits = INT16 if quant.bits == 16 else (min(INT8[0], quant.zero_point), INT8[1])
    low, high = (clamp(bound / quant.scale + quant.zero_point, *limits) for bound in clamp_to)
    return low, high


def _row(
    name: str, row: int, bias: float, source: Value, out_scale: float, scale: float, weight_sum: int, sum_bound: int
) -> tuple[int, int, int]:
    """(bias, multiplier, shift) of one row."""
    for row_scale in (scale, out_scale / source.scale) if sum_bound == 0 else (scale,):
        # The scale of a row of zeros has no meaning: where it is unusable, the output's resolution serves.
        unit = source.scale * row_scale
        if unit == 0 or not math.isfinite(real := unit / out_scale):
            continue
        exact = bias / unit
        multiplier, shift = quantized_multiplier(real)
        reach = abs(exact) + 1 + abs(source.zero_point * weight_sum) + sum_bound
        if reach * 2.0 ** max(shift + 1, 0) < MBQM_LIMIT:
            return rne(exact) - source.zero_point * weight_sum, multiplier, shift
    raise InputError(
        f"{name}: row {row} could overflow: bias {bias:g} against scales {source.scale:g} · {scale:g} → {out_scale:g}",
        hint="quantize the row with a larger scale: " + QUANTIZE_HINT,
    )


def _output_quant(context: Context, op: str, name: str) -> Quant:
    """What the file says of `name`; the mask may go without and is Q0.15 then."""
    if context.quant(name) is None and name == context.graph.output:
        return Quant(UNIT_SCALE, 0, 16)
    return context.known_quant(op, name)


def _append(context: Context, op: Linear, output: str, quant: Quant, clamp_to: tuple[float, float] = UNCLAMPED) -> Value:
    source, value = context.source(op.name, op.source), context.add_value(output, quant)
    context.layers.append(linear_layer(op.name, source, value, op.weight, op.bias, clamp_to))
    return value


def linear_layer(
    name: str,
    source: Value,
    output: Value,
    matrix: Matrix,
    bias: npt.NDArray[np.float64],
    clamp_to: tuple[float, float] = UNCLAMPED,
) -> FullyConnected:
    """The layer that computes matrix · source + bias (real, (rows,)) at each position of the source, clamped to real bounds.

    Raises InputError as `fully_connected`.
    """
    positions = source.size // matrix.values.shape[1]
    if source.dtype == "int8" and positions == 1 and not output.full:
        quant = Quant(output.scale, output.zero_point, 8 if output.dtype == "int8" else 16)
        return fully_connected(name, source, output.name, matrix, bias, quant, clamp_to)
    rows = Rows(*weights_of(name, "the weight matrix", matrix, source.dtype))
    return fully_connected_of(name, source, output, rows, bias, positions, *clamp_to)


def _append_lookup16(context: Context, op: Operator, table: Table, logit: Value) -> None:
    (output,) = op.outputs
    quant = context.quant(output)
    narrow = quant is not None and quant.bits == 8
    if quant is not None and not narrow and (quant.scale, quant.zero_point) != (UNIT_SCALE, 0):
        raise InputError(f"{op.name}: int16 value '{output}' must have scale 2^-15 and zero point 0")
    wide = context.new_name(f"{output}_q15") if narrow else output
    context.add(Value(wide, logit.shape, "int16", UNIT_SCALE))
    context.layers.append(Lookup16(op.name, logit.name, wide, table))
    if quant is not None and narrow:
        multiplier, shift = quantized_multiplier(UNIT_SCALE / quant.scale)
        if shift > 14:
            raise InputError(f"{op.name}: scale {quant.scale:g} of '{output}' is too small for {table}")
        context.add_value(output, quant)
        name = context.new_layer_name(f"{op.name}_requantize")
        context.layers.append(Requantize(name, wide, output, multiplier, shift, quant.zero_point))
