# SPDX-License-Identifier: Apache-2.0
"""Multipliers, biases and the bounds that keep integer arithmetic exact. docs/numerics.md holds the formulas."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.model.graph import Matrix

QUANTIZE_HINT = "run `codesign quantize model.onnx --data FOLDER`"
SUM_LIMIT = 2**23
"""Matrix sums stay below this magnitude: kernels deliver 256 times the sum in int32."""
MBQM_LIMIT = 2**30
"""|value| · 2^max(shift + 1, 0) stays below this (runtime/nn/arithmetic.h)."""
BIAS_STEPS = 2**29
"""A row's scale is chosen so that its bias is at most as many steps of input · weight: products and zero points fit beside."""
INT8_MAX = 127
INT16_MAX = 32767
LOGIT_SCALE = 2.0**-12
"""Gate pre-activations and logits: int16 Q3.12."""
UNIT_SCALE = 2.0**-15
"""Sigmoid, tanh, mask and skip gate: int16 Q0.15."""


def rne(x: float) -> int:
    """Nearest integer, ties to even."""
    return round(x)


def clamp(x: float, low: int, high: int) -> int:
    """`x` rounded to the nearest integer (ties to even) within low … high; takes infinities."""
    return rne(min(max(x, low), high))


def half_away(x: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """The nearest integers of numbers of any shape, halves away from zero; ±2^30 for those beyond, which are clamped later."""
    limited = np.clip(x.astype(np.float64), -(2.0**30), 2.0**30)
    nearest: npt.NDArray[np.int64] = (np.sign(limited) * np.floor(np.abs(limited) + 0.5)).astype(np.int64)
    return nearest


def quantized_multiplier(real: float) -> tuple[int, int]:
    """(m, s) with real ≈ m · 2^(s − 31), m in [2^30, 2^31), TFLite's QuantizeMultiplier; (0, 0) for real < 2^−31.

    Raises ValueError unless real is finite and not negative.
    """
    if not (math.isfinite(real) and real >= 0):
        raise ValueError(f"multiplier {real} is not a finite number ≥ 0")
    fraction, shift = math.frexp(real)
    multiplier = rne(math.ldexp(fraction, 31))
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (multiplier, shift) if multiplier > 0 and shift >= -30 else (0, 0)


def weights_of(
    op: str, what: str, matrix: Matrix, source: str = "int8"
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """The int8 weights and row scales of a quantized matrix, checked: (rows, columns) in [−127, 127] and (rows,) > 0.

    Raises InputError for a float matrix, a weight of −128, scales that are not finite and positive, and rows whose sum
    could leave ±2^23, for an int16 `source` ±2^31.
    """
    if matrix.quantized is None or matrix.scale is None:
        raise InputError(f"{op}: {what} is not quantized", hint=QUANTIZE_HINT)
    weights, scale = matrix.quantized, matrix.scale
    if weights.min(initial=0) < -INT8_MAX:
        raise InputError(
            f"{op}: {what} holds −128, integer weights are −127…127",
            hint="quantize symmetrically with narrow range, or start from the float model: " + QUANTIZE_HINT,
        )
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise InputError(f"{op}: {what} has a scale that is not a positive number", hint=QUANTIZE_HINT)
    largest = int(sum_bounds(weights).max(initial=0))
    if largest >= SUM_LIMIT and source == "int8":
        raise InputError(
            f"{op}: {what} can sum to {largest}, the kernels hold sums below 2^23",
            hint="split the layer: 512 columns of full-scale weights fit",
        )
    return weights, scale


def sum_bounds(weights: npt.NDArray[np.int8], reach: int = INT8_MAX) -> npt.NDArray[np.int64]:
    """Largest |Σ_j w_rj · x_j| of each row for x in [−reach, reach], int64 (rows,)."""
    return np.asarray(reach * np.abs(weights.astype(np.int64)).sum(axis=1))
