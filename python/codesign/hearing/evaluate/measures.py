"""Figures of speech quality: what they are called, which of them this machine has, and all of them of one signal."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.base.metrics import estoi, si_sdr
from codesign.hearing.evaluate.hearing import haspi_hasqi

PESQ_RATE = 16000
Signal = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """`key` in documents, `name` and `unit` for people; more is better in all of them."""

    key: str
    name: str
    unit: str
    digits: int


MEASURES = (
    Measure("si_sdr", "SI-SDR", "dB", 2),
    Measure("si_sdri", "SI-SDRi", "dB", 2),
    Measure("estoi", "ESTOI", "", 3),
    Measure("pesq_wb", "PESQ-WB", "MOS", 2),
    Measure("haspi", "HASPI", "", 3),
    Measure("hasqi", "HASQI", "", 3),
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


@dataclass(frozen=True)
class Values:
    """Measure → value of one signal, None where there is none; `problems` say why, (measure, reason)."""

    values: dict[str, float | None]
    problems: tuple[tuple[str, str], ...]


def score(
    estimate: Signal, noisy: Signal, clean: Signal, sample_rate: int, measures: Sequence[Measure], audiogram: str = ""
) -> Values:
    """All `measures` of `estimate`, three aligned signals (n,), full scale 1."""
    values: dict[str, float | None] = {}
    problems: list[tuple[str, str]] = []
    wanted = {measure.key for measure in measures}

    def keep(key: str, value: float) -> None:
        values[key] = value if math.isfinite(value) else None
        if not math.isfinite(value):
            problems.append((key, f"is {value:g}: the signal has nothing but speech, or none of it"))

    for key in ("si_sdr", "si_sdri", "estoi", "pesq_wb"):
        if key not in wanted:
            continue
        try:
            match key:
                case "si_sdr":
                    keep(key, si_sdr(estimate, clean))
                case "si_sdri":
                    keep(key, si_sdr(estimate, clean) - si_sdr(noisy, clean))
                case "estoi":
                    keep(key, estoi(estimate, clean, sample_rate))
                case _:
                    keep(key, pesq_wb(estimate, clean, sample_rate))
        except InputError as error:
            values[key] = None
            problems.append((key, error.message))
    if "haspi" in wanted:
        try:
            intelligibility, quality = haspi_hasqi(estimate, clean, sample_rate, audiogram)
            keep("haspi", intelligibility)
            keep("hasqi", quality)
        except InputError as error:
            values |= {"haspi": None, "hasqi": None}
            problems.append(("haspi", error.message))
    return Values(values, tuple(problems))


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
    if not any(np.any(signal) for signal in pair):
        raise InputError("PESQ: both signals are silent", hint="give recordings with speech")
    try:
        return float(pesq(PESQ_RATE, *pair, "wb"))
    except (RuntimeError, ValueError) as error:
        raise InputError(f"PESQ: {_said(error)}", hint="give recordings of a quarter second or more, with speech") from error


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
