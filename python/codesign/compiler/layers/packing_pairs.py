# SPDX-License-Identifier: Apache-2.0
"""Weights in the order in which the kernels over positions read them (runtime/include/codesign/positions.h)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PAIR_KERNELS = ("dsp", "dual", "mve")
"""Kernels (keys of packing.PACKERS) of cores that multiply pairs of int16."""

Words = npt.NDArray[np.uint32]


def pair_words(weights: npt.NDArray[np.int8]) -> Words:
    """int8 (rows, columns), rows even, columns a multiple of 4 → uint32 (rows / 2, columns): of each two rows A and B and each four
    columns the words A₀A₁, A₂A₃, B₀B₁, B₂B₃ of int16, the first in the low halfword.
    """
    rows, columns = weights.shape
    halves = weights.astype(np.int16).view(np.uint16).astype(np.uint32).reshape(rows // 2, 2, columns // 4, 2, 2)
    words = halves[..., 0] | (halves[..., 1] << 16)  # two rows, row of them, column quad, half of it
    return words.transpose(0, 2, 1, 3).reshape(rows // 2, columns)


def rows_with(words: Words, *constants: npt.NDArray[np.integer]) -> Words:
    """`words` (rows / 2, n) with (rows / 2, k) constants after each two rows' weights, k summed over all of them."""
    columns = [c.reshape(len(words), -1).astype(np.int64).astype(np.uint32) for c in constants]
    return np.concatenate([words, *columns], axis=1)


def pack_inputs(weights: npt.NDArray[np.int8], multipliers: npt.NDArray[np.integer], biases: npt.NDArray[np.integer]) -> Words:
    """Of cs_input_sums: (rows, columns), (rows,), (rows,) → after each two rows' weights multiplier and bias of either row."""
    return rows_with(pair_words(weights), np.stack([multipliers, biases], axis=1)).reshape(-1)


def pack_recurrent(
    gates: Sequence[npt.NDArray[np.int8]],
    multipliers: Sequence[int],
    shifts: Sequence[int],
    recurrent_bias: npt.NDArray[np.integer],
    hidden_multiplier: int,
    hidden_shift: int,
) -> Words:
    """Of cs_gru_steps: weights (units, units) of update, reset and candidate, with multiplier and shift after each two rows; after
    those of the candidate also both rows' recurrent biases, and what blends candidate and state.
    """
    parts = []
    for weights, *scale in zip(gates, multipliers, shifts, strict=True):
        words = pair_words(weights)
        constants = [np.tile(np.array(scale, np.int64), (len(words), 1))]
        if len(parts) == 2:
            blend = 15 - hidden_shift, hidden_multiplier, -(1 << (hidden_shift - 1)), hidden_shift
            constants += [recurrent_bias, np.tile(np.array(blend, np.int64), (len(words), 1))]
        parts.append(rows_with(words, *constants).reshape(-1))
    return np.concatenate(parts)
