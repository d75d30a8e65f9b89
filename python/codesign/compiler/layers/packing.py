# SPDX-License-Identifier: Apache-2.0
"""Weights in the order in which the matrix kernels of runtime/nn read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_EVEN, _ODD = (0, 2), (1, 3)
"""Columns of four that share a word; the kernel widens x with SXTB16 into the same pairs."""


_CHUNK = 16
"""Columns that one vector of the MVE kernel holds."""


def pack_plain(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """int8 (rows, columns) → int8 (rows₄ · columns₄,): row-major, zeros up to multiples of 4 (cs_kernel_plain)."""
    return _pad(weights).reshape(-1)


def unpack_plain(packed: npt.NDArray[np.int8], rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Inverse of `pack_plain`: int8 (rows, columns)."""
    return packed.reshape(_round_up(rows), _round_up(columns))[:rows, :columns]


def pack_dsp(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.uint32]:
    """int8 (rows, columns) in [−127, 127] → uint32 (rows₄ · (columns₄ + 2) / 4,), two rows a halfword (cs_kernel_dsp).

    For rows A, B, C, D and columns 0…3 the words are, low halfword first: 256·A + B of columns (0, 2), 256·C + D of
    (0, 2), 256·A + B of (1, 3), 256·C + D of (1, 3); then the next four columns, then the next four rows. In front of
    each four rows stand −Σ (w₀·w₁ + w₂·w₃) of row B and of row D. Raises ValueError for a weight of −128, whose lane may
    not fit.
    """
    padded = _pad(weights).astype(np.int32)
    if padded.min(initial=0) < -127:
        raise ValueError("weight −128: the DSP kernel packs weights in [−127, 127]")
    quads = padded.reshape(len(padded) // 4, 4, -1, 4)  # row quad, row, column quad, column
    lanes = (256 * quads[:, 0::2] + quads[:, 1::2]) & 0xFFFF  # row quad, pair AB or CD, column quad, column
    words = [lanes[..., low] | (lanes[..., high] << 16) for low, high in (_EVEN, _ODD)]  # each: row quad, pair, column quad
    ordered = np.stack(words, axis=-1).transpose(0, 2, 3, 1)  # row quad, column quad, even/odd, pair
    neighbours = (quads[:, 1::2, :, 0::2] * quads[:, 1::2, :, 1::2]).sum(axis=(2, 3))  # row quad, B or D
    return np.concatenate([-neighbours, ordered.reshape(len(quads), -1)], axis=1).astype(np.uint32).reshape(-1)


def unpack_dsp(packed: npt.NDArray[np.uint32], rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Inverse of `pack_dsp`: int8 (rows, columns)."""
    quads = packed.reshape(_round_up(rows) // 4, -1)[:, 2:]
    words = quads.reshape(len(quads), _round_up(columns) // 4, 2, 2)  # row quad, column quad, even/odd, pair
    out = np.zeros((words.shape[0], 4, words.shape[1], 4), np.int8)
    for half, columns_of in enumerate((_EVEN, _ODD)):
        for column, shift in zip(columns_of, (0, 16), strict=True):
            lane = (words[:, :, half] >> shift).astype(np.uint16).view(np.int16).astype(np.int32)
            second = lane.astype(np.int8).astype(np.int32)
            out[:, 0::2, :, column] = ((lane - second) >> 8).transpose(0, 2, 1)
            out[:, 1::2, :, column] = second.transpose(0, 2, 1)
    return out.reshape(_round_up(rows), _round_up(columns))[:rows, :columns]


def pack_mve(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """int8 (rows, columns) → int8 (rows₄ · columns₄,), sixteen columns of four rows together (cs_kernel_mve).

    Per row quad: of every whole 16 columns 16 bytes of each row; then what is left of the columns, each row's in one piece.
    """
    quads = _pad(weights).reshape(_round_up(len(weights)) // 4, 4, -1)  # row quad, row, column
    whole = quads.shape[2] // _CHUNK * _CHUNK
    chunks = quads[:, :, :whole].reshape(len(quads), 4, -1, _CHUNK).transpose(0, 2, 1, 3)
    return np.concatenate([chunks.reshape(len(quads), -1), quads[:, :, whole:].reshape(len(quads), -1)], axis=1).reshape(-1)


def unpack_mve(packed: npt.NDArray[np.int8], rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Inverse of `pack_mve`: int8 (rows, columns)."""
    quads = packed.reshape(_round_up(rows) // 4, -1)
    whole = _round_up(columns) // _CHUNK * _CHUNK
    chunks = quads[:, : 4 * whole].reshape(len(quads), -1, 4, _CHUNK).transpose(0, 2, 1, 3).reshape(len(quads), 4, whole)
    left = quads[:, 4 * whole :].reshape(len(quads), 4, -1)
    return np.concatenate([chunks, left], axis=2).reshape(_round_up(rows), -1)[:rows, :columns]


def _pad(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    rows, columns = weights.shape
    return np.pad(weights, ((0, _round_up(rows) - rows), (0, _round_up(columns) - columns)))


def _round_up(n: int) -> int:
    return -(-n // 4) * 4


PACKERS: Mapping[str, Callable[[npt.NDArray[np.int8]], npt.NDArray[Any]]] = {
    "plain": pack_plain,
    "dsp": pack_dsp,
    "dual": pack_dsp,
    "mve": pack_mve,
}
"""By kernel: the part of its C name after cs_kernel_."""
