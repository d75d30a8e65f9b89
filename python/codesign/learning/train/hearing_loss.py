# SPDX-License-Identifier: Apache-2.0
"""What a listener with a hearing loss would miss: correlation of audible envelopes, with a gradient.

After HASPI (Kates and Arehart, "The Hearing-Aid Speech Perception Index (HASPI) version 2", Speech Communication 2021):
envelopes of auditory bands in dB above the threshold of hearing, their shape over frequency as six half-cosine coefficients,
and the correlation of each course with that of the clean speech. It leaves out what has no gradient or little
effect: outer and middle ear, widths of bands that change with level, modulation filters. A guide for training and no
measure: `codesign evaluate --audiogram` computes HASPI itself.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from codesign.learning.train.spectral import half_overlapping, rfft

FREQUENCIES = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 6000.0)
"""Hz at which thresholds are given."""
SPEECH_DB_SPL = 65.0
"""Level of the clean speech at the ear."""
BANDS, COEFFICIENTS = 32, 6
LOWEST, HIGHEST = 80.0, 8000.0
WINDOW_SECONDS = 0.016
AIDED = 0.46
"""Part of a loss that the hearing aid's gain makes up for: the half-gain rule (Lybarger 1944), a little less, as of NAL-R."""
_QUIET = 1e-3


def missed_envelopes(estimate: Tensor, target: Tensor, sample_rate: int, thresholds: tuple[float, ...]) -> Tensor:
    """1 − the mean correlation of the coefficients' courses, [batch], 0 for the same signal; signals are [batch, samples].

    `thresholds` are in dB HL at FREQUENCIES. The clean signal is at SPEECH_DB_SPL, the estimate as loud as it is beside it.
    """
    window = 2 * round(WINDOW_SECONDS * sample_rate / 2)
    gain = 10 ** (SPEECH_DB_SPL / 20) / (target.square().mean(-1, keepdim=True) + 1e-10).sqrt()
    one, other = (_coefficients(signal * gain, sample_rate, window, thresholds) for signal in (estimate, target))
    one, other = (course - course.mean(1, keepdim=True) for course in (one, other))
    power, reference = one.square().sum(1), other.square().sum(1)
    correlation = (one * other).sum(1) / ((power + _QUIET) * (reference + _QUIET)).sqrt()
    return 1.0 - correlation.mean(-1)


def _coefficients(signal: Tensor, sample_rate: int, window: int, thresholds: tuple[float, ...]) -> Tensor:
    """[batch, samples] in units of 0 dB SPL → [batch, frames, COEFFICIENTS] of the levels above threshold."""
    bands, floor, cosines = (table.to(signal.device) for table in _tables(sample_rate, window, thresholds))
    spectrum = rfft(half_overlapping(signal, window) * torch.hann_window(window, device=signal.device), window)
    power = torch.view_as_real(spectrum).square().sum(-1) @ bands
    above = 10.0 * torch.log10(power / floor + 1.0)  # smooth at the threshold, nothing below it
    return above @ cosines


@cache
def _tables(sample_rate: int, window: int, thresholds: tuple[float, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Bins → bands, equally spaced on the ERB-rate scale (Glasberg and Moore 1990); thresholds as powers; the half-cosines."""
    edges = np.interp(np.linspace(0, 1, BANDS + 2), [0, 1], _erb_rate(np.array([LOWEST, min(HIGHEST, sample_rate / 2)])))
    centres = (10 ** (edges / 21.4) - 1) / 0.00437
    bins = np.arange(window // 2 + 1) * sample_rate / window
    wide = np.maximum(centres[2:] - centres[:-2], 2 * sample_rate / window)  # a band is no narrower than a bin
    weights = np.maximum(0.0, 1.0 - np.abs(bins[:, None] - centres[1:-1]) / (wide / 2))
    # A sine of the window's length has its power times (Σ hann)²/4 in its bin.
    weights /= np.square(np.hanning(window + 1)[:-1].sum()) / 4
    losses = np.interp(np.log(centres[1:-1]), np.log(FREQUENCIES), thresholds)
    floor = 10 ** ((losses * (1.0 - AIDED)) / 10)
    place = np.arange(BANDS) / (BANDS - 1)
    cosines = np.cos(np.pi * place[:, None] * np.arange(COEFFICIENTS)) / BANDS
    weights_, floor_, cosines_ = (torch.tensor(table, dtype=torch.float32) for table in (weights, floor, cosines))
    return weights_, floor_, cosines_


def _erb_rate(hertz: np.ndarray) -> np.ndarray:
    return np.asarray(21.4 * np.log10(1 + 0.00437 * hertz))
