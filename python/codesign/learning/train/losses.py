# SPDX-License-Identifier: Apache-2.0
"""Losses: SI-SDR in the time domain, SDR to fix the scale, a spectral distance, the disturbance of P.862."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from codesign.learning.train.hearing_loss import missed_envelopes
from codesign.learning.train.perceptual import disturbance
from codesign.learning.train.recipe import LossRecipe, Recipe
from codesign.learning.train.spectral import FLOOR, compress, half_overlapping, rfft

CEILING_DB = 30.0
"""A pair better than this pulls no longer: nearly clean mixtures would outweigh all others."""
POWER = 0.3
"""Of the magnitudes whose distance is taken, as in the features."""
GAIN_WINDOW = 512
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
        one, other = (compress(spectrum, POWER) for spectrum in _spectra(estimate, target, size))
        parts.append((one - other).square().mean((1, 2)))
    return torch.stack(parts).mean(0)


def spectral_distances(estimate: Tensor, target: Tensor, windows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean squared differences over STFTs of several (even) windows, [batch] each, of values to the power of POWER: of
    magnitudes; of complex values with that magnitude (Ephrat et al., "Looking to listen", 2018); and of magnitudes where the
    estimate's is the smaller one, which is speech that was taken away (Wang et al., "VoiceFilter-Lite", 2020).
    """
    parts = []
    for size in windows:
        spectra = _spectra(estimate, target, size)
        one, other = (compress(spectrum, POWER) for spectrum in spectra)
        turned = [_turned(spectrum, magnitude) for spectrum, magnitude in zip(spectra, (one, other), strict=True)]
        missing = (other - one).clamp_min(0.0)
        squares = ((one - other).square(), (turned[0] - turned[1]).square().sum(-1), missing.square())
        parts.append(torch.stack([square.mean((1, 2)) for square in squares]))
    magnitudes, complex_values, lost = torch.stack(parts).mean(0).unbind(0)
    return magnitudes, complex_values, lost


def _spectra(estimate: Tensor, target: Tensor, size: int) -> list[Tensor]:
    window = _hann(size, estimate.device)
    return [rfft(half_overlapping(signal, size) * window, size) for signal in (estimate, target)]


def _turned(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """Real and imaginary parts of a spectrum's phase with another magnitude."""
    parts = torch.view_as_real(spectrum)
    return parts * (magnitude / (parts.square().sum(-1) + FLOOR).sqrt())[..., None]


@cache
def _hann(size: int, device: torch.device) -> Tensor:
    return torch.hann_window(size, device=device)


def enhancement_loss(
    estimate: Tensor,
    target: Tensor,
    noisy: Tensor,
    weights: LossRecipe,
    sample_rate: int,
    terms: dict[str, float] | None = None,
) -> Tensor:
    """Scalar: negative mean of SI-SDR and SDR in dB, plus the weighted spectral distances, perceptual disturbance and missed
    envelopes. `terms` is given the mean of each term as it counts, but for its sign where it is SI-SDR.

    Where the target is silent, neither the ratios nor the disturbance mean anything: there the level of what is left counts, a
    tenth as much.
    """
    has_speech = target.square().mean(-1) > SILENT
    noted = {} if terms is None else terms
    scale_free = si_sdr(estimate, target, CEILING_DB)
    loss = -(scale_free + sdr(estimate, target, CEILING_DB)) / 2
    _note(noted, "SI-SDR", scale_free, has_speech)
    if weights.perceptual_weight > 0:
        perceptual = weights.perceptual_weight * disturbance(estimate, target, sample_rate)
        _note(noted, "perceptual", perceptual, has_speech)
        loss = loss + perceptual
    if weights.hearing_weight > 0:
        missed = weights.hearing_weight * missed_envelopes(estimate, target, sample_rate, weights.hearing_thresholds)
        _note(noted, "hearing", missed, has_speech)
        loss = loss + missed
    residual = 10 * torch.log10((estimate.square().sum(-1) + 1e-6) / (noisy.square().sum(-1) + 1e-6) + 1e-3)
    loss = torch.where(has_speech, loss, 0.1 * residual).mean()
    given = (weights.spectral_weight, weights.complex_weight, weights.asymmetric_weight)
    if not weights.spectral_windows or max(given) == 0:
        return loss
    if max(given[1:]) == 0:
        spectral = weights.spectral_weight * spectral_distance(estimate, target, weights.spectral_windows).mean()
        _note(noted, "spectral", spectral)
        return loss + spectral
    distances = spectral_distances(estimate, target, weights.spectral_windows)
    parts = [weight * distance.mean() for weight, distance in zip(given, distances, strict=True)]
    for name, part in zip(("spectral", "complex", "asymmetric"), parts, strict=True):
        _note(noted, name, part)
    return loss + sum(parts)


def _note(terms: dict[str, float], name: str, values: Tensor, which: Tensor | None = None) -> None:
    """The mean of values, of those alone that count."""
    chosen = values.detach() if which is None else values.detach()[which]
    if chosen.numel():
        terms[name] = float(chosen.mean())


def recipe_loss(
    recipe: Recipe,
    enhanced: Tensor,
    clean: Tensor,
    noisy: Tensor,
    taught: Tensor | None = None,
    terms: dict[str, float] | None = None,
) -> Tensor:
    """Scalar of a batch of signals [batch, samples] under a recipe, with a term for what its teacher made of it; what is
    beyond the end of `enhanced` does not count. `terms` is given those of the loss against the clean signal.
    """
    size, rate = enhanced.shape[1], recipe.config.sample_rate
    clean, noisy = clean[:, :size], noisy[:, :size]
    loss = enhancement_loss(enhanced, clean, noisy, recipe.loss, rate, terms)
    if taught is None or recipe.distill is None:
        return loss
    weights, taught = recipe.distill, taught[:, :size]
    loss = weights.clean_weight * loss
    if weights.output_weight > 0:
        loss = loss + weights.output_weight * enhancement_loss(enhanced, taught, noisy, recipe.loss, rate)
    if weights.mask_weight > 0:
        loss = loss + weights.mask_weight * gain_distance(enhanced, taught, noisy).mean()
    return loss


def gain_distance(estimate: Tensor, taught: Tensor, noisy: Tensor) -> Tensor:
    """Mean squared difference of the gains that two outputs amount to, [batch]: in each bin of an STFT the output's magnitude
    over the input's, to the power of POWER and at most 1.
    """
    window = _hann(GAIN_WINDOW, estimate.device)
    one, other, before = (
        compress(rfft(half_overlapping(signal, GAIN_WINDOW) * window, GAIN_WINDOW), POWER)
        for signal in (estimate, taught, noisy)
    )
    return ((one / before).clamp_max(1.0) - (other / before).clamp_max(1.0)).square().mean((1, 2))
