# SPDX-License-Identifier: Apache-2.0
"""The figures of the hearing aid that an image is, and how they are said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codesign.proof.verdict import Delay


@dataclass(frozen=True)
class CurvePoint:
    """A value at a frequency in Hz, or at a time in ms."""

    at: float
    value: float


@dataclass(frozen=True)
class Harmonics:
    """Total harmonic distortion of a tone, in percent; None where there are no harmonics below half of the rate."""

    frequency: float
    spl: float
    percent: float | None


@dataclass(frozen=True)
class AidFigures:
    """In the manner of IEC 60118-0 and 60118-2; docs/hearing-aid-chain.md says what differs.

    `gain` is in dB at 60 dB SPL, `output` in dB SPL at 90 (OSPL90), over Hz; `steps` is the level of the output in dB SPL over
    ms while the input goes 55, 80, 55 dB SPL. `input_noise` is in dB SPL, None where silence stays silent. `attack_ms` and
    `release_ms` are the times until the output stays within 2 dB of its steady level, None where it never does.
    """

    model: str
    board: str
    machine: str
    program: str
    strength: int | None
    input_spl: float
    output_spl: float
    gain: tuple[CurvePoint, ...]
    output: tuple[CurvePoint, ...]
    distortion: tuple[Harmonics, ...]
    input_noise: float | None
    attack_ms: float | None
    release_ms: float | None
    steps: tuple[CurvePoint, ...]
    delay: Delay

    @property
    def highest_output(self) -> CurvePoint:
        """The largest of `output`."""
        return max(self.output, key=lambda point: point.value)

    @property
    def average_gain(self) -> float:
        """Mean of `gain` at 1000, 1600 and 2500 Hz, in dB."""
        found = [point.value for point in self.gain if point.at in (1000.0, 1600.0, 2500.0)]
        return float(np.mean(found or [point.value for point in self.gain]))


def rows_of(figures: AidFigures) -> list[tuple[str, str]]:
    """What was measured, line by line: name and value."""
    loudest, delay = figures.highest_output, figures.delay
    harmonics = [
        (
            f"distortion at {each.frequency:g} Hz, {each.spl:g} dB SPL",
            "none" if each.percent is None else f"{each.percent:.2f} %",
        )
        for each in figures.distortion
    ]
    return [
        ("gain at 60 dB SPL, mean of 1000, 1600 and 2500 Hz", f"{figures.average_gain:.1f} dB"),
        ("largest output at 90 dB SPL (OSPL90)", f"{loudest.value:.1f} dB SPL at {loudest.at:g} Hz"),
        *harmonics,
        ("equivalent input noise", _or_none(figures.input_noise, "dB SPL", "none: silence stays silent")),
        ("attack, 55 to 80 dB SPL at 1600 Hz, within 2 dB", _or_none(figures.attack_ms, "ms", "not steady")),
        ("release, 80 to 55 dB SPL at 1600 Hz, within 2 dB", _or_none(figures.release_ms, "ms", "not steady")),
        ("delay, input to output", f"{delay.total_ms:.2f} ms{'' if delay.measured else ' (by the chain)'}"),
        ("of it in the chain", f"{delay.algorithmic_ms:.2f} ms"),
    ]


def _or_none(value: float | None, unit: str, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.1f} {unit}"
