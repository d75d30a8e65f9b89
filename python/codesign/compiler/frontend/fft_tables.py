# SPDX-License-Identifier: Apache-2.0
"""Constants of the real FFT, in the layout that runtime/dsp/cs_rfft.c and cs_rfft_q31.c walk through."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def radix4_lengths(n_fft: int) -> list[int]:
    """Transform lengths at which the n_fft/2-point complex FFT does a radix-4 stage; a radix-2 stage follows a last 2."""
    lengths, n = [], n_fft // 2
    while n >= 4:
        lengths.append(n)
        n //= 4
    return lengths


def twiddle_angles(n_fft: int) -> npt.NDArray[np.float64]:
    """Per radix-4 stage of length n, for p = 1 … n/4 − 1: 2πp/n, 2·2πp/n and 3·2πp/n."""
    angles = [np.zeros(0)]
    for n in radix4_lengths(n_fft):
        p = np.arange(1, n // 4)[:, None] * np.array([1, 2, 3])[None, :]
        angles.append((2.0 * np.pi * p / n).ravel())
    return np.concatenate(angles)


def split_angles(n_fft: int) -> npt.NDArray[np.float64]:
    """2πk/n_fft for k = 0 … n_fft/4, which splits the complex FFT into the real one's bins."""
    return np.asarray(2.0 * np.pi * np.arange(n_fft // 4 + 1) / n_fft)


def fft_twiddles(n_fft: int) -> npt.NDArray[np.float32]:
    """(cos, −sin) of `twiddle_angles`."""
    table = _pairs(twiddle_angles(n_fft))
    return table if table.size else np.zeros(1, np.float32)


def fft_split(n_fft: int) -> npt.NDArray[np.float32]:
    """(cos, −sin) of `split_angles`."""
    return _pairs(split_angles(n_fft))


def _pairs(angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return np.stack([np.cos(angles), -np.sin(angles)], axis=-1).ravel().astype(np.float32)
