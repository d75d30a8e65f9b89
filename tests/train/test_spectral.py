# SPDX-License-Identifier: Apache-2.0
"""Transforms with backward passes of their own, against torch's."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

import torch
from torch.autograd import gradcheck

from codesign.learning.train.losses import spectral_distance
from codesign.learning.train.spectral import FLOOR, compress, half_overlapping, irfft, rfft, scale


def random(*shape, seed=0, complex_valued=False):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.complex128 if complex_valued else torch.float64)


@pytest.mark.parametrize("size", [8, 9, 12])
def test_values_and_gradients_of_the_transforms(size):
    signal = random(2, 3, 8).requires_grad_()
    assert torch.equal(rfft(signal, size), torch.fft.rfft(signal, size))
    assert gradcheck(lambda x: torch.view_as_real(rfft(x, size)), signal)
    spectrum = random(2, 3, size // 2 + 1, complex_valued=True).requires_grad_()
    assert torch.equal(irfft(spectrum, size), torch.fft.irfft(spectrum, size))
    own, torchs = (
        torch.autograd.grad(transform(spectrum, size).square().sum(), spectrum)[0] for transform in (irfft, torch.fft.irfft)
    )
    torch.testing.assert_close(own, torchs)


def test_compression_and_scaling():
    spectrum = random(2, 3, 5, complex_valued=True).requires_grad_()
    torch.testing.assert_close(compress(spectrum, 0.3), (spectrum.abs().square() + FLOOR) ** 0.15)
    assert gradcheck(lambda x: compress(x, 0.3), spectrum)
    gains = random(2, 3, 5, seed=1).requires_grad_()
    torch.testing.assert_close(scale(spectrum, gains), spectrum.detach() * gains)
    assert gradcheck(lambda g: torch.view_as_real(scale(spectrum, g)), gains)


def test_silence_has_a_finite_gradient():
    silence = torch.zeros(1, 4, dtype=torch.complex128, requires_grad=True)
    assert torch.isfinite(torch.view_as_real(torch.autograd.grad(compress(silence, 0.3).sum(), silence)[0])).all()


@pytest.mark.parametrize("samples", [64, 100])
def test_frames_and_distance_are_those_of_a_stft(samples):
    one, other = random(2, samples), random(2, samples, seed=1)
    frames = half_overlapping(one, 16)
    assert torch.equal(frames, one.unfold(-1, 16, 8))
    window = torch.hann_window(16)
    spectra = [
        torch.stft(x, 16, 8, window=window.double(), center=False, return_complex=True).abs() ** 0.3 for x in (one, other)
    ]
    expected = (spectra[0] - spectra[1]).square().mean((1, 2))
    torch.testing.assert_close(spectral_distance(one, other, [16]), expected, rtol=1e-4, atol=1e-6)
