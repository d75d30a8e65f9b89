# SPDX-License-Identifier: Apache-2.0
"""Real numbers on the grid of a value's integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from codesign.compiler.operators.operator import Real

if TYPE_CHECKING:
    from codesign.compiler.model.graph import Quant


def rounded(x: Real, quant: Quant | None) -> Real:
    """X on the grid of `quant`, saturated; int8 to −127 … 127, and to −128 where that is the zero point."""
    if quant is None:
        return x
    low, high = (min(-127, quant.zero_point), 127) if quant.bits == 8 else (-32768, 32767)
    q = np.clip(np.rint(x / quant.scale) + quant.zero_point, low, high)
    return np.asarray((q - quant.zero_point) * quant.scale)


def sigmoid(x: Real) -> Real:
    """1 / (1 + e^−x) of any shape, without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))
