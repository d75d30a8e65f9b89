# SPDX-License-Identifier: Apache-2.0
"""The Zephyr application: built for every board, its memory against the linker's table, run in QEMU and natively."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from codesign.base.audio import read_audio
from codesign.base.errors import BuildError, InputError, ValidationError
from codesign.base.resources import resource
from codesign.compiler.frontend import Chain, whole_hops
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import Zephyr, load_board
from codesign.firmware.cost.timing import load_timing
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.qemu_process import run_qemu
from codesign.firmware.size import check_budget, measure
from codesign.firmware.size.budget import check_thread
from codesign.firmware.size.parts import parts_of
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.toolchain import BuildOptions, build_host, build_zephyr
from codesign.firmware.toolchain.zephyr import LOG
from codesign.proof.checks import cost_of
from networks import random_network
from zephyr_tools import build_by_cmake, missing_for_zephyr, missing_qemu

pytestmark = pytest.mark.zephyr

MODEL = resource("models", "pruned", "pruned.onnx")
TESTS = resource("runtime").parent / "tests" / "zephyr"
HARDWARE = ("nrf5340dk", "nrf52840dk", "stm32f746g_disco", "mps2_an385", "mps2_an521", "mps3_an547")
QEMU = ("mps2_an521", "mps3_an547")


@pytest.fixture(scope="module")
def network():
    return lower(load_onnx(MODEL))


@pytest.fixture(scope="module")
def noisy(network):
    """More than ten seconds of real noisy speech, then full scale, silence and an impulse."""
    files = sorted(resource("models", "demo").glob("*_noisy.flac"))[:2]
    speech = [read_audio(file, network.frontend.sample_rate).pcm for file in files]
    edges = np.zeros(4096, np.int16)
    edges[:1024], edges[1024:2048], edges[3000] = 32767, -32768, 32767
    return whole_hops(np.concatenate([*speech, edges]), network.frontend.hop)


@pytest.fixture(scope="module")
def expected(network, noisy, tmp_path_factory):
    return MACHINES["host"].run(build_host(network, tmp_path_factory.mktemp("host") / "host"), noisy).pcm


@pytest.fixture(scope="module")
def images(network, tmp_path_factory):
    """Builds each board's image once."""
    folder, built = tmp_path_factory.mktemp("zephyr"), {}

    def image(name):
        if reason := missing_for_zephyr(name):
            pytest.skip(reason)
        if name not in built:
            built[name] = build_zephyr(network, load_board(name), folder / name)
        return built[name]

    return image


@pytest.mark.parametrize("name", HARDWARE)
def test_memory_is_the_linkers_to_the_byte(images, name):
    image, board = images(name), load_board(name)
    footprint = measure(image.path, board)
    table = {row[0]: _bytes(row[1], row[2]) for row in re.findall(r"(\w+): +(\d+) (B|KB|MB|GB)", image.linker_memory_table)}
    assert footprint.flash == table["FLASH"]
    assert footprint.ram == table["RAM"]
    parts = parts_of(image, footprint)
    assert sum(part.flash for part in parts) == footprint.flash
    assert sum(part.ram for part in parts) == footprint.ram
    assert all(part.flash >= 0 and part.ram >= 0 for part in parts)
    assert {"lstm0", "fc1", "zephyr kernel", "application"} <= {part.label for part in parts}
    assert all(check.ok for check in check_budget(footprint, board))
    log = image.path.parents[1].joinpath(LOG).read_text(encoding="utf-8")
    assert not re.findall(r".*\bwarning: .*", log)
    stack = worst_stack(image.path, image.symbols.entry, image.stack_usage, image.symbols.pointer_calls)
    assert not stack.unbounded
    assert 0 < stack.bytes < 1024 * 0.75
    (thread,) = check_thread(image.path, stack)
    assert thread.used > stack.bytes
    assert thread.limit >= 1024
    assert thread.ok


def _bytes(number, unit):
    return int(number) * {"B": 1, "KB": 1024, "MB": 2**20, "GB": 2**30}[unit]


@pytest.mark.qemu
@pytest.mark.parametrize("name", QEMU)
def test_image_in_qemu_equals_the_host_library(images, noisy, expected, name):
    if reason := missing_qemu():
        pytest.skip(reason)
    run = MACHINES["qemu"].run(images(name), noisy)
    np.testing.assert_array_equal(run.pcm, expected)
    assert run.frames * 256 == noisy.size
    assert run.console.accounted
    assert run.console.faults == {}
    assert run.console.stats.number("blocks") == 0
    assert min(stack.headroom for stack in run.console.stacks) >= 0.25
    board = load_board(name)
    assert 0 < run.counts.outside <= board.budget.overhead * board.core.clock_hz * 256 / 16_000
    again = MACHINES["qemu"].run(images(name), noisy)
    assert again.console.stats == run.console.stats
    cost = cost_of(run, images(name), noisy)
    assert cost.cycles_per_instruction is None  # but each block by the model of the core
    assert cost.error == load_timing(board.core.cpu).error
    assert 1.0 < cost.worst_cycles / run.counts.worst < 1.6


@pytest.mark.qemu
def test_cortex_m3_with_the_fixed_point_front_end_equals_the_host_library(noisy, tmp_path):
    """A network that QEMU's 125 million instructions a second are enough for."""
    if reason := missing_for_zephyr("mps2_an385") or missing_qemu():
        pytest.skip(reason)
    board, small = load_board("mps2_an385"), random_network(Chain(n_mels=64), units=(24, 20), hidden=17, skip=True)
    run = MACHINES["qemu"].run(build_zephyr(small, board, tmp_path / "zephyr"), noisy)
    host = MACHINES["host"].run(build_host(small, tmp_path / "host", board.front_end), noisy)
    np.testing.assert_array_equal(run.pcm, host.pcm)
    assert run.console.accounted
    assert run.console.faults == {}
    assert run.skipped_frames == host.skipped.sum() > 0


def test_native_image_equals_the_host_library(images, noisy, expected):
    run = MACHINES["native"].run(images("native_sim"), noisy)
    np.testing.assert_array_equal(run.pcm, expected)
    assert run.console.accounted
    assert run.console.faults == {}


@pytest.mark.qemu
def test_frames_beyond_the_deadline_are_counted_and_played_dry(network, noisy, tmp_path):
    if reason := missing_for_zephyr("mps2_an521") or missing_qemu():
        pytest.skip(reason)
    board = load_board("mps2_an521")
    image = build_zephyr(network, board, tmp_path / "late", options=BuildOptions(("CONFIG_CODESIGN_DEADLINE_PERCENT=10",)))
    run = MACHINES["qemu"].run(image, noisy[: 100 * 256])
    assert run.console.accounted
    assert run.console.faults["late"] > 0
    delay = network.frontend.latency_samples
    np.testing.assert_array_equal(run.pcm[delay:], noisy[: 100 * 256 - delay])


def test_second_build_has_nothing_to_do(images, network):
    image = images("native_sim")
    folder = image.path.parents[1]
    again = build_zephyr(network, load_board("native_sim"), folder)
    assert again.path == image.path
    assert "no work to do" in (folder / LOG).read_text(encoding="utf-8")


def test_model_too_big_for_the_board_names_the_region(network, tmp_path):
    if reason := missing_for_zephyr("mps2_an521"):
        pytest.skip(reason)
    with pytest.raises(BuildError, match=r"the image is [\d,]+ bytes larger than RAM") as caught:
        build_zephyr(
            network, load_board("mps2_an521"), tmp_path / "b", options=BuildOptions(("CONFIG_CODESIGN_AUDIO_STACK=8000000",))
        )
    assert caught.value.exit_code == 4
    assert LOG in caught.value.hint


def test_unknown_option_is_named(network, tmp_path):
    if reason := missing_for_zephyr("native_sim"):
        pytest.skip(reason)
    with pytest.raises(BuildError, match="CODESIGN_NO_SUCH_OPTION"):
        build_zephyr(
            network, load_board("native_sim"), tmp_path / "b", options=BuildOptions(("CONFIG_CODESIGN_NO_SUCH_OPTION=y",))
        )


def test_a_stack_below_the_range_is_refused(network, tmp_path):
    if reason := missing_for_zephyr("nrf5340dk"):
        pytest.skip(reason)
    options = BuildOptions(("CONFIG_CODESIGN_ENHANCER_STACK=128",))
    with pytest.raises(BuildError, match="CODESIGN_ENHANCER_STACK"):
        build_zephyr(network, load_board("nrf5340dk"), tmp_path / "b", options=options)


def test_a_board_without_audio_is_refused(network, tmp_path):
    """It would become an image that asks a debugger for audio, and faults without one."""
    if reason := missing_for_zephyr("nrf5340dk"):
        pytest.skip(reason)
    names = Zephyr(target="nrf5340_audio_dk/nrf5340/cpuapp", target_old="nrf5340_audio_dk_nrf5340_cpuapp")
    board = load_board("nrf5340dk").model_copy(update={"zephyr": names})
    with pytest.raises(BuildError, match="has no audio: give its I2S the devicetree alias codesign-i2s"):
        build_zephyr(network, board, tmp_path / "b")


def test_bad_define_and_strange_folder_are_refused(network, tmp_path):
    board = load_board("native_sim")
    with pytest.raises(InputError, match="NAME=VALUE"):
        build_zephyr(network, board, tmp_path / "b", options=BuildOptions(("; rm -rf x",)))
    if reason := missing_for_zephyr("native_sim"):
        pytest.skip(reason)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="not made by codesign"):
        build_zephyr(network, board, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_image_that_hangs_is_given_up(images, network, monkeypatch, tmp_path):
    image = images("native_sim")
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    endless.chmod(0o755)
    monkeypatch.setattr("codesign.firmware.machines.zephyr_files.time_limit", lambda image, pcm: 0.3)
    with pytest.raises(ValidationError, match="did not end"):
        MACHINES["native"].run(replace(image, path=endless), np.zeros(256, np.int16))


@pytest.mark.parametrize(
    ("suite", "name"),
    [  # ten minutes of audio in QEMU are twister's work
        ("library", "native_sim"),
        ("pipeline", "native_sim"),
        pytest.param("library", "mps2_an521", marks=pytest.mark.qemu),
    ],
)
def test_ztest_suite_passes(suite, name, tmp_path):
    board = load_board(name)
    if reason := missing_for_zephyr(name) or (missing_qemu() if board.qemu else ""):
        pytest.skip(reason)
    build = tmp_path / "build"
    build_by_cmake(TESTS / suite, build, board)
    if board.qemu:
        arguments = ("-icount", "shift=3", "-kernel", str(build / "zephyr" / "zephyr.elf"))
        output = run_qemu(board, arguments, timeout_s=120, until="PROJECT EXECUTION").output
    else:
        program = [str(build / "zephyr" / "zephyr.exe"), "-stop_at=3000"]
        output = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False).stdout
    assert "PROJECT EXECUTION SUCCESSFUL" in output, output[-3000:]
