# SPDX-License-Identifier: Apache-2.0
"""Factors of logarithms, shared by the reference and the C emitter."""

from __future__ import annotations

import math

import numpy as np


def log_scale(kind: str) -> np.float32:
    """What log2 is multiplied with for "log", the natural one, or "log10"."""
    return np.float32(math.log(2.0) if kind == "log" else math.log10(2.0))
