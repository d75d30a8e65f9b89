# SPDX-License-Identifier: Apache-2.0
"""Losses: SI-SDR in the time domain, SDR to fix the scale, a spectral distance, the disturbance of P.862."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from codesign.learning.train.perceptual import disturbance
from codesign.learning.train.recipe import LossRecipe
from codesign.learning.train.spectral import compress, half_overlapping, rfft

CEILING_DB = 30.0
"""A pair better than this pulls no longer: nearly clean mixtures would outweigh all others."""
POWER = 0.3
"""Of the magnitudes whose distance is taken, as in the features."""
SILENT = 1e-7
"""Mean square below which a target counts as no speech."""


def si_sdr(estimate: Tensor, target: Tensor, ceiling_db: float = 60.0) -> Tensor:
    """Scale-invariant SDR in dB of each signal, [batch, samples] → [batch], saturating smoothly at `ceiling_db`.

    Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019, of signals without their mean.
    """
    estimate = estimate - estimate.mean(dim=-1, keepdim=True)
    target = target - target.mean(dim=-1, keepdim=True)
    gain = (estimate * target).sum(-1, keepdim=True) / (target.square().sum(-1, keepdim=True) + 1e-10)
    return sdr(estimate, gain * target, ceiling_db)


def sdr(estimate: Tensor, target: Tensor, ceiling_db: float) -> Tensor:
    """10·log10 of target power over error power of each signal, saturating smoothly at `ceiling_db`."""
    power = target.square().sum(-1)
    error = (estimate - target).square().sum(-1)
    return 10 * torch.log10((power + 1e-8) / (error + 10 ** (-ceiling_db / 10) * power + 1e-8))


def spectral_distance(estimate: Tensor, target: Tensor, windows: Sequence[int]) -> Tensor:
    """Mean squared difference of magnitudes to the power of POWER over STFTs of several (even) windows, [batch]."""
    parts = []
    for size in windows:
        window = _hann(size, estimate.device)
        one, other = (compress(rfft(half_overlapping(signal, size) * window, size), POWER) for signal in (estimate, target))
        parts.append((one - other).square().mean((1, 2)))
    return torch.stack(parts).mean(0)


@cache
def _hann(size: int, device: torch.device) -> Tensor:
    return torch.hann_window(size, device=device)


def enhancement_loss(estimate: Tensor, target: Tensor, noisy: Tensor, weights: LossRecipe, sample_rate: int) -> Tensor:
    """Scalar: negative mean of SI-SDR and SDR in dB, plus the weighted spectral distance and perceptual disturbance.

    Where the target is silent, neither the ratios nor the disturbance mean anything: there the level of what is left counts, a
    tenth as much.
    """
    has_speech = target.square().mean(-1) > SILENT
    loss = -(si_sdr(estimate, target, CEILING_DB) + sdr(estimate, target, CEILING_DB)) / 2
    if weights.perceptual_weight > 0:
        loss = loss + weights.perceptual_weight * disturbance(estimate, target, sample_rate)
    residual = 10 * torch.log10((estimate.square().sum(-1) + 1e-6) / (noisy.square().sum(-1) + 1e-6) + 1e-3)
    loss = torch.where(has_speech, loss, 0.1 * residual).mean()
    if weights.spectral_weight > 0 and weights.spectral_windows:
        loss = loss + weights.spectral_weight * spectral_distance(estimate, target, weights.spectral_windows).mean()
    return loss
