# SPDX-License-Identifier: Apache-2.0
"""Types of signals in memory: full scale is ±1 in floating point."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[Any]
"""Of int16 or of floating point."""
Signal32 = npt.NDArray[np.float32]
Signal64 = npt.NDArray[np.float64]
