# SPDX-License-Identifier: Apache-2.0
"""Reciprocal square roots in integers, as runtime/nn/reciprocal_root.h computes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints


def high(a: npt.ArrayLike, b: npt.ArrayLike) -> Ints:
    """⌊a·b / 2^32⌋ of 32-bit integers, int64."""
    return np.asarray((np.asarray(a, np.int64) * np.asarray(b, np.int64)) >> 32)


def reciprocal_root(w: Ints) -> Ints:
    """1 / √w of w in Q31 from 1/4 to 1, in Q29, both int64 of any shape; relative error below 2^−24."""
    y = 1143534715 - high(w, 1309965025)
    for _ in range(4):
        rest = (3 << 27) - high(high(y, y) * 4, w)
        y = high(y, rest * 4) * 4
    return y


def even_leading_zeros(x: int, bits: int) -> int:
    """Zeros above the highest bit of x | 1 as a word of `bits`, rounded down to an even number."""
    return (bits - (x | 1).bit_length()) & ~1
