# SPDX-License-Identifier: Apache-2.0
"""The term after HASPI's envelopes, the terms that a step tells, and the rules that a best checkpoint is chosen by."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import numpy as np
import torch
from small import RECIPE, enhancer, small_recipe

from codesign.base.errors import InputError
from codesign.learning.train.hearing_loss import missed_envelopes
from codesign.learning.train.losses import enhancement_loss, recipe_loss
from codesign.learning.train.recipe import LossRecipe
from codesign.learning.train.validation import Judged, Validation, score_of

N3, NORMAL = (35.0, 35.0, 40.0, 50.0, 60.0, 65.0), (0.0,) * 6


def syllables(seed=0, seconds=2.0):
    """Harmonics under two moving resonances with pauses: float32 (1, n)."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    voice = np.zeros_like(time)
    for k in range(1, 40):
        place = 130 * k
        weight = sum(
            np.exp(-(((place - f - 300 * np.sin(2 * np.pi * r * time)) / 350) ** 2)) for f, r in ((700, 2.1), (2200, 1.3))
        )
        voice += weight * np.sin(2 * np.pi * place * time + rng.uniform(0, 6))
    voice *= np.maximum(0, np.sin(2 * np.pi * 2.5 * time)) ** 0.5
    return torch.from_numpy((0.05 * voice / voice.std()).astype(np.float32))[None]


def noisy(clean, snr, seed=1):
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(clean.shape).astype(np.float32))
    return clean + noise * clean.square().mean().sqrt() * 10 ** (-snr / 20)


def test_more_noise_misses_more():
    clean = syllables()
    assert float(missed_envelopes(clean, clean, 16000, N3)) == pytest.approx(0, abs=1e-4)
    missed = [float(missed_envelopes(noisy(clean, snr), clean, 16000, N3)) for snr in (30, 15, 5, -5)]
    assert missed == sorted(missed)
    assert missed[-1] > missed[0] + 0.2


def test_a_loss_and_faint_speech_miss_what_is_below_threshold():
    clean = syllables()
    faint = 10 ** (-30 / 20) * clean
    normal, impaired = (float(missed_envelopes(faint, clean, 16000, losses)) for losses in (NORMAL, N3))
    assert impaired > normal
    hissing = noisy(clean, 40)
    normal, impaired = (float(missed_envelopes(hissing, clean, 16000, losses)) for losses in (NORMAL, N3))
    assert impaired < normal, "a listener with a loss does not hear faint noise"


def test_its_gradient_leads_to_the_clean_signal():
    clean = syllables(seconds=0.5)
    estimate = noisy(clean, 0).requires_grad_(True)
    before = missed_envelopes(estimate, clean, 16000, N3)
    before.sum().backward()
    assert torch.isfinite(estimate.grad).all()
    after = missed_envelopes(estimate.detach() - 0.01 * estimate.grad / estimate.grad.norm(), clean, 16000, N3)
    assert float(after) < float(before.detach())
    silent = torch.zeros(1, 8000, requires_grad=True)
    missed_envelopes(silent, torch.zeros(1, 8000), 16000, N3).sum().backward()
    assert torch.isfinite(silent.grad).all()


def test_terms_are_told_and_add_up():
    clean = syllables(seconds=0.5)
    estimate, weights = noisy(clean, 5), LossRecipe(complex_weight=3.0, asymmetric_weight=2.0, hearing_weight=4.0)
    terms = {}
    loss = float(enhancement_loss(estimate, clean, estimate, weights, 16000, terms))
    assert set(terms) == {"SI-SDR", "hearing", "spectral", "complex", "asymmetric"}
    assert terms["hearing"] == pytest.approx(4 * float(missed_envelopes(estimate, clean, 16000, N3)), rel=1e-5)
    beside = sum(value for name, value in terms.items() if name != "SI-SDR")
    ratios = float(enhancement_loss(estimate, clean, estimate, LossRecipe(spectral_weight=0.0), 16000))
    assert loss == pytest.approx(ratios + beside, rel=1e-4)
    terms = {}
    recipe_loss(small_recipe(), estimate, clean, estimate, terms=terms)
    assert set(terms) == {"SI-SDR", "spectral"}


def test_thresholds_of_a_recipe_are_six():
    text = RECIPE.replace("[train]", "[loss]\nhearing_weight = 2\nhearing_thresholds = [20, 20, 30, 40, 50, 60]\n[train]", 1)
    assert small_recipe(text).loss.hearing_thresholds == (20, 20, 30, 40, 50, 60)
    with pytest.raises(InputError, match=r"loss\.hearing_thresholds"):
        small_recipe(text.replace("[20, 20, ", "["))


def test_a_validation_has_several_measures_and_a_rule():
    clean = np.concatenate([syllables(seed).numpy() for seed in (1, 2, 3)])
    mixed = np.concatenate([noisy(torch.from_numpy(clean[k : k + 1]), 5, k).numpy() for k in range(3)])
    judged = Validation(mixed, clean, torch.device("cpu"))(enhancer())
    assert isinstance(judged, Judged)
    assert {"si_sdr", "estoi"} <= set(judged.figures)
    assert judged.score == judged.figures["si_sdr"]
    assert [heard.enhanced.numel() for heard in judged.heard] == [clean.shape[1]] * 2
    figures = {"si_sdr": 10.0, "estoi": 0.7, "pesq": 1.7}
    assert score_of(figures, "balanced") == pytest.approx((0.5 + 0.7 + 0.2) / 3)
    assert [score_of(figures, name) for name in figures] == [10.0, 0.7, 1.7]
    with pytest.raises(InputError, match="select = 'pesq' without PESQ"):
        Validation(mixed, clean, torch.device("cpu"), 48000, "pesq")
