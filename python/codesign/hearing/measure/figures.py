# SPDX-License-Identifier: Apache-2.0
"""What was played and what came out → the figures of a hearing aid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.signals import Pcm
from codesign.hearing.measure.signals import SETTLED, PlayedPart
from codesign.proof.aid import CurvePoint, Harmonics

WITHIN_DB = 2.0
"""How near to its steady level an output has to stay for an attack or a release to be over (IEC 60118-2)."""
SILENT_SPL = -50.0
"""dB SPL of what has no sound: figures and curves are numbers."""
_WINDOW_PERIODS, _COLUMN_MS = 4, 5.0
_NOISE_AT, _NEAR = 1600.0, 1.0


@dataclass(frozen=True)
class Scale:
    """Hz, and dB SPL of a sine of full scale at the output."""

    sample_rate: int
    output_spl: float

    def spl(self, rms: float) -> float:
        """dB SPL of an RMS in LSB, at least SILENT_SPL."""  # noqa: D403 - a unit
        found = self.output_spl + 20 * math.log10(rms * math.sqrt(2) / 32767) if rms > 0 else SILENT_SPL
        return max(found, SILENT_SPL)


def tone_levels(
    output: Pcm, parts: Sequence[PlayedPart], use: str, scale: Scale, *, whole: bool = False
) -> tuple[CurvePoint, ...]:
    """dB SPL over Hz of the tones for `use` in the output int16 (n,), aligned: at their frequency, or as a `whole`."""  # noqa: D403
    found = []
    for part in parts:
        if part.use == use:
            samples = _settled(output, part)
            rms = float(np.sqrt(np.mean(samples**2))) if whole else abs(_component(samples, part.frequency, scale.sample_rate))
            found.append(CurvePoint(part.frequency, scale.spl(rms)))
    return tuple(found)


def distortion_of(output: Pcm, parts: Sequence[PlayedPart], scale: Scale) -> tuple[Harmonics, ...]:
    """Harmonics in an output, int16 (n,), of the tones for it, up to half of the rate."""
    found = []
    for part in parts:
        if part.use != "distortion":
            continue
        samples = _settled(output, part)
        count = int(scale.sample_rate / 2 / part.frequency * 0.999)
        sizes = [abs(_component(samples, n * part.frequency, scale.sample_rate)) for n in range(1, count + 1)]
        known = len(sizes) > 1 and sizes[0] > 0
        percent = 100 * float(np.linalg.norm(sizes[1:])) / sizes[0] if known else None
        found.append(Harmonics(part.frequency, part.spl, percent))
    return tuple(found)


def input_noise_of(output: Pcm, parts: Sequence[PlayedPart], gain: Sequence[CurvePoint], scale: Scale) -> float | None:
    """dB SPL at the input that would give what comes out of silence: less the gain near 1600 Hz."""  # noqa: D403
    part = next(part for part in parts if part.use == "silence")
    level = scale.spl(float(np.std(_settled(output, part))))
    near = min(gain, key=lambda point: abs(point.at - _NOISE_AT))
    return level - near.value if level > SILENT_SPL else None


def step_times(
    output: Pcm, parts: Sequence[PlayedPart], scale: Scale
) -> tuple[float | None, float | None, tuple[CurvePoint, ...]]:
    """Attack and release in ms, and the level in dB SPL over ms from the first step's beginning."""
    low, high, last = (part for part in parts if part.use == "step")
    length = round(_WINDOW_PERIODS * scale.sample_rate / low.frequency)
    first, end = low.start, last.start + last.length
    samples = output[first:end].astype(np.float64)
    turned = samples * np.exp(-2j * np.pi * low.frequency * np.arange(samples.size) / scale.sample_rate)
    sizes = np.abs(np.convolve(turned, np.ones(length) / length, "same")) * math.sqrt(2)
    levels = np.array([scale.spl(float(size)) for size in sizes])
    column = max(1, round(_COLUMN_MS * scale.sample_rate / 1000))
    curve = tuple(CurvePoint(1000.0 * n / scale.sample_rate, float(levels[n])) for n in range(0, levels.size, column))
    times = []
    for part in (high, last):
        # A window over a step knows of both sides: what is nearer to it than half of one is no part of the way.
        inside = levels[part.start - first : part.start - first + part.length - length]
        steady = float(np.median(inside[-inside.size // 5 :]))
        away = np.flatnonzero(np.abs(inside[length // 2 :] - steady) > WITHIN_DB)
        steady_at_last = away.size == 0 or away[-1] < 0.8 * inside.size
        after = 0.0 if away.size == 0 else 1000.0 * (away[-1] + 1 + length // 2) / scale.sample_rate
        times.append(after if steady_at_last else None)
    return times[0], times[1], curve


def _settled(output: Pcm, part: PlayedPart) -> npt.NDArray[np.float64]:
    """The end of a part, whole periods of its tone; its last samples belong to what comes next where blocks overlap."""
    return output[part.start + round(SETTLED * part.length) : part.start + round(0.97 * part.length)].astype(np.float64)


def _component(samples: npt.NDArray[np.float64], frequency: float, sample_rate: int) -> complex:
    """The complex RMS at a frequency, through a Hann window."""
    window = np.hanning(samples.size + 2)[1:-1]
    turning = np.exp(-2j * np.pi * frequency * np.arange(samples.size) / sample_rate)
    return complex(math.sqrt(2) * np.sum(samples * window * turning) / np.sum(window))
