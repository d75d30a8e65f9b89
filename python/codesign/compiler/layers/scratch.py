# SPDX-License-Identifier: Apache-2.0
"""Scratch memory of the matrix kernels, bytes. The formulas are those of runtime/include/codesign/nn.h."""

from __future__ import annotations

BLOCK_ROWS = 64
"""Rows that a layer multiplies at a time: CS_BLOCK_ROWS of runtime/include/codesign/nn.h."""


def prepared_bytes(columns: int) -> int:
    """What a kernel makes of a vector of `columns` int8 before it multiplies."""
    return 2 * round_up(columns, 4) + 8


def round_up(n: int, to: int) -> int:
    """The smallest multiple of `to` that is at least `n`."""
    return -(-n // to) * to
