# SPDX-License-Identifier: Apache-2.0
"""Functions of one value, element by element → Table16, Lookup8, Rescale, Slopes, TfliteCurve."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Lookup8, Value
from codesign.compiler.layers.rescale import Rescale, Slopes
from codesign.compiler.layers.table16 import Table16, interpolated
from codesign.compiler.layers.tables import Table
from codesign.compiler.layers.tflite_curve import TfliteCurve
from codesign.compiler.lower.constants import LOGIT_SCALE, QUANTIZE_HINT, UNIT_SCALE, quantized_multiplier
from codesign.compiler.lower.rows import limits

Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
_FULL16, _INTERVAL = 32767, 128


def unary_of(name: str, function: Function, source: Value, output: Value) -> Table16 | Lookup8:
    """The layer output = function(source), a NumPy function of float64 arrays, for values of one type.

    int16 takes 513 samples over all that the source's scale can tell, each shifted by half of what the chord after it errs in
    its middle; Table16.error holds the largest error. Raises InputError for types that differ, an int16 zero point, a
    result that is no number, and an int16 function that changes by more than 32767 steps within 128 of its argument's.
    """
    if source.dtype != output.dtype or source.size != output.size:
        raise InputError(f"{name}: a table takes values of one type and size, not {source.dtype} → {output.dtype}")
    if source.dtype == "int8":
        found = _reals(name, function, source, np.arange(-128, 128)) / output.scale + output.zero_point
        return Lookup8(name, source.name, output.name, np.clip(np.rint(found), output.low, output.high).astype(np.int8))
    if source.zero_point or output.zero_point:
        raise InputError(f"{name}: int16 values have zero point 0", hint=QUANTIZE_HINT)
    q = np.arange(-32768, 32769)
    reals = _reals(name, function, source, q) / output.scale
    exact = np.clip(reals, -_FULL16, _FULL16)
    nodes, middles = exact[::_INTERVAL], exact[_INTERVAL // 2 :: _INTERVAL]
    shifted = nodes.copy()
    shifted[:-1] -= ((nodes[:-1] + nodes[1:]) / 2 - middles) / 2
    samples = np.clip(np.rint(shifted), -_FULL16, _FULL16).astype(np.int32)
    samples[-1] = _end(int(samples[-2]), float(reals[-1]))
    if np.abs(np.diff(samples)).max() > _FULL16:
        raise InputError(f"{name}: the function is too steep for a table: calibrate '{source.name}' to a smaller range")
    error = np.abs(interpolated(samples, q[:-1].astype(np.int64)) - exact[:-1])[1:].max()
    return Table16(name, source.name, output.name, samples, math.ceil(error))


def _end(base: int, exact: float) -> int:
    """The last sample, which no input reaches: `exact` unless the chord to it would leave the type at the input before it."""
    last, first = (base + (full - base) * _INTERVAL / (_INTERVAL - 1) for full in (_FULL16, -_FULL16))
    return round(min(max(exact, math.ceil(first)), math.floor(last)))


def rescale_of(name: str, source: Value, output: Value, low: float = -math.inf, high: float = math.inf) -> Rescale:
    """The layer that brings `source` to the type and scale of `output`, clamped to low … high (ReLU: low = 0).

    Raises InputError for sizes that differ and scales so far apart that the result could overflow.
    """
    multiplier, shift = _multiplier(name, source, output, 1.0, 1, in_float32=(low, high) != (-math.inf, math.inf))
    first, last = limits(output, low, high)
    return Rescale(
        name=name,
        source=source.name,
        output=output.name,
        multiplier=multiplier,
        shift=shift,
        zero_point_in=source.zero_point,
        zero_point=output.zero_point,
        low=first,
        high=last,
        wide_in=source.dtype == "int16",
        wide=output.dtype == "int16",
    )


def slopes_of(
    name: str,
    source: Value,
    output: Value,
    slopes: npt.NDArray[np.int16],
    slope_scale: float,
    inner: int = 1,
) -> Slopes:
    """PReLU: below zero the value times slope_scale · slopes[channel], `slopes` (channels,); `source` is row-major
    (…, channels, inner). LeakyReLU is one channel with slopes [1] and its alpha as slope_scale. One slope for all is that of
    one run, whatever `inner` says.

    Raises InputError for sizes that do not fit and scales so far apart that the result could overflow.
    """
    inner = source.size if len(slopes) == 1 else inner
    if source.size % (len(slopes) * inner):
        raise InputError(f"{name}: {len(slopes)} slopes do not divide {source.size} elements")
    plain = rescale_of(name, source, output)
    if output.full:
        multiplier, shift = _multiplier(name, source, output, 1.0, 1, in_float32=True)
        plain = replace(plain, multiplier=multiplier, shift=shift)
    scale, sign = abs(slope_scale), -1 if slope_scale < 0 else 1
    largest = int(np.abs(slopes.astype(np.int64)).max(initial=1))
    multiplier, shift = _multiplier(name, source, output, scale, largest, in_float32=True)
    return Slopes(
        **vars(plain),
        slopes=(sign * slopes).astype(np.int16),
        inner=inner,
        below_multiplier=multiplier,
        below_shift=shift,
    )


def tflite_curve_of(name: str, table: Table, source: Value, output: Value) -> TfliteCurve:
    """TFLite's LOGISTIC or TANH of int16: the output has scale 2^−15 and zero point 0.

    Raises InputError for other types and parameters.
    """
    types = source.dtype, source.zero_point, output.dtype, output.zero_point, output.scale
    if types != ("int16", 0, "int16", 0, UNIT_SCALE) or not source.scale < 2:
        raise InputError(f"{name}: {table} reads int16 with zero point 0 and writes int16 of scale 2^-15")
    if source.scale == LOGIT_SCALE or (source.scale == 2.0**-11 and table == "tanh"):
        return TfliteCurve(name, source.name, output.name, table, 3 if source.scale == LOGIT_SCALE else 6, 0)
    multiplier, shift = source.scale * 4096 * 3, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    return TfliteCurve(name, source.name, output.name, table, int(multiplier), shift)


def _multiplier(
    name: str, source: Value, output: Value, factor: float, largest: int, *, in_float32: bool = False
) -> tuple[int, int]:
    ratio = source.scale * factor / output.scale
    if output.full and in_float32:  # as TFLite's kernels other than QUANTIZE
        ratio = float(np.float32(source.scale) * np.float32(factor) / np.float32(output.scale))
    reach = source.span * largest
    if source.size != output.size:
        raise InputError(f"{name}: {source.size} elements do not become {output.size}")
    if not math.isfinite(ratio) or not reach * ratio < 2**30 or reach >= 2**31:
        raise InputError(f"{name}: scale {output.scale:g} of '{output.name}' is too small", hint=QUANTIZE_HINT)
    return quantized_multiplier(ratio)


def _reals(name: str, function: Function, source: Value, q: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    with np.errstate(all="ignore"):
        found = np.asarray(function(source.scale * (q - source.zero_point).astype(np.float64)), np.float64)
    if np.isnan(found).any():
        at = source.scale * (int(q[int(np.argmax(np.isnan(found)))]) - source.zero_point)
        raise InputError(f"{name}: the function of {at:g} is no number, and '{source.name}' may hold it")
    return found
