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
    """Exact Σ_j w_rj · x_j of integers: float64 (rows, columns) times int64 (columns,) → int64 (rows,)."""
    return (weights @ x.astype(np.float64)).astype(np.int64)


def mbqm(value: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Ints:
    """TFLite's MultiplyByQuantizedMultiplier with single rounding: ⌊value · multiplier · 2^(shift − 31) + 1/2⌋, int64."""
    a, m, s = (np.asarray(x, np.int64) for x in (value, multiplier, shift))
    return cast("Ints", (a * m + (np.int64(1) << (30 - s))) >> (31 - s))


def mbqm_twice(value: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Ints:
    """TFLite's MultiplyByQuantizedMultiplier as its convolutions compute it: rounded to 31 bits of the product, then to the
    shift with halves away from zero, int64. |value| · 2^max(shift, 0) < 2^31.
    """
    a, m, s = np.broadcast_arrays(*(np.asarray(x, np.int64) for x in (value, multiplier, shift)))
    high = ((a << np.maximum(s, 0)) * m + (np.int64(1) << 30)) >> 31
    right = np.maximum(-s, 0)
    mask = (np.int64(1) << right) - 1
    return cast("Ints", (high >> right) + ((high & mask) > (mask >> 1) + (high < 0)))


def saturate16(x: Ints) -> Ints:
    """Clamp to [−32768, 32767]."""
    return np.clip(x, -32768, 32767)
