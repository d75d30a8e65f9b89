# SPDX-License-Identifier: Apache-2.0
"""Metrics against their definitions."""

import numpy as np
import pytest

from codesign.base.audio import read_audio
from codesign.base.errors import InputError
from codesign.base.metrics import align, estoi, si_sdr
from codesign.base.resources import resource


@pytest.fixture(scope="module")
def speech():
    return read_audio(sorted(resource("models", "demo").glob("*_clean.flac"))[0], 16000).pcm[: 16000 * 6]


def test_si_sdr_of_orthogonal_noise_is_the_energy_ratio():
    time = np.arange(16000) / 16000
    signal, noise = np.sin(2 * np.pi * 100 * time), np.cos(2 * np.pi * 100 * time)
    for level in (0.1, 1.0, 3.0):
        assert si_sdr(signal + level * noise, signal) == pytest.approx(-20 * np.log10(level), abs=1e-9)
        assert si_sdr(-7.5 * (signal + level * noise), signal) == pytest.approx(-20 * np.log10(level), abs=1e-9)


def test_si_sdr_formula_on_random_signals():
    generator = np.random.default_rng(0)
    target, estimate = generator.normal(size=(2, 500)) + 0.3
    scaled = target * (estimate @ target) / (target @ target)
    expected = 10 * np.log10(np.sum(scaled**2) / np.sum((scaled - estimate) ** 2))
    assert si_sdr(estimate, target) == pytest.approx(expected, abs=1e-12)


def test_si_sdr_extremes():
    signal = np.array([3, -4, 5], np.int16)
    assert si_sdr(signal, signal) == np.inf
    assert si_sdr(np.zeros(3), signal) == -np.inf
    full = np.full(100_000, -32768, np.int16)
    full[::2] = 32767
    assert si_sdr(full, full) > 200  # int16 products do not overflow


def test_si_sdr_errors():
    signal = np.array([1.0, 2.0])
    for estimate, reference in ((signal, np.zeros(2)), (signal, signal[:1]), (signal[:0], signal[:0])):
        with pytest.raises(InputError, match="SI-SDR"):
            si_sdr(estimate, reference)
    with pytest.raises(InputError, match="NaN"):
        si_sdr(np.array([np.nan, 1]), signal)
    with pytest.raises(InputError, match="shapes"):
        si_sdr(np.ones((2, 2)), np.ones((2, 2)))


def test_estoi_falls_with_noise(speech):
    noise = np.random.default_rng(0).normal(size=speech.size)
    scale = np.sqrt(np.mean(np.square(speech, dtype=float)))
    scores = [estoi(speech + scale * 10 ** (-snr / 20) * noise, speech, 16000) for snr in (20, 5, -10)]
    assert estoi(speech, speech, 16000) == pytest.approx(1.0)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.85
    assert scores[2] < 0.3


def test_estoi_needs_speech(speech):
    for short in (speech[:200], speech[:3000], np.ones(3000, np.int16)):
        with pytest.raises(InputError, match="too little speech"):
            estoi(short, short, 16000)


def test_align(speech):
    latency = 160
    delayed = np.concatenate([np.zeros(latency, np.int16), speech])
    enhanced, reference = align(delayed, speech, latency)
    np.testing.assert_array_equal(enhanced, reference)
    assert reference.size == speech.size
    short, reference = align(delayed[:1000], speech, latency)
    assert short.size == reference.size == 840
    for latency_ in (-1, delayed.size):
        with pytest.raises(InputError, match="latency"):
            align(delayed, speech, latency_)
