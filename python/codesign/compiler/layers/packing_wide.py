# SPDX-License-Identifier: Apache-2.0
"""Weights in the order in which the kernels for int16 vectors read them (cs_kernel_wide_* of runtime/nn)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.packing import pack_plain

_CHUNK = 8
"""Columns that one vector of the MVE kernel holds."""


def pack_wide_dsp(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.uint32]:
    """int8 (rows, columns) in [−127, 127] → uint32 (rows₄ · columns₄ / 4,), two rows a halfword (cs_kernel_wide_dsp).

    For rows A, B, C, D and columns 0…3 the words are, low halfword first: 256·A + B of columns (0, 1), 256·C + D of
    (0, 1), 256·A + B of (2, 3), 256·C + D of (2, 3); then the next four columns, then the next four rows. Raises
    ValueError for a weight of −128, whose lane may not fit.
    """
    padded = _pad(weights, 4).astype(np.int32)
    if padded.min(initial=0) < -127:
        raise ValueError("weight −128: the DSP kernel packs weights in [−127, 127]")
    quads = padded.reshape(len(padded) // 4, 4, -1, 2, 2)  # row quad, row, column quad, half of it, column
    lanes = (256 * quads[:, 0::2] + quads[:, 1::2]) & 0xFFFF  # row quad, pair AB or CD, column quad, half, column
    words = lanes[..., 0] | (lanes[..., 1] << 16)
    return words.transpose(0, 2, 3, 1).astype(np.uint32).reshape(-1)  # row quad, column quad, half, pair


def unpack_wide_dsp(packed: npt.NDArray[np.uint32], rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Inverse of `pack_wide_dsp`: int8 (rows, columns)."""
    words = packed.reshape(-(-rows // 4), -1, 2, 2)  # row quad, column quad, half, pair
    lanes = np.stack([words, words >> 16], axis=-1).astype(np.uint16).view(np.int16).astype(np.int32)
    second = lanes.astype(np.int8).astype(np.int32)
    both = np.stack([(lanes - second) >> 8, second], axis=4)  # row quad, column quad, half, pair, row of it, column
    ordered = both.transpose(0, 3, 4, 1, 2, 5).reshape(4 * len(words), -1)
    return ordered.astype(np.int8)[:rows, :columns]


def pack_wide_mve(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """int8 (rows, columns) → int8 (rows₄ · columns₈,), eight columns of four rows together (cs_kernel_wide_mve)."""
    quads = _pad(weights, _CHUNK).reshape(-(-len(weights) // 4), 4, -1, _CHUNK)  # row quad, row, chunk, column
    return np.ascontiguousarray(quads.transpose(0, 2, 1, 3)).reshape(-1)


def unpack_wide_mve(packed: npt.NDArray[np.int8], rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Inverse of `pack_wide_mve`: int8 (rows, columns)."""
    quads = packed.reshape(-(-rows // 4), -1, 4, _CHUNK).transpose(0, 2, 1, 3)
    return quads.reshape(4 * len(quads), -1)[:rows, :columns]


def _pad(weights: npt.NDArray[np.int8], columns_to: int) -> npt.NDArray[np.int8]:
    rows, columns = weights.shape
    return np.pad(weights, ((0, -rows % 4), (0, -columns % columns_to)))


PACKERS_WIDE: Mapping[str, Callable[[npt.NDArray[np.int8]], npt.NDArray[Any]]] = {
    "plain": pack_plain,
    "dsp": pack_wide_dsp,
    "dual": pack_wide_dsp,
    "mve": pack_wide_mve,
}
"""By kernel: the part of its C name after cs_kernel_wide_."""
