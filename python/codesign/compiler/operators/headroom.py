# SPDX-License-Identifier: Apache-2.0
"""Scales and biases that the kernels' 32-bit sums hold, whatever the network's weights are: docs/numerics.md has the bounds.

Least squared error alone does not see them: with the scale of a row of tiny weights an ordinary bias takes more than 32 bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.constants import BIAS_STEPS, INT8_MAX, INT16_MAX, sum_bounds
from codesign.compiler.model.graph import Matrix, Quant

Real = npt.NDArray[np.float64]
FLOAT32 = np.finfo(np.float32)
_KEPT_STEPS = 2.0**26
"""Biases of up to so many steps of the result are kept as they are, even where they saturate it."""


def least_row_scale(bias: Real, source_scale: float) -> Real:
    """The smallest weight scale of each row, float64 (rows,), for which its bias is at most BIAS_STEPS steps."""
    return np.asarray(np.minimum(np.abs(bias) / (source_scale * BIAS_STEPS), float(FLOAT32.max)))


def least_output_scale(matrix: Matrix, bias: Real, source: Quant) -> float:
    """The smallest scale of an int8 result with which no row of int8 `matrix` · source + bias leaves the multiplication.

    The calibrated one is below it only where the result hardly moved in comparison with what its weights can bring.
    """
    assert matrix.quantized is not None
    assert matrix.scale is not None
    sums = matrix.quantized.astype(np.int64).sum(axis=1)
    full = 1.0 if source.bits == 8 else INT16_MAX / INT8_MAX
    steps = full * sum_bounds(matrix.quantized) + np.abs(source.zero_point * sums) + 1
    return float((np.abs(bias) + steps * matrix.scale * source.scale).max()) / (BIAS_STEPS / 4)


def products_reach(weights: Real, source: Quant) -> Real:
    """Largest |Σ_j w_rj · x_j| of each row, float64 (rows,), for any integers of the source."""
    full = INT8_MAX if source.bits == 8 else INT16_MAX
    return np.asarray(np.abs(weights).sum(axis=1) * source.scale * (full + abs(source.zero_point)))


def saturating_bias(bias: Real, reach: Real, result: Quant) -> Real:
    """Biases float64 (rows,) without what changes no integer of the result.

    Where a bias is so large that `reach`, the products beside it, cannot bring the sum back into the result's range, any other
    such bias does the same: it is cut to one that fits 32 bits.
    """
    span = result.scale * (INT8_MAX + abs(result.zero_point) if result.bits == 8 else 32768)
    limit = np.maximum(2.0 * (span + reach), _KEPT_STEPS * result.scale)
    return np.clip(bias, -limit, limit)
