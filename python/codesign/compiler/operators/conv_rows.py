# SPDX-License-Identifier: Apache-2.0
"""int8 weights of a convolution with a scale for each output channel."""

from __future__ import annotations

import numpy as np

from codesign.compiler.lower.constants import BIAS_STEPS
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.headroom import FLOAT32, saturating_bias
from codesign.compiler.operators.operator import Real
from codesign.compiler.operators.scales import int8_matrix, weight_scale

_SUMS = 2.0**30
"""Sums stay below this: half of what int32 holds, for the rounding of weights and bias."""
_LARGEST_FACTOR = 2.0**24


def conv_rows(
    weight: Matrix, bias: Real, source: Quant, result: Quant, slope: float = 1.0, moment: Real | None = None
) -> tuple[Matrix, Real, float]:
    """(weights in int8, the bias that fits beside them, the smallest scale of the result) of a convolution.

    Scales are of least squared error, but none is smaller than 32-bit sums hold for any integers of `source`. Sums are
    multiplied by `slope` at most before they are in steps of the result; `moment` as for `rounded_weights`.
    """
    rows = weight.values.astype(np.float64)
    steps = 32767 if source.bits == 16 else 128 + abs(source.zero_point)
    reach = np.abs(rows).sum(axis=1) * steps
    bias = saturating_bias(bias, reach * source.scale, result)
    least = np.maximum((np.abs(bias) / source.scale + reach) / _SUMS, np.abs(bias) / (source.scale * BIAS_STEPS))
    found = np.array([weight_scale(row) for row in rows])
    dead = ~np.rint(rows / found[:, None]).any(axis=1) & (least >= FLOAT32.tiny)
    scale = np.where(dead, least, np.maximum(found, least)).astype(np.float32).astype(np.float64)
    smallest = float(scale.max()) * source.scale * max(1.0, abs(slope)) / _LARGEST_FACTOR
    return int8_matrix(rows, scale, moment), bias, float(np.float32(smallest))
