# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic that layers share, in NumPy, bit for bit what the C kernels compute. docs/numerics.md has the formulas.

Integers of up to 53 bits go through float64 matrix products, which are exact for them and use BLAS.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Matrices = tuple[npt.NDArray[np.float64], ...]
"""Integer weights in float64, as `matvec` takes them."""

HALF = 16384
"""0.5 in Q0.15: a skip gate at or above it updates."""


def matvec(weights: npt.NDArray[np.float64], x: Ints) -> Ints:
    """Exact Σ_j w_rj · x_j of integers: float64 (rows, columns) times int64 (columns, …) → int64 (rows, …)."""
    return (weights @ x.astype(np.float64)).astype(np.int64)


def mbqm(value: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Ints:
    """TFLite's MultiplyByQuantizedMultiplier with single rounding: ⌊value · multiplier · 2^(shift − 31) + 1/2⌋, int64."""
    a, m, s = (np.asarray(x, np.int64) for x in (value, multiplier, shift))
    return cast("Ints", (a * m + (np.int64(1) << (30 - s))) >> (31 - s))


def mbqm_twice(value: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Ints:
    """TFLite's MultiplyByQuantizedMultiplier as its element-wise kernels have it, rounded twice: to value · 2^max(shift, 0) ·
    multiplier / 2^31, halves upwards, then by 2^max(−shift, 0), halves away from zero. int64.
    """
    a, s = np.asarray(value, np.int64), np.asarray(shift, np.int64)
    nearest, right = mbqm(a << np.maximum(s, 0), multiplier, 0), np.maximum(-s, 0)
    rounded = (nearest + (np.int64(1) << np.maximum(right - 1, 0)) - (nearest < 0)) >> right
    return cast("Ints", np.where(right > 0, rounded, nearest))


def saturate16(x: Ints) -> Ints:
    """Clamp int64 of any shape to [−32768, 32767]."""
    return np.clip(x, -32768, 32767)
