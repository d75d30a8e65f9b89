# SPDX-License-Identifier: Apache-2.0
"""A function of its own → Lookup8, Table16, Rescale or Slopes, whichever its values need."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Lookup8, Value
from codesign.compiler.lower.constants import clamp
from codesign.compiler.lower.convert import in_type
from codesign.compiler.lower.reach import reach_of
from codesign.compiler.lower.tflite import tflite_layer
from codesign.compiler.lower.unary import rescale_of, slopes_of, unary_of

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.activation import Activation
    from codesign.compiler.operators.prelu import Prelu


def lower_activation(context: Context, op: Activation) -> None:
    """Append the layers of `op`. int8 → int8 is a table of all inputs, T[q + 128] = clamp(rne(f(s_x · (q − zp_x)) / s_y) +
    zp_y); wider values take a table with chords, or a multiplication where the function is made of straight lines.
    """
    source = context.source(op.name, op.source)
    output = context.add_value(op.output, context.known_quant(op.name, op.output))
    exact = tflite_layer(op, source, output) if context.tflite and source.dtype == output.dtype else None
    if exact is not None:
        context.layers.append(exact)
    elif (source.dtype, output.dtype) == ("int8", "int8"):
        context.layers.append(_lookup8(op, source, output))
    elif op.clamp is not None:
        context.layers.append(rescale_of(op.name, source, output, *op.clamp))
    elif (slope := _slope(op)) is not None:
        context.layers.append(slopes_of(op.name, source, output, np.array([1], np.int16), slope))
    else:
        wide_source = in_type(context, f"{op.name}_wide", source, "int16")
        name = output.name if output.dtype == "int16" else context.new_name(f"{op.output}_wide")
        wide = output if output.dtype == "int16" else context.add(Value(name, output.shape, "int16", _wider(output)))
        low, high = reach_of(context.graph, op.source)  # of what the source cannot be, any number serves
        layer = unary_of(op.name, lambda x: _defined(op.name, op.real(np.clip(x, low, high))), wide_source, wide)
        context.layers.append(layer)
        if wide is not output:
            context.layers.append(rescale_of(context.new_layer_name(f"{op.name}_narrow"), wide, output))


def lower_prelu(context: Context, op: Prelu) -> None:
    """Append the layer of a PReLU with a slope a channel."""
    source, shape = context.source(op.name, op.source), context.graph.shapes[op.source]
    output = context.add_value(op.output, context.known_quant(op.name, op.output))
    integers, scale = rounded_slopes(op.factors)
    if context.tflite and op.quant is not None:
        scale = op.quant.scale
        integers = np.rint(op.factors / scale).astype(np.int16)
    axis = next((axis for axis, n in enumerate(op.factors.shape) if n > 1), len(shape) - 1)
    inner = math.prod(shape[axis + 1 :])
    context.layers.append(slopes_of(op.name, source, output, integers.ravel(), scale, inner))


def rounded_slopes(slopes: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int16], float]:
    """Slopes as int16 of their shape, and their scale."""
    scale = float(np.abs(slopes).max(initial=0.0)) / 32767 or 1.0
    return np.rint(slopes / scale).astype(np.int16), scale


def _lookup8(op: Activation, source: Value, output: Value) -> Lookup8:
    reals = op.real(source.scale * (np.arange(-128, 128).astype(np.float64) - source.zero_point))
    y = _defined(op.name, reals).tolist()
    entries = [clamp(clamp(v / output.scale, -1024, 1024) + output.zero_point, output.low, output.high) for v in y]
    return Lookup8(op.name, source.name, output.name, np.array(entries, np.int8))


def _slope(op: Activation) -> float | None:
    """What a function multiplies numbers below zero with, if it leaves those above as they are."""
    if op.kind in ("leakyrelu", "prelu"):
        return op.parameters[0]
    return -1.0 if op.kind == "abs" else None


def _wider(output: Value) -> float:
    """An int16 scale that holds all that the int8 value does."""
    return output.scale * (127 + abs(output.zero_point)) / 32767


def _defined(name: str, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`y` with the next number in place of each NaN: arguments without a value, such as log's of a negative number, come from
    nothing but rounding.
    """
    defined = np.flatnonzero(~np.isnan(y))
    if defined.size == 0:
        raise InputError(f"{name}: the function has no value for any number that its source can be", hint="check the model")
    places = np.arange(y.size)
    after = defined[np.minimum(np.searchsorted(defined, places), defined.size - 1)]
    return np.where(np.isnan(y), y[after], y)
