# SPDX-License-Identifier: Apache-2.0
"""Signals of callers as int16 PCM and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.base.audio.stream import HIGHEST_RATE, LOWEST_RATE
from codesign.base.errors import InputError
from codesign.base.signals import FULL_SCALE, Samples

LOUDEST_ARRAY = 32.0
"""In full scales, 30 dB above it: floating point beyond holds integers that nobody divided by 32768."""


def to_int16(signal: Samples) -> npt.NDArray[np.int16]:
    """(n,) of int16 as it is, of floating point within ±1 scaled by 32768, rounded and clipped.

    Raises:
        InputError: another type or shape, or a sample that is not finite or beyond LOUDEST_ARRAY.
    """
    if not isinstance(signal, np.ndarray):
        raise InputError(f"a signal of type {type(signal).__name__}", hint="give an array of NumPy: np.asarray(signal)")
    if signal.ndim != 1:
        raise InputError(
            f"a signal of shape {signal.shape}", hint="give one channel, (n,): audio.mean(axis=...) mixes stereo down"
        )
    if signal.dtype == np.int16:
        return signal
    if not np.issubdtype(signal.dtype, np.floating):
        raise InputError(f"a signal of {signal.dtype}", hint="give int16, or floating point within ±1")
    if not np.isfinite(signal).all():
        raise InputError("a signal holds NaN or infinity", hint="check the recording")
    if (peak := float(np.abs(signal).max(initial=0.0))) > LOUDEST_ARRAY:
        hint = "divide integers in floating point by 32768, or give int16"
        raise InputError(f"a signal holds a sample of {peak:.3g}, where full scale is 1", hint=hint)
    return np.clip(np.rint(signal.astype(np.float64) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def in_type_of(signal: Samples, pcm: npt.NDArray[np.int16]) -> Samples:
    """int16 PCM in the type of `signal`."""
    return pcm if signal.dtype == np.int16 else (pcm / FULL_SCALE).astype(signal.dtype)


def resampled(pcm: npt.NDArray[np.int16], rate: int, wanted: int) -> npt.NDArray[np.int16]:
    """int16 PCM at another rate, in Hz.

    Raises:
        InputError: `rate` is none that recordings have.
    """
    import soxr

    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(f"a signal at {rate} Hz", hint=f"give its sample rate, {LOWEST_RATE} to {HIGHEST_RATE} Hz")
    return pcm if rate == wanted else to_int16(np.asarray(soxr.resample(pcm / FULL_SCALE, rate, wanted)))
