# SPDX-License-Identifier: Apache-2.0
"""Speech quality against a clean reference. Both need the clean signal, aligned and of the same length."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.randomness import seeded
from codesign.base.signals import Samples

ESTOI_MIN_SECONDS = 0.4
"""pystoi needs 30 frames of 25.6 ms with 12.8 ms hop that are not silent: about 0.4 s of speech."""


def si_sdr(estimate: Samples, reference: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, of two signals (n,) of any real dtype.

    Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019: 10 log10(|αs|² / |αs − ŝ|²) with α = ŝᵀs / |s|².
    Like there, no mean is removed. A perfect estimate gives +inf, one without any of the reference −inf.

    Raises:
        InputError: shapes differ, a signal is empty or not finite, or the reference is silent.
    """
    estimated, target = _pair(estimate, reference, "SI-SDR")
    energy = float(target @ target)
    if energy == 0.0:
        raise InputError("SI-SDR: the reference is silent", hint="give the clean speech as the reference")
    projected = (float(estimated @ target) / energy) * target
    noise = projected - estimated
    signal_energy, noise_energy = float(projected @ projected), float(noise @ noise)
    if signal_energy == 0.0:
        return -np.inf
    return float(10.0 * np.log10(signal_energy / noise_energy)) if noise_energy > 0.0 else np.inf


def estoi(estimate: Samples, reference: Samples, sample_rate: int) -> float:
    """Extended short-time objective intelligibility, about 0 to 1, of two signals (n,) at `sample_rate` Hz.

    Jensen and Taal, 2016, as pystoi computes it (resampled to 10 kHz, silent frames of the reference left out). It
    draws noise: always the same, so that the same signals have the same figure.

    Raises:
        InputError: as for si_sdr, or less than 0.4 s of speech.
    """
    estimated, target = _pair(estimate, reference, "ESTOI")
    from pystoi import stoi  # imports SciPy, which takes longer than most commands

    with seeded(), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # pystoi warns and returns 1e-5 when there is too little speech
        try:
            return float(stoi(target, estimated, sample_rate, extended=True))
        except (RuntimeWarning, ValueError, IndexError) as error:
            hint = f"give at least {ESTOI_MIN_SECONDS} s of speech"
            raise InputError(f"ESTOI: too little speech in {target.size / sample_rate:.2f} s", hint=hint) from error


def align(enhanced: Samples, reference: Samples, latency: int) -> tuple[Samples, Samples]:
    """`enhanced`, which lags by `latency` samples, and `reference` (n,), cut to the part that both have.

    Raises:
        InputError: nothing is left.
    """
    if latency < 0:
        raise InputError(f"latency of {latency} samples", hint="give the pipeline's delay, 0 or more")
    length = min(enhanced.size - latency, reference.size)
    if length <= 0:
        raise InputError(
            f"signals of {enhanced.size} and {reference.size} samples have nothing in common at a latency of {latency}",
            hint="use longer recordings",
        )
    return enhanced[latency : latency + length], reference[:length]


def _pair(estimate: Samples, reference: Samples, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if estimate.ndim != 1 or estimate.shape != reference.shape or estimate.size == 0:
        raise InputError(
            f"{name}: signals of shapes {estimate.shape} and {reference.shape}",
            hint="give two mono signals of one length",
        )
    estimated, target = np.asarray(estimate, np.float64), np.asarray(reference, np.float64)
    if not (np.isfinite(estimated).all() and np.isfinite(target).all()):
        raise InputError(f"{name}: a signal holds NaN or infinity", hint="check the recording")
    return estimated, target
