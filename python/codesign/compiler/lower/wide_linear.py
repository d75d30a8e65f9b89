# SPDX-License-Identifier: Apache-2.0
"""Real weights → FullyConnected over positions, for int8 or int16 values."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import FullyConnected, Value
from codesign.compiler.lower.constants import MBQM_LIMIT, QUANTIZE_HINT, SUM_LIMIT
from codesign.compiler.lower.rows import Rows, limits, rescaling


def fully_connected_of(
    name: str,
    source: Value,
    output: Value,
    rows: Rows,
    bias: npt.NDArray[np.float64],
    positions: int = 1,
    low: float = -math.inf,
    high: float = math.inf,
) -> FullyConnected:
    """The layer that computes rows · source + bias (real, (rows,)), clamped to real low … high, at each position: source
    (positions, columns) → output (positions, rows).

    Raises InputError, naming layer and row, for sizes that do not fit and for arithmetic that could overflow.
    """
    count, columns = rows.weights.shape
    if source.size != positions * columns or output.size != positions * count:
        raise InputError(
            f"{name}: {count} × {columns} weights at {positions} positions do not map {source.size} to {output.size}"
        )
    biases, multipliers, shifts = rescaling(name, rows, bias, source, output.scale)
    if source.dtype == "int8":
        reach = np.abs(rows.weights.astype(np.int64)).sum(axis=1) * -source.low
        shifted = (reach + np.abs(biases.astype(np.float64))) * 2.0 ** np.maximum(shifts + 1, 0)
        if (reach >= SUM_LIMIT).any() or (shifted >= MBQM_LIMIT).any():
            row = int(np.argmax(np.maximum(reach / SUM_LIMIT, shifted / MBQM_LIMIT)))
            raise InputError(f"{name}: row {row} could overflow: bias {bias[row]:g}", hint=QUANTIZE_HINT)
    first, last = limits(output, low, high)
    return FullyConnected(
        name=name,
        source=source.name,
        output=output.name,
        weights=rows.weights,
        bias=biases,
        multiplier=multipliers,
        shift=shifts,
        zero_point=output.zero_point,
        low=first,
        high=last,
        positions=positions,
        wide=source.dtype == "int16",
    )
