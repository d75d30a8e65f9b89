# SPDX-License-Identifier: Apache-2.0
"""The image that is flashed, in Renode: speech through its I2S, what it counts, and what it does when the audio fails."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.audio import read_audio
from codesign.base.resources import resource
from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.console import read_lines
from codesign.firmware.machines.machine import MonitorCommand, RunOptions
from codesign.firmware.machines.renode_script import shell
from codesign.firmware.toolchain import BuildOptions, build_host, build_zephyr
from codesign.proof.checks import run_checks
from codesign.proof.delay import delay_of
from renode_tools import missing_for_renode

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

BOARDS = ("nrf5340dk", "nrf52840dk", "stm32f746g_disco", "mimxrt1064_evk")
HOP = 256


@pytest.fixture(scope="module")
def network():
    return lower(load_onnx(resource("models", "pruned", "pruned.onnx")))


@pytest.fixture(scope="module")
def noisy(network):
    """More than ten seconds of real noisy speech."""
    files = sorted(resource("models", "demo").glob("*_noisy.flac"))[:2]
    speech = np.concatenate([read_audio(file, network.frontend.sample_rate).pcm for file in files])
    assert speech.size > 10 * network.frontend.sample_rate
    return whole_hops(speech, HOP)


@pytest.fixture(scope="module")
def images(network, tmp_path_factory):
    folder, built = tmp_path_factory.mktemp("renode"), {}

    def image(name):
        if reason := missing_for_renode(name):
            pytest.skip(reason)
        if name not in built:
            built[name] = build_zephyr(network, load_board(name), folder / name)
        return built[name]

    return image


@pytest.mark.parametrize("name", BOARDS)
def test_speech_through_the_image_equals_the_host_library_twice(images, network, noisy, tmp_path, name):
    image, board = images(name), load_board(name)
    run = MACHINES["renode"].run(image, noisy)
    np.testing.assert_array_equal(run.pcm, MACHINES["host"].run(build_host(network, tmp_path / "host"), noisy).pcm)
    assert run.console.accounted
    assert run.console.faults == {}
    assert run.unmapped == ()
    assert run.console.ready.fields["audio"] == ("semihost" if name == "stm32f746g_disco" else "i2s")
    assert run.console.stats.number("blocks") == 0
    assert min(stack.headroom for stack in run.console.stacks) >= 0.25
    # virtual time is instructions: the firmware's counter and the emulator's must tell the same
    assert run.console.ready.number("hz") == board.core.clock_hz
    assert np.abs(run.counts.by_firmware - run.instructions).max() <= 32
    again = MACHINES["renode"].run(image, noisy)
    np.testing.assert_array_equal(again.pcm, run.pcm)
    np.testing.assert_array_equal(again.instructions, run.instructions)
    assert again.console.stats == run.console.stats


@pytest.fixture(scope="module")
def filter_image(tmp_path_factory):
    """The low-latency network by the filter path, 64 taps in blocks of 8."""
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("filter")
    (folder / "chain.toml").write_text('[chain]\npath = "filter"\n')
    network = lower(load_onnx(resource("models", "low-latency", "low-latency.onnx"), folder / "chain.toml"))
    return build_zephyr(network, load_board("nrf5340dk"), folder / "zephyr")


def test_the_filter_path_is_three_ms_late_and_equals_the_host_library(filter_image, noisy, tmp_path):
    """Through I2S in two rates: every bit, no hop held, 48 samples from input to output."""
    pcm = noisy[: 2 * 16000]
    run = MACHINES["renode"].run(filter_image, pcm)
    np.testing.assert_array_equal(run.pcm, MACHINES["host"].run(build_host(filter_image.network, tmp_path / "host"), pcm).pcm)
    assert run.console.faults == {}
    assert run.console.accounted
    assert run.console.stats.number("held") == 0
    assert 0 < run.console.stats.number("block_worst") < 8 * 128_000_000 // 16000
    overhead = next(check for check in run_checks(run, filter_image, None) if check.name == "RTOS overhead")
    assert overhead.ok, overhead.detail
    assert 4000 < int(overhead.detail.split(" ")[0].replace(",", "")) < 24000, "of 8 blocks"
    delay = delay_of(run, filter_image, pcm)
    assert delay.measured
    assert delay.streamed
    assert delay.total_ms == 3.0
    assert min(stack.headroom for stack in run.console.stacks) >= 0.25


def test_blocks_of_the_configuration(filter_image, noisy, tmp_path):
    """Blocks of 32, in the right one of two slots of 32 bits, change the delay, and no bit."""
    slots = ("CONFIG_CODESIGN_STEREO=y", "CONFIG_CODESIGN_INPUT_RIGHT=y", "CONFIG_CODESIGN_SLOT_32=y")
    options = BuildOptions(("CONFIG_CODESIGN_BLOCK=32", *slots))
    image = build_zephyr(filter_image.network, load_board("nrf5340dk"), tmp_path / "zephyr", options=options)
    pcm = noisy[:16000]
    run = MACHINES["renode"].run(image, pcm)
    np.testing.assert_array_equal(run.pcm, MACHINES["host"].run(build_host(image.network, tmp_path / "host"), pcm).pcm)
    assert run.console.faults == {}
    assert [run.console.ready.number(name) for name in ("block", "slots", "bits")] == [32, 2, 32]
    assert delay_of(run, image, pcm).total_ms == 6.0
    stats = run.console.stats
    assert 0 < stats.number("block_average") <= stats.number("block_worst") < 32 * 128_000_000 // 16000


def test_blocks_come_at_the_rate_of_the_audio_clock(images, noisy):
    """The firmware's own clock over the run: hops of 16 ms on ACLK, 256 frames of 32 MHz / 63 / 32 without it."""
    for name, hop_s in (("nrf5340dk", 0.016), ("nrf52840dk", 256 * 63 * 32 / 32e6)):
        image, board = images(name), load_board(name)
        run = MACHINES["renode"].run(image, noisy[: 100 * HOP])
        elapsed = run.console.stats.number("elapsed") / board.core.clock_hz
        assert elapsed == pytest.approx((run.console.stats.number("captured") - 1) * hop_s, rel=1e-4)


def test_a_stopped_bit_clock_is_counted_as_stalls_and_audio_resumes(images, network, noisy):
    faults = [MonitorCommand(0.5, "i2s0 ClockStopped true"), MonitorCommand(0.8, "i2s0 ClockStopped false")]
    run = MACHINES["renode"].run(images("nrf5340dk"), noisy[: 150 * HOP], RunOptions(commands=faults))
    assert run.console.stats.number("stalls") > 0
    assert run.console.stats.number("restarts") > 0
    assert run.console.accounted
    assert run.console.stats.number("blocks") == 0
    assert run.console.stats.number("captured") > 100  # of 150: it went on
    assert np.abs(run.pcm[-30 * HOP :].astype(int)).max() > 0


def test_blocks_that_come_too_early_are_played_dry_and_counted(images, noisy):
    """At 25 % of a hop's 16 ms the nRF52840, which needs 5.7 ms for a frame in Renode, misses its deadline."""
    name = "nrf52840dk"
    image, board = images(name), load_board(name)
    early = [
        MonitorCommand(0.5, "i2s0 PeriodPercent 25"),
        shell(board, 0.5, "codesign stop"),
        shell(board, 0.7, "codesign start"),
    ]
    usual = [
        MonitorCommand(1.2, "i2s0 PeriodPercent 100"),
        shell(board, 1.2, "codesign stop"),
        shell(board, 1.4, "codesign reset"),
    ]
    commands = [*early, shell(board, 1.1, "codesign stats"), *usual, shell(board, 1.5, "codesign start")]
    run = MACHINES["renode"].run(image, noisy[: 200 * HOP], RunOptions(commands=commands))
    counts = [line for line in read_lines(run.console.log) if line.kind == "stats"]
    assert max(line.number("late") + line.number("underruns") for line in counts) > 0
    assert run.console.faults == {}  # since the reset, at the usual rate
    assert run.console.accounted
    assert run.console.stats.number("captured") > 0


def test_an_audio_clock_that_starts_late_is_a_stall_and_audio_follows(images, noisy):
    faults = [MonitorCommand(0.0, "clock AudioClockFails true"), MonitorCommand(1.0, "clock AudioClockFails false")]
    run = MACHINES["renode"].run(images("nrf5340dk"), noisy[: 150 * HOP], RunOptions(commands=faults))
    assert run.console.stats.number("stalls") > 0
    assert run.console.stats.number("captured") > 0  # it came after all
    assert run.console.stats.number("underruns") == 0
    assert run.console.stats.number("blocks") == 0
