# SPDX-License-Identifier: Apache-2.0
"""The front end's sizes: everything that a model file says about the signal around its network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from codesign.base.errors import InputError

WINDOW_KINDS = ("hann", "sqrt_hann")
FEATURE_KINDS = ("mel_magnitude", "mel_power")
Arithmetic = Literal["float32", "q31"]
"""What a front end computes in: IEEE 754 binary32, or integers of 32 bits with an exponent a frame."""

MIN_N_FFT, MAX_N_FFT = 16, 4096


@dataclass(frozen=True)
class FrontEnd:
    """Short-time Fourier transform, mel bands and compression of one model.

    Lengths are in samples, frequencies in Hz. `window` frames are zero-padded at their end to `n_fft`.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    window: int = 512
    hop: int = 256
    window_kind: str = "sqrt_hann"
    feature: str = "mel_magnitude"
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float = 8000.0
    exponent: float = 0.3

    def __post_init__(self) -> None:
        for holds, message in self._checks():
            if not holds:
                raise InputError(f"front end: {message}", hint="correct the model's metadata_props (docs/model-file.md)")

    def _checks(self) -> Iterator[tuple[bool, str]]:
        """Conditions with what to say where they fail, one at a time: each may build on those before it."""
        yield 4000 <= self.sample_rate <= 192000, f"sample_rate {self.sample_rate} is not in 4000…192000 Hz"
        power_of_two = self.n_fft & (self.n_fft - 1) == 0
        limits = f"{MIN_N_FFT}…{MAX_N_FFT}"
        yield power_of_two and MIN_N_FFT <= self.n_fft <= MAX_N_FFT, f"n_fft {self.n_fft} is not a power of two in {limits}"
        yield 2 <= self.window <= self.n_fft, f"window {self.window} is not in 2…n_fft={self.n_fft}"
        divides = self.hop > 0 and self.window % self.hop == 0 and self.window >= 2 * self.hop
        yield divides, f"hop {self.hop} does not divide window {self.window} into two or more parts"
        yield self.window_kind in WINDOW_KINDS, f"window_kind '{self.window_kind}' is not one of {WINDOW_KINDS}"
        yield self.feature in FEATURE_KINDS, f"feature '{self.feature}' is not one of {FEATURE_KINDS}"
        yield 1 <= self.n_mels <= self.n_bins, f"n_mels {self.n_mels} is not in 1…{self.n_bins} (bins)"
        in_order = 0 <= self.f_min < self.f_max <= self.sample_rate / 2
        band = f"f_min {self.f_min} and f_max {self.f_max}"
        yield in_order, f"{band} do not satisfy 0 ≤ f_min < f_max ≤ sample_rate/2"
        yield 0 < self.exponent <= 1, f"exponent {self.exponent} is not in (0, 1]"

    @property
    def n_bins(self) -> int:
        """Bins of the one-sided spectrum, n_fft/2 + 1."""
        return self.n_fft // 2 + 1

    @property
    def latency_samples(self) -> int:
        """Delay of the output stream against the input stream, window − hop samples."""
        return self.window - self.hop

    @property
    def hop_ms(self) -> float:
        """Time between two frames: the deadline of one frame, in ms."""
        return 1000.0 * self.hop / self.sample_rate

    @property
    def algorithmic_latency_ms(self) -> float:
        """Window length in ms: stream delay (window − hop) plus the block of one hop; computation not included."""
        return 1000.0 * self.window / self.sample_rate
