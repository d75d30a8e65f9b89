# SPDX-License-Identifier: Apache-2.0
"""Resampling by 2 and 3: its response as stated, its delay, and the C against NumPy."""

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.resampler import PASS, PHASE_TAPS, STOP, TAP_BITS, resampler_taps
from codesign.compiler.reference.capture import higher, lower


@pytest.mark.parametrize("ratio", [2, 3])
def test_the_response_is_as_stated(ratio):
    taps = resampler_taps(ratio)
    assert taps.size == ratio * PHASE_TAPS
    np.testing.assert_array_equal(taps, taps[::-1])
    frequencies = np.linspace(0, 0.5, 4000)
    size = np.abs(np.exp(-2j * np.pi * np.outer(frequencies, np.arange(taps.size))) @ taps) / (1 << TAP_BITS)
    passed, stopped = size[frequencies <= PASS / ratio], size[frequencies >= STOP / ratio]
    assert np.abs(20 * np.log10(passed)).max() < 0.03
    assert 20 * np.log10(stopped.max()) < -60
    assert int(np.abs(taps.astype(np.int64)).sum()) * 32768 + (1 << 14) < 2**31  # no sum leaves 32 bits


@pytest.mark.parametrize("ratio", [2, 3])
@pytest.mark.parametrize("frequency", [200.0, 3000.0, 6500.0])
def test_there_and_back_is_the_signal_23_samples_later(ratio, frequency):
    rate = 16000 * ratio
    time = np.arange(rate // 4) / rate
    sine = np.rint(12000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)
    back = higher(lower(sine, ratio), ratio)
    late = (PHASE_TAPS - 1) * ratio
    assert np.abs(back[late + 500 :].astype(int) - sine[500:-late]).max() < 12000 * 0.01


@pytest.mark.parametrize("ratio", [2, 3])
def test_what_the_network_has_no_rate_for_is_gone(ratio):
    rate = 16000 * ratio
    for frequency in (9500.0, 12000.0, rate / 2 - 500):
        sine = np.rint(30000 * np.sin(2 * np.pi * frequency * np.arange(rate // 4) / rate)).astype(np.int16)
        assert np.abs(lower(sine, ratio)[100:].astype(int)).max() <= 30000 / 1000 + 1


@pytest.mark.parametrize(("ratio", "rate"), [(4, 16000), (0, 16000), (-2, 16000), (3, 96000)])
def test_ratios_that_are_not_there_are_refused(ratio, rate):
    with pytest.raises(InputError, match=f"front end: resample {ratio}"):
        Chain(resample=ratio, sample_rate=rate)
