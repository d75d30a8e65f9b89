# SPDX-License-Identifier: Apache-2.0
"""Weights in the order in which the vector kernels over positions read them (runtime/include/codesign/rows.h)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.scratch import round_up

ROW_KERNELS = ("mve",)
"""Kernels (keys of packing.PACKERS) of cores with vectors."""
POSITIONS = 36
"""Positions that a layer works on at a time: CS_ROWS_POSITIONS."""
_LANES = 8
"""int16 of a vector."""
_QUAD = 4
"""int32 of a vector."""


def block_rows(columns: int) -> int:
    """Rows of a block, whose weights fill six vectors."""
    return 6 if columns <= _LANES else 3


def sums_stride(rows: int, columns: int) -> int:
    """Sums of one position, those of rows that only fill the last block and the last vector among them."""
    return round_up(round_up(rows, block_rows(columns)), _QUAD)


def pack_row_blocks(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int16]:
    """int8 (rows, columns ≤ 16) → int16 of whole blocks, each row of one or two vectors; zeros where there is nothing."""
    rows, columns = weights.shape
    more = -rows % block_rows(columns), -columns % _LANES
    return np.pad(weights, ((0, more[0]), (0, more[1]))).astype(np.int16).reshape(-1)


def pack_results(
    biases: npt.NDArray[np.integer], multipliers: npt.NDArray[np.integer], shifts: npt.NDArray[np.integer]
) -> npt.NDArray[np.int32]:
    """Of cs_row_results, from (rows,) each: of each four rows biases, multipliers, shifts after a product's high half."""
    columns = np.stack([biases.astype(np.int64), multipliers.astype(np.int64), shifts.astype(np.int64) + 1])
    padded = np.pad(columns, ((0, 0), (0, -columns.shape[1] % _QUAD)))
    return padded.reshape(3, -1, _QUAD).transpose(1, 0, 2).reshape(-1).astype(np.int32)


def pack_sparse(
    weights: npt.NDArray[np.int8],
    biases: npt.NDArray[np.integer],
    multipliers: npt.NDArray[np.integer],
    shifts: npt.NDArray[np.integer],
) -> npt.NDArray[np.uint32]:
    """Of cs_fully_connected_sparse, weights (rows, columns ≤ 2¹⁶): of each four rows how many weights follow, biases, columns
    and weights, multipliers, shifts after a product's high half.
    """
    padded = np.pad(weights, ((0, -len(weights) % _QUAD), (0, 0)))
    constants = pack_results(biases, multipliers, shifts).reshape(-1, 3, _QUAD).view(np.uint32)
    parts: list[npt.NDArray[np.uint32]] = []
    for rows, (bias, multiplier, shift) in zip(padded.reshape(-1, _QUAD, padded.shape[1]), constants, strict=True):
        used = int((rows != 0).sum(axis=1).max())
        columns = np.argsort(rows == 0, axis=1, kind="stable")[:, :used].T  # weight, row
        values = np.take_along_axis(rows, columns.T, axis=1).T
        pairs = np.ascontiguousarray(columns, "<u2").view("<u4"), np.ascontiguousarray(values, np.int8).view("<u4")
        parts += [np.array([used], np.uint32), bias, np.concatenate(pairs, axis=1).reshape(-1), multiplier, shift]
    return np.concatenate(parts).astype(np.uint32)


def is_sparse(weights: npt.NDArray[np.int8], run_weights: int) -> bool:
    """Whether cs_fully_connected_sparse takes fewer cycles for int8 (rows, columns) than cs_fully_connected_banded, whose runs
    have `run_weights`: about 8 a weight and 20 for each four rows, to 26 a row and 4 for each eight weights.
    """
    padded = np.pad((weights != 0).sum(axis=1), (0, -len(weights) % _QUAD)).reshape(-1, _QUAD)
    sparse = int(8 * padded.max(axis=1).sum()) + 20 * len(padded)
    return weights.shape[1] <= 1 << 16 and sparse < 26 * len(weights) + run_weights // 2


def by_quads(gates: Sequence[npt.NDArray[np.int8]]) -> npt.NDArray[np.int8]:
    """Of each four units the rows (units, columns) of update, reset and candidate."""
    columns = gates[0].shape[1]
    return np.concatenate([gate.reshape(-1, _QUAD, columns) for gate in gates], axis=1).reshape(-1, columns)


def pack_cells(
    biases: Sequence[npt.NDArray[np.integer]],
    input_multipliers: Sequence[int],
    recurrent_multipliers: Sequence[int],
    shifts: Sequence[int],
    hidden: tuple[int, int],
    recurrent: Sequence[npt.NDArray[np.int8]] = (),
) -> npt.NDArray[np.int32]:
    """Of cs_gru_cells: biases (units,) of update, reset, candidate and of the candidate's recurrent sums; `hidden`: multiplier
    and shift of the state. With `recurrent`, weights (units, units) of update, reset and candidate, of cs_gru_scan: they
    stand before the constants of their four units, column after column.
    """
    multiplier, shift = hidden
    parts = [np.array([*(16 - s for s in shifts), shift - 15, -shift], np.int64).astype(np.int32)]
    update, reset, candidate, extra = (bias.reshape(-1, _QUAD) for bias in biases)
    for quad in range(len(update)):
        units = slice(_QUAD * quad, _QUAD * quad + _QUAD)
        if recurrent:
            columns = np.stack([gate[units].T for gate in recurrent], axis=1)  # column, gate, unit
            parts.append(np.ascontiguousarray(columns).reshape(-1).view(np.int32))
        vectors = (
            *(input_multipliers[0], recurrent_multipliers[0], update[quad]),
            *(input_multipliers[1], recurrent_multipliers[1], reset[quad]),
            *(recurrent_multipliers[2], extra[quad], input_multipliers[2], candidate[quad]),
            multiplier,
        )
        parts += [np.broadcast_to(np.asarray(vector, np.int64), _QUAD).astype(np.int32) for vector in vectors]
    return np.concatenate(parts)


def pack_depthwise_rows(
    weights: npt.NDArray[np.int8],
    biases: npt.NDArray[np.integer],
    multipliers: npt.NDArray[np.integer],
    negatives: npt.NDArray[np.integer],
    shifts: npt.NDArray[np.integer],
) -> npt.NDArray[np.uint32]:
    """Of cs_depthwise_rows, weights (channels, 3, 3): of each channel bias, multiplier, that of negative sums, shift after a
    product's high half, and nine int8 of weights, filled up to words.
    """
    constants = np.stack([biases, multipliers, negatives, shifts.astype(np.int64) + 1], axis=1).astype(np.int32)
    padded = np.pad(weights.reshape(len(weights), -1), ((0, 0), (0, 3)))
    return np.concatenate([constants.view(np.uint32), np.ascontiguousarray(padded).view(np.uint32)], axis=1).reshape(-1)
