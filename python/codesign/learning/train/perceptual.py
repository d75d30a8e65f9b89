# SPDX-License-Identifier: Apache-2.0
"""How much worse than the target a listener would find an estimate: the disturbances of ITU-T P.862 (PESQ), to be minimised.

P.862 takes loudness over Bark bands of both signals, forgives constant filtering and slow changes of level, and weighs what
was added more than what is missing. Two things are smooth here that are tables there: the Bark scale (Traunmüller, "Analytical
expressions for the tonotopic sensory scale", JASA 88, 1990; widths fitted to the standard's 49 bands) and the threshold in
quiet. Signals must be aligned in time, which mixtures are.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from codesign.learning.train.spectral import half_overlapping, rfft

WINDOW_SECONDS = 0.032
BANDS = 49
BARK_SCALE, BARK_GROWTH = 24.27, 0.01301
"""Upper edge of band k (from 0) in Bark: BARK_SCALE·(exp(BARK_GROWTH·(k + 0.5)) - 1)."""
SPEECH_BAND_HZ = (325.0, 3250.0)
LEVEL = 3.4e6
"""Power of the speech band, a frame's mean, to which signals are brought before the input filter."""
INPUT_GAIN, INPUT_CORNER_HZ = 7.9, 100.0
"""Of the wideband input filter, a second-order high pass: power gain far above its corner."""
THRESHOLD_BARK_DB = (
    (0.1, 77.1), (0.3, 63.9), (0.6, 48.5), (1.0, 36.9), (1.3, 30.7), (1.6, 25.9), (2.0, 20.2), (2.3, 16.6),
    (2.7, 12.5), (3.0, 9.9), (3.4, 6.9), (4.1, 2.8), (4.8, -0.1), (6.0, -3.4), (7.2, -5.3), (8.5, -6.0),
    (10.2, -5.8), (12.5, -4.0), (14.0, -3.1), (16.0, -2.8), (17.6, -2.9), (19.3, -4.3), (20.5, -3.8), (21.0, -2.7),
)  # fmt: skip
"""Hearing threshold in quiet."""
LOUDNESS_SCALE, LOUDNESS_POWER = 0.1866, 0.23
SYMMETRIC, ASYMMETRIC = 0.1, 0.0309
"""Points of the raw score that a unit of each disturbance costs."""
WORST = 45.0
"""Largest disturbance of a frame."""
SECTION = 20
"""Frames of the sections, half overlapping, whose worst frames count most."""
AUDIBLE_FRAME = 1e7
"""Power of a target's frame that counts as speech."""
TINY = 1e-30
"""Keeps the sixth root differentiable at nought."""


class _Scale(NamedTuple):
    """Constants of a sample rate: `bank` [bins, bands] from powers of bins to power per Bark; the rest [bands] or [bins]."""

    window: Tensor
    speech: Tensor
    bank: Tensor
    width: Tensor
    threshold: Tensor
    power: Tensor


def disturbance(estimate: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """Points of the raw P.862 score (4.5 at best) that the estimate loses, ≥ 0: [batch, samples] twice → [batch].

    Float signals of 32 ms or more at `sample_rate` Hz, of any level; a silent target gives finite figures that mean nothing.
    Mapped as P.862.2 maps it, the score is within 0.12 of PESQ-WB's on speech in noise of -5 to 35 dB (tests/train).
    The formulas are those of the perceptual model of ITU-T P.862 (2001), with the input filter of P.862.2 (2007).
    """
    scale = _scale(sample_rate, estimate.device)
    degraded, reference = _bark(estimate, scale), _bark(target, scale)
    with torch.no_grad():
        speaks = (_audible(reference, scale, 100.0).sum(-1, keepdim=True) >= AUDIBLE_FRAME).float()
    one, other = ((_audible(power, scale, 100.0) * speaks).mean(1, keepdim=True) for power in (degraded, reference))
    reference = reference * _ratio(one, other, 1e3).clamp(0.01, 100.0)
    one, other = (_audible(power, scale, 1.0).sum(-1, keepdim=True) for power in (reference, degraded))
    level = _ratio(one, other, 5e3)
    level = torch.cat((level[:, :1], 0.8 * level[:, 1:] + 0.2 * level[:, :-1]), 1).clamp(3e-4, 5.0)
    degraded = degraded * level
    one, other = _loudness(degraded, scale), _loudness(reference, scale)
    masked = ((one - other).abs() - 0.25 * torch.minimum(one, other)).clamp(min=0.0)
    added = _ratio(degraded, reference, 50.0) ** 1.2
    added = torch.where(added < 3.0, 0.0, added.clamp(max=12.0))
    width, total = scale.width, float(scale.width.sum())
    symmetric = ((masked * width).square().sum(-1) * total + 1e-12).sqrt()
    asymmetric = (masked * added * width).sum(-1)
    loud = ((_audible(reference, scale, 1.0).sum(-1) + 1e5) / 1e7) ** 0.04
    return SYMMETRIC * _over_time(symmetric / loud) + ASYMMETRIC * _over_time(asymmetric / loud)


def _bark(signal: Tensor, scale: _Scale) -> Tensor:
    """Power per Bark of each frame, [batch, frames, bands], the speech band brought to LEVEL."""
    spectrum = torch.view_as_real(rfft(half_overlapping(signal, len(scale.window)) * scale.window, len(scale.window)))
    power = spectrum.square().sum(-1)
    level = (power * scale.speech).sum(-1).mean(-1)[:, None, None]
    return (power @ scale.bank) * (LEVEL / (level + 1e-12))


def _audible(power: Tensor, scale: _Scale, factor: float) -> Tensor:
    return torch.where(power > scale.threshold * factor, power, 0.0)


def _ratio(one: Tensor, other: Tensor, floor: float) -> Tensor:
    return (one + floor) / (other + floor)


def _loudness(power: Tensor, scale: _Scale) -> Tensor:
    """Zwicker's law: sone per Bark."""
    heard = (0.5 + 0.5 * power.clamp(min=scale.threshold) / scale.threshold) ** scale.power - 1.0
    return LOUDNESS_SCALE * (2.0 * scale.threshold) ** scale.power * heard


def _over_time(frames: Tensor) -> Tensor:
    """[batch, frames] → [batch]: sixth-power mean in sections, then the mean square of the sections."""
    size = min(SECTION, frames.shape[1])
    sections = frames.clamp(max=WORST).unfold(1, size, max(1, size // 2))
    worst = ((sections / WORST) ** 6 + TINY).mean(-1) ** (1 / 6) * WORST
    return (worst.square().mean(-1) + 1e-12).sqrt()


@cache
def _scale(sample_rate: int, device: torch.device) -> _Scale:
    size = 2 * round(WINDOW_SECONDS * sample_rate / 2)
    hz = np.arange(size // 2 + 1) * sample_rate / size
    step = sample_rate / size
    edges = np.concatenate(([0.0], BARK_SCALE * (np.exp(BARK_GROWTH * (np.arange(BANDS) + 0.5)) - 1.0)))
    edges_hz = np.concatenate(([0.5 * step], _hz(edges[1:])))  # without the constant
    low, high = hz[:, None] - step / 2, hz[:, None] + step / 2
    overlap = (np.minimum(high, edges_hz[1:]) - np.maximum(low, edges_hz[:-1])).clip(min=0.0) / step
    width, centre = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    per_bark = (edges_hz[1:] - edges_hz[:-1]) / width
    mean = overlap / overlap.sum(0).clip(min=1e-9)  # a band above half the sample rate has no bins
    gain = INPUT_GAIN * hz**4 / (hz**4 + INPUT_CORNER_HZ**4)
    speech = (hz >= SPEECH_BAND_HZ[0]) & (hz <= SPEECH_BAND_HZ[1])
    places, levels = np.array(THRESHOLD_BARK_DB).T
    threshold = 10 ** (np.interp(centre, places, levels) / 10)
    power = LOUDNESS_POWER * np.clip(6 / (centre + 2.0), 1.0, 2.0) ** 0.15
    constants = (np.hanning(size + 1)[:size], speech, gain[:, None] * mean * per_bark, width, threshold, power)
    return _Scale(*(torch.tensor(np.asarray(c), dtype=torch.float32, device=device) for c in constants))


def _hz(bark: np.ndarray) -> np.ndarray:
    """Frequency of a place on the Bark scale: 100 Hz a Bark at first, Traunmüller's formula above."""
    return np.where(bark < 4.0, 100.0 * bark, 1960.0 * (bark + 0.53) / (26.28 - bark))
