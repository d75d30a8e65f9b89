# SPDX-License-Identifier: Apache-2.0
"""Element-wise functions as TFLite's reference kernels compute them: int8 by all 256 results, int16 by their own arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers import Layer, Lookup8, Value
from codesign.compiler.layers.arithmetic import Ints, mbqm_twice
from codesign.compiler.lower.constants import half_away, quantized_multiplier
from codesign.compiler.lower.unary import rescale_of, slopes_of, tflite_curve_of

if TYPE_CHECKING:
    from codesign.compiler.operators.activation import Activation

Floats = npt.NDArray[np.float32]


def tflite_layer(op: Activation, source: Value, output: Value) -> Layer | None:
    """The layer of `op` between values of one type; None for a function that TFLite's kernels do not have for it.

    Raises:
        InputError: scales with which the result could overflow, or that TFLite does not take.
    """
    layer = _straight(op, source, output)
    if source.dtype == "int16":
        return tflite_curve_of(op.name, op.table, source, output) if layer is None and op.table is not None else layer
    q = np.arange(-128, 128, dtype=np.int64)
    if layer is not None:
        values = {source.name: q}
        layer.step(values, ())
        found = values[output.name]
    elif op.kind in _FUNCTIONS:
        x = np.float32(source.scale) * (q - source.zero_point).astype(np.float32)
        y = _FUNCTIONS[op.kind](x) * (np.float32(1) / np.float32(output.scale))
        found = half_away(y) + output.zero_point
    elif op.kind in _INTEGERS:
        found = _INTEGERS[op.kind](q - source.zero_point, source, output)
    elif op.kind == "pow" and op.parameters == (-0.5,):
        found = _reciprocal_root(q - source.zero_point, source, output)
    else:
        return None
    return Lookup8(op.name, source.name, output.name, np.clip(found, output.low, output.high).astype(np.int8))


def _straight(op: Activation, source: Value, output: Value) -> Layer | None:
    """A function of straight lines; both values may have any size, the layer is also used for its 256 results."""
    if op.clamp is not None:
        return rescale_of(op.name, source, output, *op.clamp)
    if op.kind in ("leakyrelu", "prelu"):
        return slopes_of(op.name, source, output, np.array([1], np.int16), float(np.float32(op.parameters[0])))
    return None


def _single(function: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Callable[[Floats], Floats]:
    """A function of the C library: the float32 nearest to its value."""

    def rounded(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return function(x.astype(np.float64)).astype(np.float32)

    return rounded


def _sigmoid(x: Floats) -> Floats:
    one = np.float32(1)
    with np.errstate(over="ignore"):
        return (one / (one + np.exp(-x.astype(np.float64)).astype(np.float32))).astype(np.float32)


def _hard_swish(x: Ints, source: Value, output: Value) -> Ints:
    """TFLite's HARD_SWISH: a factor of 15 bits that saturates at 0 and 1, times x with seven more bits."""
    fine = np.float32(source.scale) * np.float32(1 / 128)
    out_multiplier, out_shift = _short(float(fine / np.float32(output.scale)))
    in_multiplier, in_shift = _short(float(fine / (np.float32(3) / np.float32(32768))))
    high = x << 7
    scaled = _doubling_high(high, out_multiplier)
    factor = high
    if in_shift > 0:
        factor = np.clip(factor << (in_shift - 1), -32768, 32767)
    factor = _doubling_high(factor, in_multiplier)
    if in_shift > 0:
        factor = np.clip(factor << 1, -32768, 32767)
    elif in_shift < 0:
        factor = _halved(factor, -in_shift)
    factor = (factor + (1 << 15)) >> 1
    product = np.clip((factor * scaled) // 2**15 + ((factor * scaled) % 2**15 != 0) * (factor * scaled < 0), -32768, 32767)
    return _halved(product, -out_shift) + output.zero_point


def _short(real: float) -> tuple[int, int]:
    """A multiplier of 15 bits and its shift."""
    multiplier, shift = quantized_multiplier(real)
    return min((multiplier + 2**15) >> 16, 2**15 - 1), shift


def _doubling_high(x: Ints, multiplier: int) -> Ints:
    """Gemmlowp's SaturatingRoundingDoublingHighMul of int16."""
    product = x * multiplier
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return cast("Ints", np.clip(np.sign(nudged) * (np.abs(nudged) >> 15), -32768, 32767))


def _halved(x: Ints, times: int) -> Ints:
    """Gemmlowp's RoundingDivideByPOT: halves away from zero."""
    if times <= 0:
        return x << -times
    return cast("Ints", (x + (1 << (times - 1)) - (x < 0)) >> times)


def _absolute(x: Ints, source: Value, output: Value) -> Ints:
    if source.scale == output.scale:
        return np.abs(x) + output.zero_point
    multiplier, shift = quantized_multiplier(float(np.float32(source.scale) / np.float32(output.scale)))
    return mbqm_twice(np.abs(x), multiplier, shift) + output.zero_point


def _root(x: Ints, source: Value, output: Value) -> Ints:
    """TFLite's SQRT, which rounds down."""
    roots = np.sqrt(np.float32(source.scale) * np.maximum(x, 0).astype(np.float32)) / np.float32(output.scale)
    return cast("Ints", np.floor(roots.astype(np.float64)).astype(np.int64) + output.zero_point)


def _reciprocal_root(x: Ints, source: Value, output: Value) -> Ints:
    """TFLite's RSQRT; 0 gives the largest number, and numbers below it none in TFLite."""
    multiplier, shift = quantized_multiplier(1.0 / float(np.sqrt(np.float32(source.scale)) * np.float32(output.scale)))
    results = [output.high]
    for number in range(1, 257):
        root, left = _inverse_root(number)
        results.append(int(mbqm_twice(mbqm_twice(1, root, left + 20), multiplier, shift - 20)) + output.zero_point)
    return np.array([results[max(number, 0)] for number in x.tolist()], np.int64)


def _inverse_root(number: int) -> tuple[int, int]:
    """A multiplier and a left shift for 1/√number, number < 2^29 (TFLite's GetInvSqrtQuantizedMultiplierExp): five steps of
    Newton's iteration from 1 in Q3.28.
    """
    if number <= 1:
        return 2**31 - 1, 0
    pairs = (31 - number.bit_length()) // 2 - 1
    half = _rounded_half(number << 2 * pairs >> 1)
    root = 1 << 28
    for _ in range(5):
        cubed = _high(_high(root, root), root) << 6
        root = (_high(3 << 27, root) - _high(half, cubed)) << 3
    return _high(root, 1518500250), pairs - 11  # √2 / 2


def _rounded_half(x: int) -> int:
    return (x + 1) >> 1


def _high(a: int, b: int) -> int:
    """Gemmlowp's SaturatingRoundingDoublingHighMul of int32."""
    product = a * b
    return (product + (1 << 30)) >> 31 if product >= 0 else -((-product + (1 << 30) - 1) >> 31)


_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "elu": _single(lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0.0)), x)),
    "exp": _single(np.exp),
    "log": _single(lambda x: np.log(np.maximum(x, 1e-300))),
    "sigmoid": _sigmoid,
    "tanh": _single(np.tanh),
}
_INTEGERS: Mapping[str, Callable[[Ints, Value, Value], Ints]] = {"abs": _absolute, "hardswish": _hard_swish, "sqrt": _root}
