# SPDX-License-Identifier: Apache-2.0
"""Analysis and synthesis windows of the overlap-add."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.config import FrontEnd


def analysis_window(config: FrontEnd) -> npt.NDArray[np.float32]:
    """Periodic Hann window or its square root, shape (window,)."""
    n = np.arange(config.window, dtype=np.float64)
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * n / config.window)
    window = np.sqrt(hann) if config.window_kind == "sqrt_hann" else hann
    return window.astype(np.float32)


def synthesis_window(config: FrontEnd) -> npt.NDArray[np.float32]:
    """Window that makes analysis followed by overlap-add the identity, shape (window,).

    The least-squares choice w[n] / Σ_k w[n + k·hop]² (Griffin and Lim, 1984, eq. 6). The sum is periodic in hop and
    positive, because hop ≤ window/2.
    """
    window = analysis_window(config).astype(np.float64)
    energy = (window**2).reshape(-1, config.hop).sum(axis=0)
    return np.asarray(window / np.tile(energy, config.window // config.hop), np.float32)
