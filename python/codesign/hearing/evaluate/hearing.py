# SPDX-License-Identifier: Apache-2.0
"""HASPI and HASQI for an audiogram, as pyclarity computes them (extra "metrics")."""

from __future__ import annotations

from typing import Any

import numpy as np

from codesign.base.errors import InputError
from codesign.base.randomness import seeded
from codesign.base.signals import Signal
from codesign.compiler.frontend.compressor import Compressor
from codesign.hearing.fitting.aided import aided
from codesign.hearing.fitting.audiogram import read_audiogram

FREQUENCIES = (250, 500, 1000, 2000, 4000, 6000)
"""Hz at which HASPI and HASQI take an audiogram."""
SPEECH_DB_SPL = 65.0
NAL_R_TAPS = 220


def haspi(estimate: Signal, reference: Signal, sample_rate: int, audiogram: str, fit: Compressor | None = None) -> float:
    """Intelligibility, 0 to 1, for a listener with this audiogram, named or typed: HASPI version 2 (Kates and Arehart, Speech
    Communication 131, 2021), as pyclarity computes it.

    Clean speech `reference` (n,) is at 65 dB SPL, and `estimate` (n,) on the same scale; it is heard through a linear hearing
    aid with NAL-R gains, or through the compressor `fit`. The model adds dither, always the same.

    Raises:
        InputError: the audiogram is unknown, or the reference is silent.
        ImportError: pyclarity is not installed.
    """
    ear, clean, heard = _at_the_ear(estimate, reference, sample_rate, audiogram, fit)
    from clarity.evaluator.haspi import haspi_v2

    with seeded():
        return float(haspi_v2(clean, sample_rate, heard, sample_rate, ear, level1=SPEECH_DB_SPL)[0])


def hasqi(estimate: Signal, reference: Signal, sample_rate: int, audiogram: str, fit: Compressor | None = None) -> float:
    """Quality, 0 to 1, for a listener with this audiogram: HASQI version 2 (Kates and Arehart, JAES 62(3), 2014).

    Arguments and errors are those of `haspi`.
    """
    ear, clean, heard = _at_the_ear(estimate, reference, sample_rate, audiogram, fit)
    from clarity.evaluator.hasqi import hasqi_v2

    with seeded():
        return float(hasqi_v2(clean, sample_rate, heard, sample_rate, ear, level1=SPEECH_DB_SPL)[0])


def _at_the_ear(
    estimate: Signal, reference: Signal, sample_rate: int, audiogram: str, fit: Compressor | None
) -> tuple[Any, Signal, Signal]:
    """The audiogram for pyclarity, the reference at level 1, and the estimate after the hearing aid."""
    losses = read_audiogram(audiogram)
    level = float(np.sqrt(np.mean(np.square(reference))))
    if level == 0.0:
        raise InputError("the reference is silent", hint="give the clean speech as the reference")
    from clarity.enhancer.nalr import NALR
    from clarity.utils.audiogram import Audiogram

    ear = Audiogram(levels=losses.at(FREQUENCIES), frequencies=np.array(FREQUENCIES))
    if fit is not None:
        return ear, reference / level, aided(estimate / level, SPEECH_DB_SPL, sample_rate, fit)
    fitting = NALR(NAL_R_TAPS, sample_rate)
    heard = fitting.apply(fitting.build(ear)[0], estimate / level)[NAL_R_TAPS // 2 :][: estimate.size]
    return ear, reference / level, heard
