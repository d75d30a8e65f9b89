# SPDX-License-Identifier: Apache-2.0
"""The perceptual disturbance against PESQ-WB as the package pesq computes it."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import numpy as np
import soundfile
import torch

from codesign.base.resources import resource
from codesign.learning.train.perceptual import disturbance

RATE = 16000
SNRS = (-5, 5, 15, 25, 35)
# pesq 0.0.4, "wb": the clean recordings of models/demo with their own noise brought to each of SNRS in dB.
PESQ_WB = {
    "babble_0db": (1.034, 1.102, 1.581, 2.708, 3.988),
    "fan_3db": (1.032, 1.119, 1.625, 2.825, 3.973),
    "footsteps_8db": (1.033, 1.073, 1.303, 2.139, 3.524),
    "pump_5db": (1.111, 1.243, 1.922, 3.069, 4.110),
    "talkers_3db": (1.045, 1.104, 1.553, 2.708, 3.900),
}


def recording(name, snr):
    clean, noisy = (soundfile.read(resource("models", "demo", f"{name}_{kind}.flac"))[0] for kind in ("clean", "noisy"))
    noise = noisy - clean
    gain = np.sqrt((clean**2).mean() / (noise**2).mean() / 10 ** (snr / 10))
    return clean, clean + gain * noise


def score(degraded, clean):
    """P.862.2's mapping of the raw score."""
    lost = disturbance(*(torch.tensor(signal, dtype=torch.float32)[None] for signal in (degraded, clean)), RATE)
    return 0.999 + 4.0 / (1.0 + np.exp(-1.3669 * (4.5 - lost.item()) + 3.8224))


@pytest.mark.parametrize("name", PESQ_WB)
def test_it_ranks_and_scores_as_pesq_does(name):
    ours = [score(*recording(name, snr)[::-1]) for snr in SNRS]
    assert ours == sorted(ours)
    assert ours == pytest.approx(PESQ_WB[name], abs=0.12)


@pytest.mark.parametrize("name", PESQ_WB)
def test_the_scores_are_the_package_s(name):
    pesq = pytest.importorskip("pesq", reason="pesq is not installed")
    found = [pesq.pesq(RATE, *recording(name, snr), "wb") for snr in SNRS]
    assert found == pytest.approx(PESQ_WB[name], abs=0.001)


def test_level_does_not_count_and_nothing_is_lost_of_the_target_itself():
    clean, noisy = (torch.tensor(signal, dtype=torch.float32)[None] for signal in recording("fan_3db", 10))
    assert disturbance(clean, clean, RATE).item() < 1e-3
    torch.testing.assert_close(disturbance(0.25 * noisy, clean, RATE), disturbance(noisy, clean, RATE), rtol=1e-3, atol=0)


def test_going_down_the_gradient_makes_it_less():
    clean, noisy = (torch.tensor(signal[: 2 * RATE], dtype=torch.float32)[None] for signal in recording("fan_3db", 10))
    estimate = noisy.clone().requires_grad_()
    before = disturbance(estimate, clean, RATE)
    (gradient,) = torch.autograd.grad(before.sum(), estimate)
    assert disturbance(noisy - 1e-4 * gradient / gradient.abs().max(), clean, RATE) < before


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_silence_and_short_signals_have_finite_gradients(rate):
    for target in (torch.zeros(2, rate // 10), torch.full((2, rate // 10), 1e-6), torch.randn(2, rate // 10)):
        for scale in (0.0, 1e-7, 1.0):
            estimate = (scale * torch.randn(2, rate // 10)).requires_grad_()
            lost = disturbance(estimate, target, rate)
            lost.sum().backward()
            assert (lost >= 0).all()
            assert estimate.grad.isfinite().all()
