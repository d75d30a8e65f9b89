# SPDX-License-Identifier: Apache-2.0
"""Speed, room and equalizer of one signal in one pass through the frequency domain."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import fft

from codesign.base.signals import Signal32

KNOTS = 8
LOWEST_HZ, TOP_OCTAVES = 62.5, 7.0
GUARD = 512
"""Samples at the end where a signal wraps around: cut off."""
NEPER = math.log(10.0) / 20.0


class Renderer:
    """Makes signals of `length` samples; everything it knows of frequency is on one grid of FFT bins.

    `tail` is the length of the longest room response: as much of every source is played before the signal begins, so that a
    room sounds from the first sample on.
    """

    def __init__(self, length: int, sample_rate: int, tail: int) -> None:
        self.length = length
        self._tail = tail
        self.size = int(fft.next_fast_len(length + tail + GUARD, real=True))
        self.frequencies = np.maximum(fft.rfftfreq(self.size, 1 / sample_rate), 20.0).astype(np.float32)
        octave = np.log2(self.frequencies / LOWEST_HZ) * (KNOTS - 1) / TOP_OCTAVES
        # Hat functions over log frequency: a curve through KNOTS values is one product.
        self._hats = np.maximum(0.0, 1.0 - np.abs(np.clip(octave, 0, KNOTS - 1)[:, None] - np.arange(KNOTS))).astype(np.float32)

    def source_size(self, speed: float) -> int:
        """Samples that `render` needs for a signal at about this speed."""
        return int(fft.next_fast_len(round(self.size * speed), real=True))

    def render(self, source: Signal32, response: Signal32 | None = None, gain: Signal32 | None = None) -> Signal32:
        """`source` float32 (source_size(speed),) at its speed, through a room response (taps,) and a gain (bins,)."""
        spectrum = fft.rfft(source)
        bins = self.size // 2 + 1
        if spectrum.size > bins:
            spectrum = spectrum[:bins]
        elif spectrum.size < bins:
            spectrum = np.concatenate([spectrum, np.zeros(bins - spectrum.size, spectrum.dtype)])
        if gain is not None:
            spectrum *= gain
        if response is not None:
            spectrum *= fft.rfft(response, self.size)
        spectrum *= np.float32(self.size / source.size)
        return self._cut(fft.irfft(spectrum, self.size))

    def curve(self, knots_db: npt.NDArray[np.float64]) -> Signal32:
        """Gain (bins,) of a curve through KNOTS values in dB, evenly spaced in octaves from 62.5 Hz to 8 kHz."""
        return np.asarray(np.exp(self._hats @ (knots_db * NEPER).astype(np.float32)))

    def shelf(self, gain_db: float, corner_hz: float) -> Signal32:
        """Gain (bins,): `gain_db` below the corner, 0 dB above."""
        top = 10 ** (gain_db / 20)
        fourth = np.square(np.square(self.frequencies / np.float32(corner_hz)))
        return np.asarray(1 + np.float32(top - 1) / (1 + fourth))

    def high_pass(self, corner_hz: float) -> Signal32:
        """Gain (bins,) falling with 24 dB an octave below the corner."""
        return np.asarray(1 / (1 + np.square(np.square(np.float32(corner_hz) / self.frequencies))))

    def resonance(self, centre_hz: float, width: float, height: float) -> Signal32:
        """Gain (bins,) of 1 + height at the centre, falling to half the height at ± width · centre."""
        away = (self.frequencies * np.float32(1 / centre_hz) - 1) * np.float32(1 / width)
        return np.asarray(1 + np.float32(height) / (1 + away * away))

    def noise(self, rng: np.random.Generator, gain: Signal32) -> Signal32:
        """Gaussian noise of the spectrum `gain` (bins,)."""
        white = rng.standard_normal(2 * gain.size, np.float32).view(np.complex64)
        return self._cut(fft.irfft(white * gain, self.size))

    def _cut(self, signal: Signal32) -> Signal32:
        return signal[self._tail : self._tail + self.length]
