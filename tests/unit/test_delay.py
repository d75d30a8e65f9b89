# SPDX-License-Identifier: Apache-2.0
"""The total delay: found in what was played, in parts, against a board's budget."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.firmware.boards import load_board
from codesign.proof import Delay
from codesign.proof.delay import delay_check, delay_of, lag_of
from codesign.proof.report.metrics import verdict_metrics


def noise(samples, seed=0):
    return np.random.default_rng(seed).integers(-8000, 8000, samples).astype(np.int16)


def late(pcm, lag, gain=1.0):
    return np.concatenate([np.zeros(lag, np.int16), np.rint(gain * pcm)])[: pcm.size].astype(np.int16)


@pytest.mark.parametrize("lag", [0, 1, 37, 256, 500])
@pytest.mark.parametrize("gain", [1.0, -0.02])
def test_a_lag_is_found(lag, gain):
    assert lag_of(noise(20000), late(noise(20000), lag, gain), 512) == lag


def test_a_lag_is_found_through_a_filter_whose_gains_change_all_the_time():
    pcm, rng = noise(40000), np.random.default_rng(1)
    spectra = np.fft.rfft(pcm.reshape(-1, 100)) * rng.uniform(0, 1, (400, 51))
    assert lag_of(pcm, late(np.fft.irfft(spectra).ravel(), 100), 300) == 100


@pytest.mark.parametrize("result", [noise(20000, 1), np.zeros(20000, np.int16)], ids=["unrelated", "silence"])
def test_what_tells_nothing_has_no_lag(result):
    assert lag_of(noise(20000), result, 512) is None


def test_a_signal_too_short_has_no_lag():
    assert lag_of(noise(100), noise(100), 512) is None


@pytest.mark.slow
def test_the_parts_add_up(small_proof):
    _, proof = small_proof
    delay, chain = proof.verdict.delay, proof.image.network.frontend
    assert (delay.measured, delay.streamed) == (True, False)
    assert delay.algorithmic == chain.window
    assert delay.total == chain.window - chain.hop + 2 * chain.hop == delay.algorithmic + delay.buffers
    assert delay.total_ms == pytest.approx(delay.algorithmic_ms + delay.buffers_ms)
    metrics = {metric.name: metric.value for metric in verdict_metrics(proof.verdict)}
    assert metrics["delay.total_ms"] == delay.total_ms


def test_what_a_stream_shows_counts(small_proof):
    _, proof = small_proof
    chain = proof.image.network.frontend
    pcm = noise(300 * chain.hop)
    run = replace(proof.run, pcm=late(pcm, chain.latency_samples), primed_samples=3 * chain.hop)
    delay = delay_of(run, proof.image, pcm)
    assert (delay.measured, delay.streamed) == (True, True)
    assert delay.total == chain.latency_samples + 3 * chain.hop


def test_the_budget_of_the_card():
    board = load_board("nrf5340dk")
    delay = Delay(sample_rate=16000, algorithmic=24, buffers=16, measured=True, streamed=False)
    assert delay_check(delay, board).ok  # no budget, no failure
    for limit, ok in ((2.5, True), (2.4, False)):
        tight = board.model_copy(update={"budget": board.budget.model_copy(update={"delay_ms": limit})})
        check = delay_check(delay, tight)
        assert check.ok is ok
        assert check.detail == f"40 samples, 2.5 ms (algorithmic 1.5, buffers 1), measured, limit {limit:g} ms"
