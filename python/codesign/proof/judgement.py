# SPDX-License-Identifier: Apache-2.0
"""Whether a network makes speech better or worse: a proof says that the firmware is the network, not that it is good."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from codesign.base.words import counted
from codesign.proof.verdict import Quality

SI_SDR_TOLERANCE, ESTOI_TOLERANCE = 0.1, 0.005
"""Less than this, dB and ESTOI, nobody hears: such a change is neither better nor worse."""


@dataclass(frozen=True)
class Change:
    """Means of a figure over the recordings that have it, before and after the network."""

    noisy: float
    enhanced: float


@dataclass(frozen=True)
class QualitySummary:
    """Speech of all `recordings` with a clean signal. None where no recording has the figure.

    `worse_recordings` are those whose SI-SDR or ESTOI fell; `worse`: a mean fell, or every recording is worse.
    """

    recordings: int
    si_sdr: Change | None
    estoi: Change | None
    worse: bool
    worse_recordings: tuple[str, ...]


def summarize_quality(found: Sequence[Quality]) -> QualitySummary | None:
    """The summary of all recordings' quality; None where no recording had a clean signal."""
    if not found:
        return None
    si_sdr = _change([(q.si_sdr_noisy, q.si_sdr_enhanced) for q in found])
    estoi = _change([(q.estoi_noisy, q.estoi_enhanced) for q in found])
    fell = [q.recording for q in found if _fell(q)]
    worse = (
        (si_sdr is not None and si_sdr.enhanced < si_sdr.noisy - SI_SDR_TOLERANCE)
        or (estoi is not None and estoi.enhanced < estoi.noisy - ESTOI_TOLERANCE)
        or len(fell) == len(found)
    )
    return QualitySummary(len(found), si_sdr, estoi, worse, tuple(fell))


def quality_in_words(summary: QualitySummary | None) -> str:
    """One sentence of figures, and one on what got worse if something did."""
    if summary is None:
        return "Speech quality was not measured: it needs the recordings' clean signals."
    count = counted(summary.recordings, "recording")
    figures = []
    if summary.si_sdr is not None:
        figures.append(f"SI-SDR {summary.si_sdr.noisy:.1f} → {summary.si_sdr.enhanced:.1f} dB")
    if summary.estoi is not None:
        figures.append(f"ESTOI {summary.estoi.noisy:.2f} → {summary.estoi.enhanced:.2f}")
    said = f"Speech quality, {count}: {', '.join(figures) or 'no finite figure'}."
    fell = len(summary.worse_recordings)
    if summary.worse:
        return f"{said} The network makes speech worse{f', {fell} of {count}' if summary.recordings > 1 else ''}."
    if fell:
        names = ", ".join(summary.worse_recordings[:3]) + (" …" if fell > 3 else "")
        return f"{said} {fell} of them {'is' if fell == 1 else 'are'} worse than before: {names}."
    return said


def _change(pairs: Sequence[tuple[float, float]]) -> Change | None:
    finite = [(noisy, enhanced) for noisy, enhanced in pairs if math.isfinite(noisy) and math.isfinite(enhanced)]
    if not finite:
        return None
    return Change(sum(noisy for noisy, _ in finite) / len(finite), sum(enhanced for _, enhanced in finite) / len(finite))


def _fell(quality: Quality) -> bool:
    return (
        quality.si_sdr_enhanced < quality.si_sdr_noisy - SI_SDR_TOLERANCE
        or quality.estoi_enhanced < quality.estoi_noisy - ESTOI_TOLERANCE
    )
