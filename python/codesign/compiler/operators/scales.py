# SPDX-License-Identifier: Apache-2.0
"""Scales of least squared error, for values and for weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.constants import LOGIT_SCALE, UNIT_SCALE
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.compensation import rounded_weights
from codesign.compiler.operators.headroom import FLOAT32, least_row_scale, products_reach, saturating_bias

LOGIT = Quant(LOGIT_SCALE, 0, 16)
UNIT = Quant(UNIT_SCALE, 0, 16)
HIDDEN = Quant(2.0**-7, 0, 8)
_CLIPS = np.linspace(0.3, 1.0, 71)
HIDDEN16 = Quant(UNIT_SCALE, 0, 16)
_WIDE_MARGIN = 1.125  # room above the largest magnitude that calibration saw, an eighth
_SUM_STEPS = 2.0**30
GATE_STEP, LSTM_STEP = 0.999 * 2.0**-15, 0.999 * 2.0**-14
"""What a step of an int16 input times a step of a weight may move a gate by, so that its multiplier has 31 bits: a GRU needs
one of them for a product that its reset gate scales.
"""
_CELL_MARGIN = 1.25  # room above the largest cell state that calibration saw


def value_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int8 parameters of least squared error: −127 … 127 from the smallest value for one-sided ranges, symmetric otherwise."""
    one_sided = float(values.min()) >= 0.0
    top = float(values.max()) if one_sided else float(np.abs(values).max())
    levels, zero_point = (254, -127) if one_sided else (127, 0)
    sample = values.ravel()[:: max(1, values.size // 200_000)].astype(np.float64)
    return Quant(_best_scale(sample, top, levels, zero_point), zero_point, 8)


def wide_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int16 parameters: zero point 0, and a scale that holds the largest magnitude and some room above it."""
    largest = float(np.abs(values).max()) * _WIDE_MARGIN
    return Quant(float(np.float32(largest / 32767)) if largest / 32767 >= FLOAT32.tiny else 1.0 / 32767, 0, 16)


def int8_snr_db(values: npt.NDArray[np.floating]) -> float:
    """Signal-to-noise ratio in dB of values that int8 of least squared error rounds; infinite where it changes nothing."""
    quant = value_quant(values)
    sample = values.ravel()[:: max(1, values.size // 200_000)].astype(np.float64)
    noise = _squared_error(sample, quant.scale, quant.zero_point)
    signal = float(np.square(sample).sum())
    return 10.0 * math.log10(signal / noise) if noise > 0.0 and signal > 0.0 else math.inf


def hidden_quant(wide: bool, start: npt.NDArray[np.floating]) -> Quant:
    """Parameters of a hidden state, int16 where it is `wide`: it is within ±1 but for what it may start from, of any shape."""
    usual, largest = HIDDEN16 if wide else HIDDEN, float(np.abs(start).max(initial=0.0))
    return usual if largest <= 1.0 else Quant(float(np.float32(largest / (32767 if wide else 127))), 0, usual.bits)


def cell_quant(values: npt.NDArray[np.floating]) -> Quant:
    """int16 with the finest power-of-two scale, 2^−8 to 2^−15, that holds the largest cell state and some room."""
    largest = float(np.abs(values).max()) * _CELL_MARGIN
    fraction = next((n for n in range(15, 8, -1) if largest <= 32767 * 2.0**-n), 8)
    return Quant(2.0**-fraction, 0, 16)


def weight_scale(weights: npt.NDArray[np.float64]) -> float:
    """Scale of least squared error of symmetric int8 weights."""
    return _best_scale(weights.ravel(), float(np.abs(weights).max()), 127, 0)


def int8_rows(
    weight: Matrix,
    bias: npt.NDArray[np.float64],
    source: Quant | None,
    result: Quant | None,
    moment: npt.NDArray[np.float64] | None = None,
) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """Weights in int8 with a scale a row, and the bias that fits beside them, for `source` and the integers of the result;
    `moment` as for `rounded_weights`.

    Without parameters of both, nothing is known of the bias and it stays: lowering says what is wrong.
    """
    rows = weight.values.astype(np.float64)
    scale = np.array([weight_scale(row) for row in rows])
    if source and result:
        bias = saturating_bias(bias, products_reach(rows, source), result)
        least = least_row_scale(bias, source.scale)
        if source.bits == 16:  # sums of int16 times int8 stay below 2^31, beside the bias
            least = np.maximum(least, np.abs(rows).sum(axis=1) * 32767 / _SUM_STEPS)
        scale = _of_biased_rows(rows, scale, least.astype(np.float32))
    return int8_matrix(rows, scale, moment), bias


def group_scales(
    weights: npt.NDArray[np.float64], groups: int, source: Quant | None, step: float = GATE_STEP
) -> npt.NDArray[np.float64]:
    """Scales of int8 weights, float64 (rows,), one for each of `groups` runs of rows, which int16 sums of the source allow."""
    scales = []
    for part in np.split(weights, groups):
        scale = weight_scale(part)
        if source is not None and source.bits == 16:
            scale = max(scale, float(np.float32(np.abs(part).sum(axis=1).max() * 32767 / _SUM_STEPS)))
            scale = min(scale, float(np.float32(step / source.scale)))  # larger weights become the largest
        scales.append(scale)
    return np.repeat(scales, len(weights) // groups)


def widest_step(weights: npt.NDArray[np.floating], groups: int, step: float = GATE_STEP) -> float:
    """The largest scale of an int16 source beside which `group_scales` gives each of `groups` runs of rows its best scale."""
    largest = max(weight_scale(part) for part in np.split(weights.astype(np.float64), groups))
    return step / largest if largest > 0.0 else math.inf


def int8_matrix(
    values: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], moment: npt.NDArray[np.float64] | None = None
) -> Matrix:
    """Weights float64 (rows, columns) in int8 with a scale a row; `moment` as for `rounded_weights`."""
    return int8_side_by_side([values], [scale], moment)[0]


def int8_side_by_side(
    values: Sequence[npt.NDArray[np.float64]],
    scales: Sequence[npt.NDArray[np.float64]],
    moment: npt.NDArray[np.float64] | None,
) -> list[Matrix]:
    """Matrices float64 (rows, columns) whose products are added, in int8 with a scale a row each; `moment` is of their vectors
    side by side, as for `rounded_weights`.
    """
    steps = [np.broadcast_to(scale[:, None], each.shape) for each, scale in zip(values, scales, strict=True)]
    together = rounded_weights(np.concatenate(values, axis=1), np.concatenate(steps, axis=1), moment)
    ends = np.cumsum([each.shape[1] for each in values])[:-1]
    largest = float(FLOAT32.max)  # a rounded scale times 127 may be a bit beyond it
    return [
        Matrix(np.clip(q * scale[:, None], -largest, largest).astype(np.float32), q, scale)
        for q, scale in zip(np.split(together, ends, axis=1), scales, strict=True)
    ]


def _of_biased_rows(
    rows: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], least: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """The scale of each row that holds its bias, or that rounds it least where the row has no weights to round."""
    dead = ~np.rint(rows / scale[:, None]).any(axis=1) & (least >= FLOAT32.tiny)
    return np.where(dead, least, np.maximum(scale, least))


def _best_scale(values: npt.NDArray[np.float64], top: float, levels: int, zero_point: int) -> float:
    """The float32 scale of least squared error; that of a range of 1 where float32 has no normal number for the least."""
    if top * _CLIPS[0] / levels < FLOAT32.tiny:
        return 1.0 / levels
    errors = [_squared_error(values, top * clip / levels, zero_point) for clip in _CLIPS]
    return float(np.float32(top * _CLIPS[int(np.argmin(errors))] / levels))


def _squared_error(values: npt.NDArray[np.float64], scale: float, zero_point: int) -> float:
    q = np.clip(np.rint(values / scale) + zero_point, -127, 127)
    return float(np.square((q - zero_point) * scale - values).sum())
