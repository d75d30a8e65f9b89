# SPDX-License-Identifier: Apache-2.0
"""HASPI and HASQI for a standard audiogram, as pyclarity computes them (extra "metrics")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from codesign.base.errors import InputError
from codesign.base.randomness import seeded
from codesign.base.signals import Signal

FREQUENCIES = (250, 375, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000)
"""Hz at which the audiograms are given."""
AUDIOGRAMS: Mapping[str, tuple[float, ...]] = {
    "NH": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "N1": (10, 10, 10, 10, 10, 10, 15, 20, 30, 40),
    "N2": (20, 20, 20, 22.5, 25, 30, 35, 40, 45, 50),
    "N3": (35, 35, 35, 35, 40, 45, 50, 55, 60, 65),
    "N4": (55, 55, 55, 55, 55, 60, 65, 70, 75, 80),
    "N5": (65, 67.5, 70, 72.5, 75, 80, 80, 80, 80, 80),
    "N6": (75, 77.5, 80, 82.5, 85, 90, 90, 95, 100, 100),
    "N7": (90, 92.5, 95, 100, 105, 105, 105, 105, 105, 105),
    "S1": (10, 10, 10, 10, 10, 10, 15, 30, 55, 70),
    "S2": (20, 20, 20, 22.5, 25, 35, 55, 75, 95, 95),
    "S3": (30, 30, 35, 47.5, 60, 70, 75, 80, 80, 85),
}
"""Hearing levels in dB HL: the standard audiograms of IEC 60118-15 (Bisgaard, Vlaming and Dahlquist, Trends in Amplification
14(2), 2010): N flat and moderately sloping, S steep; NH is normal hearing."""
SPEECH_DB_SPL = 65.0
NAL_R_TAPS = 220


def check_audiogram(name: str) -> None:
    """Raises InputError unless AUDIOGRAMS has `name`."""
    if name not in AUDIOGRAMS:
        raise InputError(f"unknown audiogram '{name}'", hint=f"one of {', '.join(AUDIOGRAMS)}")


def haspi(estimate: Signal, reference: Signal, sample_rate: int, audiogram: str) -> float:
    """Intelligibility, 0 to 1, for a listener with this audiogram: HASPI version 2 (Kates and Arehart, Speech Communication
    131, 2021), as pyclarity computes it.

    Clean speech `reference` (n,) is at 65 dB SPL, and `estimate` (n,) on the same scale; it is heard through a linear hearing
    aid with NAL-R gains. The model adds dither, always the same.

    Raises:
        InputError: the audiogram is unknown, or the reference is silent.
        ImportError: pyclarity is not installed.
    """
    ear, clean, heard = _at_the_ear(estimate, reference, sample_rate, audiogram)
    from clarity.evaluator.haspi import haspi_v2

    with seeded():
        return float(haspi_v2(clean, sample_rate, heard, sample_rate, ear, level1=SPEECH_DB_SPL)[0])


def hasqi(estimate: Signal, reference: Signal, sample_rate: int, audiogram: str) -> float:
    """Quality, 0 to 1, for a listener with this audiogram: HASQI version 2 (Kates and Arehart, JAES 62(3), 2014).

    Arguments and errors are those of `haspi`.
    """
    ear, clean, heard = _at_the_ear(estimate, reference, sample_rate, audiogram)
    from clarity.evaluator.hasqi import hasqi_v2

    with seeded():
        return float(hasqi_v2(clean, sample_rate, heard, sample_rate, ear, level1=SPEECH_DB_SPL)[0])


def _at_the_ear(estimate: Signal, reference: Signal, sample_rate: int, audiogram: str) -> tuple[Any, Signal, Signal]:
    """The audiogram for pyclarity, the reference at level 1, and the estimate after the hearing aid."""
    check_audiogram(audiogram)
    level = float(np.sqrt(np.mean(np.square(reference))))
    if level == 0.0:
        raise InputError("the reference is silent", hint="give the clean speech as the reference")
    from clarity.enhancer.nalr import NALR
    from clarity.utils.audiogram import Audiogram

    ear = Audiogram(levels=np.array(AUDIOGRAMS[audiogram]), frequencies=np.array(FREQUENCIES))
    fitting = NALR(NAL_R_TAPS, sample_rate)
    heard = fitting.apply(fitting.build(ear)[0], estimate / level)[NAL_R_TAPS // 2 :][: estimate.size]
    return ear, reference / level, heard
