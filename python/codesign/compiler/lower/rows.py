# SPDX-License-Identifier: Apache-2.0
"""Real weights as int8 rows with a scale each, and what a row's sum becomes: the numbers that layers with matrices share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.constants import INT8_MAX, QUANTIZE_HINT, quantized_multiplier, rne

FULL = {"int8": 127, "int16": 32767}
"""Largest magnitude of an integer of each type."""


@dataclass(frozen=True)
class Rows:
    """int8 weights (rows, columns) in [−127, 127]; real weight = scales[row] · q, float64 (rows,)."""

    weights: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float64]

    @classmethod
    def of(cls, real: npt.NDArray[np.float64], groups: int = 0) -> Rows:
        """Of real weights (rows, columns): one scale a row or, with `groups`, one for each of as many runs of rows.

        Raises InputError for weights that are not finite.
        """
        if not np.isfinite(real).all():
            raise InputError("weights must be finite numbers")
        largest = np.abs(real).max(axis=1, initial=0.0)
        if groups:
            largest = np.repeat(largest.reshape(groups, -1).max(axis=1), len(real) // groups)
        scales = np.where(largest > 0, largest, 1.0) / INT8_MAX
        return cls(np.rint(real / scales[:, None]).astype(np.int8), scales)


def rescaling(
    name: str, rows: Rows, bias: npt.NDArray[np.float64], source: Value, out_scale: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(bias, multiplier, shift), int32 (rows,) each, of rows that multiply `source` and whose results have `out_scale`.

    Raises InputError, naming layer and row, for a sum that could leave 32 bits on its way.
    """
    weights = rows.weights.astype(np.int64)
    sums, magnitudes = weights.sum(axis=1), np.abs(weights).sum(axis=1)
    found: list[tuple[int, int, int]] = []
    for row, (scale, real_bias) in enumerate(zip(rows.scales.tolist(), bias.tolist(), strict=True)):
        unit = source.scale * scale if magnitudes[row] else out_scale  # a row of zeros has no scale of its own
        exact = real_bias / (bias_unit(source, scale) if magnitudes[row] else unit)
        try:
            multiplier, shift = quantized_multiplier(unit / out_scale)
        except ValueError:
            raise InputError(f"{name}: row {row}: scales {source.scale:g} · {scale:g} → {out_scale:g} cannot be used") from None
        folded = source.zero_point * int(sums[row])
        reach = abs(exact) + 1 + abs(folded) + int(magnitudes[row]) * -source.low
        if not reach * 2.0 ** max(shift + 2, 0) < 2**31:
            raise InputError(
                f"{name}: row {row} could overflow: it reaches {reach:.3g}, bias {real_bias:g}", hint=QUANTIZE_HINT
            )
        found.append((rne(exact) - folded, multiplier, shift))
    biases, multipliers, shifts = (np.array(column, np.int32) for column in zip(*found, strict=True))
    return biases, multipliers, shifts


def limits(output: Value, low: float = -math.inf, high: float = math.inf) -> tuple[int, int]:
    """Real bounds as integers of `output`, inside its range."""
    ends = [bound / output.scale + output.zero_point for bound in (low, high)]
    if output.full:  # TFLite divides in float32, and rounds halves away from zero
        steps = [float(np.float32(bound) / np.float32(output.scale)) for bound in (low, high)]
        ends = [math.copysign(math.floor(abs(s) + 0.5), s) + output.zero_point if math.isfinite(s) else s for s in steps]
    first, last = (rne(min(max(end, output.low), output.high)) for end in ends)
    return first, last


def bias_unit(source: Value, scale: float) -> float:
    """What one step of a bias is: the source's scale times the weights'; TFLite stores that in float32."""
    return float(np.float32(source.scale) * np.float32(scale)) if source.full else source.scale * scale
