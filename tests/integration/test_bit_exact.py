# SPDX-License-Identifier: Apache-2.0
"""The promise of the project: emulated image = host library = NumPy reference, every bit."""

import dataclasses

import numpy as np
import pytest

from codesign.compiler.frontend import Chain, whole_hops
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.host import HostEnhancer
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal, run_reference, same_in_one_call
from codesign.proof.signals import proof_signal
from networks import SMALL, random_network

CASES = {
    "8 ms window, 4 ms hop": random_network(),
    "skip gate": random_network(skip=True),
    "32 ms window, 16 ms hop": random_network(Chain(n_mels=64), units=(24, 20), hidden=17),
    "zero-padded, 3/4 overlap": random_network(Chain(n_fft=256, window=192, hop=48, n_mels=30)),
    "power, Hann": random_network(dataclasses.replace(SMALL, feature="mel_power", exponent=0.15, window_kind="hann")),
    "odd shapes": random_network(dataclasses.replace(SMALL, n_mels=21), units=(13,), hidden=3),
}


@pytest.fixture(scope="module")
def signal():
    extremes = proof_signal([], 16000, 1.0)
    return np.concatenate([extremes[start : start + 2500] for start in range(0, extremes.size - 2500, 24000)])


@pytest.mark.parametrize("network", CASES.values(), ids=CASES.keys())
def test_host_library_equals_reference(network, signal, tmp_path):
    pcm = whole_hops(signal, network.frontend.hop)
    image = build_host(network, tmp_path / "host")
    host = MACHINES["host"].run(image, pcm)
    check = equal(host, run_reference(network, pcm))
    assert check.ok, check.detail
    check = same_in_one_call(image, pcm, host)
    assert check.ok, check.detail
    assert np.unique(host.mask).size > 10, "a constant mask proves nothing"


@pytest.mark.parametrize("board", ["nrf5340dk", "nrf52840dk", "stm32f746g_disco"])
def test_emulated_image_equals_reference_on_every_core(board, signal, tmp_path):
    chosen = load_board(board)
    network = random_network(skip=True)
    pcm = whole_hops(signal, network.frontend.hop)
    image = build_bare(network, chosen, tmp_path / "bare")
    run = MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=20))
    check = equal(run, run_reference(network, pcm))
    assert check.ok, check.detail
    assert run.instructions is not None
    assert run.instructions.shape == (20,)


@pytest.mark.parametrize("network", CASES.values(), ids=CASES.keys())
def test_emulated_image_equals_host_library(network, signal, tmp_path):
    board = load_board("nrf5340dk")
    pcm = whole_hops(signal[:16000], network.frontend.hop)
    run = MACHINES["unicorn"].run(build_bare(network, board, tmp_path / "bare"), pcm)
    check = equal(run, MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm))
    assert check.ok, check.detail


def test_counts_repeat_and_add_up(signal, tmp_path):
    board = load_board("nrf5340dk")
    network = random_network()
    image = build_bare(network, board, tmp_path / "bare")
    pcm = signal[: 40 * network.frontend.hop]
    first, second = (MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=40)) for _ in range(2))
    np.testing.assert_array_equal(first.instructions, second.instructions)
    assert sum(layer.mean for layer in first.counts.layers) == pytest.approx(first.instructions.mean())
    np.testing.assert_array_equal(first.pcm, MACHINES["unicorn"].run(image, pcm).pcm)


def test_skipped_steps_cost_next_to_nothing(tmp_path):
    board = load_board("nrf5340dk")
    network = random_network(skip=True)
    noise = np.random.default_rng(1).standard_normal(200 * network.frontend.hop)  # never silent: silence is cheaper itself
    pcm = (3000 * noise).astype(np.int16)
    image = build_bare(network, board, tmp_path / "bare")
    run = MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=200))
    assert 0 < run.skipped.sum() < 200
    full = run.instructions[~run.skipped].min()
    lstm = sum(layer.worst for layer in run.counts.layers if layer.name.startswith("lstm"))
    assert run.instructions[run.skipped].max() <= full - lstm + 100


def test_reset_in_the_middle_gives_the_first_bits_again(signal, tmp_path):
    network = random_network()
    enhancer = HostEnhancer(build_host(network, tmp_path / "host"))
    first = enhancer.process(signal[:640])
    enhancer.process(signal[640:6400])
    enhancer.reset()
    np.testing.assert_array_equal(enhancer.process(signal[:640]), first)
    assert enhancer.frames == 640 // network.frontend.hop


def test_two_enhancers_do_not_know_of_each_other(signal, tmp_path):
    image = build_host(random_network(), tmp_path / "host")
    a, b = HostEnhancer(image), HostEnhancer(image)
    expected = HostEnhancer(image).process(signal[:6400])
    outputs = []
    for start in range(0, 6400, 64):
        outputs.append(a.process(signal[start : start + 64]))
        b.process(signal[-64 - start : signal.size - start])
    np.testing.assert_array_equal(np.concatenate(outputs), expected)
