# SPDX-License-Identifier: Apache-2.0
"""Loudness against the figures that ITU-R BS.1770 and EBU Tech 3341 print."""

import math

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.hearing.listen.loudness import LOWEST_RATE, k_weighting, loudness


def sine(hz, dbfs, seconds, rate=48000):
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def test_filters_at_48_khz_are_those_of_the_standard():
    (shelf, shelf_back), (high, high_back) = k_weighting(48000)
    assert shelf == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-9)
    assert shelf_back == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-9)
    assert high == pytest.approx([1.0, -2.0, 1.0])
    assert high_back == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_full_scale_sine_of_997_hz_is_minus_3_01(rate):
    assert loudness(sine(997, 0, 5, rate), rate) == pytest.approx(-3.01, abs=0.1)


def test_gating_of_ebu_tech_3341_case_3():
    """−36, −23, −36 dBFS stereo is −23 LUFS: the quiet ends are gated. One channel of two is 3.01 dB less."""
    parts = [sine(1000, -36, 10), sine(1000, -23, 60), sine(1000, -36, 10)]
    assert loudness(np.concatenate(parts), 48000) == pytest.approx(-23.0 - 3.01, abs=0.1)


def test_silence_and_nothing():
    assert loudness(np.zeros(48000), 48000) == -math.inf
    assert loudness(np.zeros(0), 48000) == -math.inf


def test_shorter_than_a_block():
    assert loudness(sine(997, -20, 0.2), 48000) == pytest.approx(-23.0, abs=0.5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rate", [LOWEST_RATE, 3400, 4000, 6000, 8000])
def test_low_rates_are_stable(rate):
    noise = np.random.default_rng(0).standard_normal(20 * rate) * 0.1
    assert loudness(noise, rate) == pytest.approx(-20, abs=3.5)


@pytest.mark.parametrize("rate", [1, 1000, 2000, LOWEST_RATE - 1])
def test_rates_below_the_filter_are_refused(rate):
    with pytest.raises(InputError, match=f"{rate} Hz"):
        loudness(np.ones(rate), rate)
