# SPDX-License-Identifier: Apache-2.0
"""What arrays of sound are called everywhere, and their full scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FULL_SCALE = 32768.0
"""The int16 of a sample is this times its value in ±1."""

Pcm = npt.NDArray[np.int16]
"""(n,), as firmware takes and gives it."""

Signal = npt.NDArray[np.float64]
"""Floating point, full scale 1.0."""

Signal32 = npt.NDArray[np.float32]
"""The same for training, which computes in half the bytes."""

Samples = npt.NDArray[Any]
"""(n,) of a caller: int16, or floating point within ±1."""
