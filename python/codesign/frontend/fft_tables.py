"""Constants of the real FFT, in the layout that runtime/dsp/cs_rfft.c walks through."""

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


def fft_twiddles(n_fft: int) -> npt.NDArray[np.float32]:
    """Per radix-4 stage of length n, for p = 1 … n/4 − 1, the pairs (cos, −sin) of 2πp/n, 2·2πp/n and 3·2πp/n."""
    tables = [np.zeros(0)]
    for n in radix4_lengths(n_fft):
        p = np.arange(1, n // 4)[:, None] * np.array([1, 2, 3])[None, :]
        angle = 2.0 * np.pi * p / n
        tables.append(np.stack([np.cos(angle), -np.sin(angle)], axis=-1).ravel())
    table = np.concatenate(tables)
    return (table if table.size else np.zeros(1)).astype(np.float32)


def fft_split(n_fft: int) -> npt.NDArray[np.float32]:
    """For k = 0 … n_fft/4 the pair (cos, −sin) of 2πk/n_fft, which splits the complex FFT into the real one's bins."""
    angle = 2.0 * np.pi * np.arange(n_fft // 4 + 1) / n_fft
    return np.stack([np.cos(angle), -np.sin(angle)], axis=-1).ravel().astype(np.float32)
