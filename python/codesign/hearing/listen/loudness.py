# SPDX-License-Identifier: Apache-2.0
"""Programme loudness of mono signals: ITU-R BS.1770-4, K weighting and gating."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.signals import Signal

BLOCK_SECONDS, HOP_SECONDS = 0.4, 0.1
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
SHELF_HZ = 1681.974450955533
LOWEST_RATE = 3364
"""The shelf of the head's filter must lie below half the rate."""


def loudness(signal: Signal, sample_rate: int) -> float:
    """Integrated loudness in LUFS of float64 (n,), full scale 1.0; −inf for silence.

    Signals shorter than a block of 0.4 s are one block.

    Raises:
        InputError: `sample_rate` is below LOWEST_RATE.
    """
    from scipy.signal import lfilter

    weighted = signal
    for numerator, denominator in k_weighting(sample_rate):
        weighted = lfilter(numerator, denominator, weighted)
    block = min(weighted.size, round(BLOCK_SECONDS * sample_rate))
    if block == 0:
        return -math.inf
    hop = max(1, round(HOP_SECONDS * sample_rate))
    power = np.lib.stride_tricks.sliding_window_view(weighted**2, block)[::hop].mean(axis=1)
    with np.errstate(divide="ignore"):
        audible = power[_lufs(power) >= ABSOLUTE_GATE]
        if audible.size == 0:
            return -math.inf
        gated = audible[_lufs(audible) >= _lufs(audible.mean()) + RELATIVE_GATE]
    return float(_lufs(gated.mean()))


def k_weighting(sample_rate: int) -> tuple[tuple[Signal, Signal], tuple[Signal, Signal]]:
    """(numerator, denominator) of the head's shelf and of the high-pass, for any rate.

    The standard tabulates 48 kHz only; these are the analogue prototypes of the filters in its table (De Man, "Evaluation of
    implementations of the EBU R128 loudness measurement", AES 145, 2018), by the bilinear transform.

    Raises:
        InputError: `sample_rate` is below LOWEST_RATE.
    """
    if sample_rate < LOWEST_RATE:
        message = f"loudness has no meaning at {sample_rate} Hz: its K weighting needs {LOWEST_RATE} Hz or more"
        raise InputError(message, hint="give recordings of 8000 Hz or more")
    k = math.tan(math.pi * SHELF_HZ / sample_rate)
    q, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = np.array([gain + middle * k / q + k * k, 2 * (k * k - gain), gain - middle * k / q + k * k]) / a0
    shelf_back = np.array([1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_back = np.array([1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    return (shelf, shelf_back), (np.array([1.0, -2.0, 1.0]), high_back)


def _lufs(power: npt.NDArray[np.float64] | np.float64) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10.0 * np.log10(power))
