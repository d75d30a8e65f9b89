# SPDX-License-Identifier: Apache-2.0
"""Constants of the real FFT, in the layout that runtime/dsp/cs_rfft.c, cs_rfft_mixed.c and cs_rfft_q31.c walk through."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MIN_N_FFT, MAX_N_FFT = 16, 4096


def is_fft_length(n: int) -> bool:
    """Whether a real transform of n points can be computed: n = 2^a·3^b·5^c, even, MIN_N_FFT … MAX_N_FFT."""
    return n in _LENGTHS


def near_fft_lengths(n: int) -> list[int]:
    """The next such lengths below and above n."""
    return [m for m in (max((m for m in _LENGTHS if m < n), default=0), min((m for m in _LENGTHS if m > n), default=0)) if m]


def is_power_of_two(n: int) -> bool:
    """Whether n = 2^k: such transforms are of radix 4 alone, and a last 2."""
    return n & (n - 1) == 0


def mixed_radices(n_fft: int) -> list[int]:
    """The radix of each stage of the n_fft/2-point complex transform, 4s before a 2, 3s and 5s, where n_fft is not 2^k."""
    radices, n = [], n_fft // 2
    for radix in (4, 2, 3, 5):
        while n % radix == 0:
            radices.append(radix)
            n //= radix
    return radices


def mixed_twiddle_angles(n_fft: int) -> npt.NDArray[np.float64]:
    """Radians, one after the other: per stage of length n and radix r, for p = 1 … n/r − 1: 2πmp/n for m = 1 … r − 1."""
    angles, n = [np.zeros(0)], n_fft // 2
    for radix in mixed_radices(n_fft):
        p = np.arange(1, n // radix)[:, None] * np.arange(1, radix)[None, :]
        angles.append((2.0 * np.pi * p / n).ravel())
        n //= radix
    return np.concatenate(angles)


def radix4_lengths(n_fft: int) -> list[int]:
    """Transform lengths at which the n_fft/2-point complex FFT does a radix-4 stage; a radix-2 stage follows a last 2."""
    lengths, n = [], n_fft // 2
    while n >= 4:
        lengths.append(n)
        n //= 4
    return lengths


def twiddle_angles(n_fft: int) -> npt.NDArray[np.float64]:
    """Radians, one after the other: per radix-4 stage of length n, for p = 1 … n/4 − 1: 2πp/n, 2·2πp/n and 3·2πp/n."""
    angles = [np.zeros(0)]
    for n in radix4_lengths(n_fft):
        p = np.arange(1, n // 4)[:, None] * np.array([1, 2, 3])[None, :]
        angles.append((2.0 * np.pi * p / n).ravel())
    return np.concatenate(angles)


def split_angles(n_fft: int) -> npt.NDArray[np.float64]:
    """2πk/n_fft for k = 0 … n_fft/4, which splits the complex FFT into the real one's bins."""
    return np.asarray(2.0 * np.pi * np.arange(n_fft // 4 + 1) / n_fft)


def fft_twiddles(n_fft: int) -> npt.NDArray[np.float32]:
    """(cos, −sin) of `twiddle_angles`, or of `mixed_twiddle_angles` where n_fft is no power of two."""
    table = _pairs((twiddle_angles if is_power_of_two(n_fft) else mixed_twiddle_angles)(n_fft))
    return table if table.size else np.zeros(1, np.float32)


def fft_split(n_fft: int) -> npt.NDArray[np.float32]:
    """(cos, −sin) of `split_angles`."""
    return _pairs(split_angles(n_fft))


def _pairs(angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return np.stack([np.cos(angles), -np.sin(angles)], axis=-1).ravel().astype(np.float32)


_LENGTHS = frozenset(
    n for n in (2**a * 3**b * 5**c for a in range(1, 13) for b in range(8) for c in range(6)) if MIN_N_FFT <= n <= MAX_N_FFT
)
