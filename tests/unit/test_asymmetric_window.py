# SPDX-License-Identifier: Apache-2.0
"""Windows with a long rise and a short fall: perfect reconstruction, the short delay, and what is refused."""

import numpy as np
import pytest

from chains import chain_of
from codesign.base.errors import InputError
from codesign.compiler.frontend import analysis_window, synthesis_window
from codesign.compiler.reference.frontend import analyse, output_of

KEYS = {"n_fft": 512, "window": 512, "hop": 32, "window_kind": "asymmetric", "feature": "magnitude"}
LENGTHS = [(512, 32, 64), (512, 32, 128), (300, 20, 40), (256, 16, 256), (250, 25, 50), (64, 32, 64)]


@pytest.mark.parametrize(("window", "hop", "length"), LENGTHS)
def test_with_gains_of_one_the_input_comes_back_short_synthesis_less_a_hop_later(window, hop, length):
    chain = chain_of(**KEYS | {"window": window, "hop": hop, "synthesis_length": length})
    pcm = np.random.default_rng(1).integers(-32768, 32768, 60 * hop).astype(np.int16)
    delay = length - hop
    assert chain.latency_samples == delay
    assert chain.algorithmic_latency_ms == 1000 * length / 16000
    found = output_of(chain, pcm, analyse(chain, pcm).spectrum, np.ones((60, chain.n_bins), np.float32))
    assert np.array_equal(found[window:], pcm[window - delay : pcm.size - delay])


@pytest.mark.parametrize(("window", "hop", "length"), LENGTHS)
def test_windows_are_those_of_mauler_and_martin(window, hop, length):
    """Their product is a Hann window of the synthesis length at the frame's end; overlapped, it adds up to one."""
    chain = chain_of(**KEYS | {"window": window, "hop": hop, "synthesis_length": length})
    analysis, synthesis = analysis_window(chain).astype(float), synthesis_window(chain).astype(float)
    hann = np.sin(np.pi * np.arange(length) / length) ** 2
    assert not synthesis[: window - length].any()
    assert np.abs((analysis * synthesis)[window - length :] - hann * 2 * hop / length).max() < 1e-6
    assert np.abs((analysis * synthesis)[window - length :].reshape(-1, hop).sum(axis=0) - 1).max() < 1e-6
    assert analysis.argmax() == window - length // 2
    assert analysis.max() == 1.0


def test_two_hops_are_the_default():
    assert chain_of(**KEYS).latency_samples == 32


def test_the_filter_path_takes_any_fall_and_overlaps_nothing():
    filters = KEYS | {"hop": 64, "path": "filter", "taps": 72}
    chain = chain_of(**filters, synthesis_length=50)
    assert chain.latency_samples == 36
    assert analysis_window(chain).argmax() == 512 - 25
    assert not synthesis_window(chain).any()
    with pytest.raises(InputError, match=r"synthesis_length 51 is not even and in 2…window=512"):
        chain_of(**filters, synthesis_length=51)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"synthesis_length": 48}, "synthesis_length 48 is no even multiple of the hop 32 in 64…window=512"),
        ({"synthesis_length": 32}, "synthesis_length 32 is no even multiple"),
        ({"synthesis_length": 544}, "synthesis_length 544 is no even multiple"),
        ({"hop": 25, "synthesis_length": 75}, "synthesis_length 75 is no even multiple of the hop 25"),
        ({"synthesis_kind": "hann"}, "synthesis_kind 'hann' does not go with window_kind 'asymmetric'"),
        ({"output": "frame"}, "window_kind 'asymmetric' does not go with output 'frame'"),
        ({"window_kind": "hann", "synthesis_length": 64}, "synthesis_length 64 is of window_kind 'asymmetric', not 'hann'"),
        ({"synthesis_kind": "asymmetric"}, "synthesis_kind 'asymmetric' is not one of"),
        ({"hop": 300}, "synthesis_length 600 is no even multiple of the hop 300"),
    ],
)
def test_what_cannot_be_is_refused(keys, said):
    with pytest.raises(InputError, match=said):
        chain_of(**KEYS | keys)
