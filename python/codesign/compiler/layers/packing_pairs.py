# SPDX-License-Identifier: Apache-2.0
"""Weights in the order in which the kernels over positions read them (runtime/include/codesign/positions.h)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PAIR_KERNELS = ("dsp", "dual")
"""Kernels (keys of packing.PACKERS) of cores that multiply pairs of int16, and have nothing wider."""
SMALL = (4, 8, 12, 16)
"""Columns, and units of a GRU, that the kernels over positions take."""

HELD = 8
"""Columns of two positions that cs_input_sums keeps in registers."""

Words = npt.NDArray[np.uint32]


def row_words(weights: npt.NDArray[np.int8]) -> Words:
    """int8 (rows, columns), columns even → uint32 (rows, columns / 2): two int16 a word, the first in the low halfword."""
    halves = weights.astype(np.int16).view(np.uint16).astype(np.uint32).reshape(len(weights), -1, 2)
    return np.asarray(halves[..., 0] | (halves[..., 1] << 16), np.uint32)


def pair_words(weights: npt.NDArray[np.int8]) -> Words:
    """int8 (rows, columns), rows even, columns a multiple of 4 → uint32 (rows / 2, columns): of each two rows A and B and each
    four columns the words A₀A₁, A₂A₃, B₀B₁, B₂B₃ of int16, the first in the low halfword.
    """
    rows, columns = weights.shape
    words = row_words(weights).reshape(rows // 2, 2, columns // 4, 2)  # two rows, row of them, column quad, half of it
    return np.ascontiguousarray(words.transpose(0, 2, 1, 3)).reshape(rows // 2, columns).astype(np.uint32)


def rows_with(words: Words, *constants: npt.NDArray[np.integer]) -> Words:
    """`words` (n, …) with constants of n rows after each row's."""
    columns = [c.reshape(len(words), -1).astype(np.int64).astype(np.uint32) for c in constants]
    return np.concatenate([words, *columns], axis=1)


def pack_inputs(weights: npt.NDArray[np.int8], multipliers: npt.NDArray[np.integer], biases: npt.NDArray[np.integer]) -> Words:
    """Of cs_input_sums: (rows, columns), (rows,), (rows,) → after each two rows' weights multiplier and bias of either row; up
    to 8 columns after each row's.
    """
    constants = np.stack([multipliers, biases], axis=1)
    words = row_words(weights) if weights.shape[1] <= HELD else pair_words(weights)
    return rows_with(words, constants).reshape(-1)


def pack_recurrent(
    gates: Sequence[npt.NDArray[np.int8]],
    multipliers: Sequence[int],
    shifts: Sequence[int],
    recurrent_bias: npt.NDArray[np.integer],
    hidden_multiplier: int,
    hidden_shift: int,
) -> Words:
    """Of cs_gru_steps: weights (units, units) of update, reset and candidate, with multiplier and shift after each two rows;
    after those of the candidate also both rows' recurrent biases, and what blends candidate and state.
    """
    parts: list[Words] = []
    for weights, *scale in zip(gates, multipliers, shifts, strict=True):
        words = pair_words(weights)
        constants: list[npt.NDArray[np.integer]] = [np.tile(np.array(scale), (len(words), 1))]
        if len(parts) == 2:
            blend = 15 - hidden_shift, hidden_multiplier, -(1 << (hidden_shift - 1)), hidden_shift
            constants += [recurrent_bias, np.tile(np.array(blend), (len(words), 1))]
        parts.append(rows_with(words, *constants).reshape(-1))
    return np.concatenate(parts)


def pack_rows(
    weights: npt.NDArray[np.int8],
    biases: npt.NDArray[np.integer],
    multipliers: npt.NDArray[np.integer],
    shifts: npt.NDArray[np.integer],
) -> Words:
    """Of cs_fully_connected_pairs: both rows' biases, weights, then of each row multiplier, rounding, and shift to the right
    after a product's high half. The rounding is less one step of the result, so that −32767 is where int16 ends.
    """
    right = -shifts.astype(np.int64) - 1
    after = np.stack([multipliers.astype(np.int64), -(1 << (right - 1)), right], axis=1)
    before = rows_with(np.zeros((len(weights) // 2, 0), np.uint32), biases)
    return rows_with(np.concatenate([before, pair_words(weights)], axis=1), after).reshape(-1)


def runs(weights: npt.NDArray[np.int8]) -> list[tuple[int, int]]:
    """Of each row of an even number of columns the pairs of columns (first, end) outside of which all weights are 0."""
    found = []
    for row in weights.reshape(len(weights), -1, 2):
        used = np.flatnonzero(row.any(axis=1))
        found.append((int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0))
    return found


def pack_depthwise(
    weights: npt.NDArray[np.int8],
    biases: npt.NDArray[np.integer],
    multipliers: npt.NDArray[np.integer],
    negatives: npt.NDArray[np.integer],
    shifts: npt.NDArray[np.integer],
) -> Words:
    """Of cs_depthwise_rows, weights (channels, 3, 3): of each row the words of weights 0 and 1, then of 1 and 2; bias,
    multiplier ^ negative, multiplier, and rounding and shift as in `pack_rows`.
    """
    doubled = weights[..., [0, 1, 1, 2]].reshape(len(weights), -1)
    right = -shifts.astype(np.int64) - 1
    flips = multipliers.astype(np.int64) ^ negatives.astype(np.int64)
    constants = (biases, flips, multipliers, -(1 << (right - 1)), right)
    return rows_with(row_words(doubled), *constants).reshape(-1)


def pack_banded(
    weights: npt.NDArray[np.int8],
    biases: npt.NDArray[np.integer],
    multipliers: npt.NDArray[np.integer],
    shifts: npt.NDArray[np.integer],
) -> Words:
    """Of cs_band_layer: each row's head and its run of weights, two int16 a word."""
    words = row_words(weights)
    parts = []
    for row, (first, end) in enumerate(runs(weights)):
        head = np.array([2 * first | (end - first) << 16, biases[row], multipliers[row], -2 - int(shifts[row])], np.int64)
        parts += [head.astype(np.uint32), words[row, first:end]]
    return np.concatenate(parts)
