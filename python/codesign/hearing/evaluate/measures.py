# SPDX-License-Identifier: Apache-2.0
"""Figures of speech quality: what they are called, which of them this machine has, and how each is computed."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass

import numpy as np

from codesign.base.audio import FULL_SCALE
from codesign.base.errors import InputError
from codesign.base.metrics import estoi, si_sdr
from codesign.base.signals import Pcm, Signal
from codesign.compiler.frontend.compressor import Compressor
from codesign.hearing.evaluate.hearing import haspi, hasqi

PESQ_RATE = 16000


@dataclass(frozen=True)
class Measure:
    """`key` in documents, `name` and `unit` for people; more is better in all of them.

    No value, and so no mean, lies below `lowest` or above `highest`; None where there is no such limit.
    """

    key: str
    name: str
    unit: str
    digits: int
    lowest: float | None = None
    highest: float | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest value, infinite where there is no limit."""
        return (-math.inf if self.lowest is None else self.lowest, math.inf if self.highest is None else self.highest)


MEASURES = (
    Measure("si_sdr", "SI-SDR", "dB", 2),
    Measure("si_sdri", "SI-SDRi", "dB", 2),
    Measure("estoi", "ESTOI", "", 3, -1.0, 1.0),
    Measure("pesq_wb", "PESQ-WB", "MOS", 2, 1.0, 4.65),
    Measure("haspi", "HASPI", "", 3, 0.0, 1.0),
    Measure("hasqi", "HASQI", "", 3, 0.0, 1.0),
)


@dataclass(frozen=True)
class Absent:
    """A figure that is not computed, and why."""

    measure: str
    reason: str


def available(sample_rate: int, audiogram: str = "") -> tuple[tuple[Measure, ...], tuple[Absent, ...]]:
    """The measures to compute at this rate, and those that are left out."""
    absent: dict[str, str] = {}
    if importlib.util.find_spec("pesq") is None:
        absent["pesq_wb"] = "pesq is not installed: pip install pesq"
    elif sample_rate < PESQ_RATE:
        absent["pesq_wb"] = f"wideband PESQ needs {PESQ_RATE} Hz, the recordings have {sample_rate} Hz"
    reason = ""
    if not audiogram:
        reason = "no audiogram was named"
    elif importlib.util.find_spec("clarity") is None or importlib.util.find_spec("numba") is None:
        reason = "pyclarity is not installed: pip install 'codesign[metrics]'"
    if reason:
        absent |= {"haspi": reason, "hasqi": reason}
    chosen = tuple(measure for measure in MEASURES if measure.key not in absent)
    return chosen, tuple(Absent(m.name, absent[m.key]) for m in MEASURES if m.key in absent)


def uninstalled(audiogram: str = "") -> tuple[Absent, ...]:
    """The measures whose packages are not installed, at any rate: known before anything is read."""
    return tuple(absent for absent in available(PESQ_RATE, audiogram)[1] if "not installed" in absent.reason)


def compute(
    key: str, estimate: Pcm, noisy: Pcm, clean: Pcm, sample_rate: int, audiogram: str, fit: Compressor | None = None
) -> float:
    """One measure of `estimate`; three aligned signals (n,) of int16. A listener hears through `fit`, or NAL-R gains.

    Raises:
        InputError: these signals have no such figure.
    """
    heard, before, speech = (signal / FULL_SCALE for signal in (estimate, noisy, clean))
    match key:
        case "si_sdr":
            return si_sdr(heard, speech)
        case "si_sdri":
            return si_sdr(heard, speech) - si_sdr(before, speech)
        case "estoi":
            return estoi(heard, speech, sample_rate)
        case "pesq_wb":
            return pesq_wb(heard, speech, sample_rate)
        case "haspi":
            return haspi(heard, speech, sample_rate, audiogram, fit)
        case "hasqi":
            return hasqi(heard, speech, sample_rate, audiogram, fit)
        case _:
            raise ValueError(f"no measure is called {key}")


def pesq_wb(estimate: Signal, reference: Signal, sample_rate: int) -> float:
    """Wideband PESQ, MOS-LQO 1.0 to 4.64 (ITU-T P.862.2, by the package pesq); other rates are resampled to 16 kHz.

    Raises:
        InputError: a signal is too short or has no speech in it.
        ImportError: pesq is not installed.
    """
    import soxr
    from pesq import pesq

    pair = [np.asarray(signal, np.float64) for signal in (reference, estimate)]
    if sample_rate != PESQ_RATE:
        pair = [np.asarray(soxr.resample(signal, sample_rate, PESQ_RATE, quality="VHQ")) for signal in pair]
    for name, signal in zip(("reference", "estimate"), pair, strict=True):
        if not np.any(signal):
            raise InputError(f"PESQ: the {name} is silent", hint="give recordings with speech")
    try:
        return float(pesq(PESQ_RATE, *pair, "wb"))
    except (RuntimeError, ValueError) as error:
        raise InputError(f"PESQ: {_said(error)}", hint="give recordings of a quarter second or more, with speech") from error


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
