# SPDX-License-Identifier: Apache-2.0
"""What a running normalization keeps from frame to frame, and its constants, in float32."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.chain import Chain

Float = npt.NDArray[np.float32]


def running_start(chain: Chain) -> Float:
    """Its state before the first frame: means (or sizes of bins), then the squares of deviations where they are kept; float32
    (n_running,) or (2·n_running,), empty without one. Means start at 0, deviations and sizes at 1, unless the chain says.
    """
    n, squares = chain.n_running, np.square(np.array(chain.running_deviation or (1.0,), np.float64))
    first = np.array(chain.running_start or (1.0 if chain.running == "unit" else 0.0,), np.float64)
    parts = [np.broadcast_to(first, n)] + ([np.broadcast_to(squares, n)] if chain.running == "mean_deviation" else [])
    return np.concatenate(parts).astype(np.float32)


def smoothing(chain: Chain) -> tuple[np.float32, np.float32]:
    """What is kept of the past and what is taken of a frame: alpha and 1 - alpha."""
    return np.float32(chain.running_smoothing), np.float32(1.0 - chain.running_smoothing)
