# SPDX-License-Identifier: Apache-2.0
"""The filter between a device's sample rate and the network's, two or three times lower: its design."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

RATIOS = (1, 2, 3)
"""Of the device's rate to the network's."""
PHASE_TAPS = 24
"""Taps for each sample of the faster rate: there and back is `PHASE_TAPS` − 1 samples of the network late."""
PASS, STOP = 0.42, 0.58
"""Edges of passband and stopband, of the network's rate: 6.7 and 9.3 kHz for 16 kHz."""
TAP_BITS = 15
_STOP_WEIGHT, _GRID = 10.0, 2000


@cache
def resampler_taps(ratio: int) -> npt.NDArray[np.int16]:
    """The low-pass filter of both directions in Q15: int16 (`PHASE_TAPS` · ratio,), symmetric.

    Least squares over passband and stopband (Parks and Burrus, Digital Filter Design, 1987, chapter 3.1), rounded; within
    0.03 dB up to `PASS`, at least 60 dB down from `STOP` on.
    """
    taps = PHASE_TAPS * ratio
    beside = (taps - 1) / 2 - np.arange(taps // 2)
    bands = ((0.0, PASS / ratio, 1.0, 1.0), (STOP / ratio, 0.5, 0.0, _STOP_WEIGHT))
    rows, wanted = [], []
    for low, high, gain, weight in bands:
        grid = np.linspace(low, high, _GRID)
        scale = np.sqrt(weight * (high - low) / _GRID)
        rows.append(2.0 * scale * np.cos(2.0 * np.pi * np.outer(grid, beside)))
        wanted.append(np.full(_GRID, gain * scale))
    half = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
    return np.asarray(np.rint(np.concatenate([half, half[::-1]]) * (1 << TAP_BITS)), np.int16)
