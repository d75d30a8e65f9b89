# SPDX-License-Identifier: Apache-2.0
"""What is played to a hearing aid to measure it: tones of known levels, a step, silence and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.signals import Pcm

GAIN_SPL, OUTPUT_SPL = 60.0, 90.0
"""Levels in dB SPL at which gain and maximum output are measured (IEC 60118-0)."""
DISTORTION: tuple[tuple[float, float], ...] = ((500.0, 70.0), (800.0, 70.0), (1600.0, 65.0))
"""Hz and dB SPL of the tones whose harmonics are measured (IEC 60118-0)."""
STEP_HZ, STEPS_SPL = 1600.0, (55.0, 80.0, 55.0)
"""The tone that gets louder and fainter again (IEC 60118-2)."""
STEP_SECONDS = (0.7, 1.0, 2.5)
NOISE_SPL, NOISE_SECONDS, SILENCE_SECONDS = 75.0, 1.0, 0.7
TONE_SECONDS, SETTLED = 0.5, 0.6
"""Length of a tone, and the part of it that passes before it is looked at."""
THIRD_OCTAVES = (
    200.0,
    250.0,
    315.0,
    400.0,
    500.0,
    630.0,
    800.0,
    1000.0,
    1250.0,
    1600.0,
    2000.0,
    2500.0,
    3150.0,
    4000.0,
    5000.0,
)
HIGHER = (6300.0, 8000.0, 10000.0, 12500.0, 16000.0, 20000.0)
_HIGHEST = 0.9
"""Of half of the sample rate: the last tone."""


@dataclass(frozen=True)
class PlayedPart:
    """A part of what is played: `start` and `length` in samples, what it is for, its Hz and dB SPL (0 where it is no tone)."""

    use: str
    start: int
    length: int
    frequency: float = 0.0
    spl: float = 0.0


def frequencies_at(sample_rate: int) -> tuple[float, ...]:
    """Hz of the tones: third octaves from 200 Hz to nine tenths of half of the rate."""
    return tuple(f for f in (*THIRD_OCTAVES, *HIGHER) if f <= _HIGHEST * sample_rate / 2)


def played(sample_rate: int, input_spl: float) -> tuple[Pcm, tuple[PlayedPart, ...]]:
    """Int16 PCM (n,) and its parts, for an input at which a sine of full scale has `input_spl` dB SPL."""
    pieces: list[npt.NDArray[np.float64]] = []
    parts: list[PlayedPart] = []

    def add(use: str, samples: npt.NDArray[np.float64], frequency: float = 0.0, spl: float = 0.0) -> None:
        parts.append(PlayedPart(use, sum(piece.size for piece in pieces), samples.size, frequency, spl))
        pieces.append(samples)

    def tone(frequency: float, spl: float, seconds: float, start: int = 0) -> npt.NDArray[np.float64]:
        samples = start + np.arange(round(seconds * sample_rate))
        return 32767 * 10 ** ((spl - input_spl) / 20) * np.sin(2 * np.pi * frequency * samples / sample_rate)

    for use, spl in (("gain", GAIN_SPL), ("output", OUTPUT_SPL)):
        for frequency in frequencies_at(sample_rate):
            add(use, tone(frequency, spl, TONE_SECONDS), frequency, spl)
    for frequency, spl in DISTORTION:
        add("distortion", tone(frequency, spl, TONE_SECONDS), frequency, spl)
    start = 0
    for spl, seconds in zip(STEPS_SPL, STEP_SECONDS, strict=True):
        add("step", tone(STEP_HZ, spl, seconds, start), STEP_HZ, spl)
        start += round(seconds * sample_rate)
    add("silence", np.zeros(round(SILENCE_SECONDS * sample_rate)))
    noise = np.random.default_rng(1).standard_normal(round(NOISE_SECONDS * sample_rate))
    add("noise", noise * 32767 * 10 ** ((NOISE_SPL - input_spl) / 20) / np.sqrt(2))
    pcm = np.rint(np.concatenate(pieces)).clip(-32768, 32767).astype(np.int16)
    return pcm, tuple(parts)
