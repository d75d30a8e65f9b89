# SPDX-License-Identifier: Apache-2.0
"""Machines: one interface and one Run, one file for a new one, one place that aligns an output with its input."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import codesign
from codesign.base.errors import InputError, ToolError
from codesign.base.resources import resource
from codesign.compiler.frontend import Chain
from codesign.firmware import machines
from codesign.firmware.boards import list_boards, load_board
from codesign.firmware.machines import MACHINES, MODULES, emulators, machine_named
from codesign.firmware.machines.alignment import Alignment, HopBuffer
from codesign.firmware.machines.machine import Machine, MonitorCommand, RunOptions
from codesign.firmware.toolchain import build_host
from json_documents import document as checked
from networks import random_network

pytestmark = pytest.mark.slow  # the file as a whole

TESTS = Path(__file__).parents[1]
WITH_TOY = """
import sys
from codesign.firmware.machines import MODULES
MODULES["toy"] = "toy_machine"
from codesign.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_host(random_network(Chain(n_fft=128, window=128, hop=64, n_mels=20)), tmp_path_factory.mktemp("host") / "h")


def with_toy(*arguments):
    """`codesign`, with the toy machine registered."""
    return subprocess.run(
        [sys.executable, "-c", WITH_TOY, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS,
        timeout=300,
    )


def test_every_machine_is_of_the_one_interface_and_called_as_it_is_registered():
    assert list(MACHINES) == list(MODULES)
    for name, machine in MACHINES.items():
        assert isinstance(machine, Machine)
        assert machine.name == name
        assert machine.title
        assert not machine.fallback or machine.fallback in MACHINES
    assert set(emulators()) == set(MACHINES) - {"host", "serial"}
    with pytest.raises(InputError, match="no machine is called 'bochs'; machines: unicorn"):
        machine_named("bochs")


def test_naming_the_machines_imports_none_of_them():
    code = "import sys, codesign.firmware.machines as m; list(m.MACHINES); print([x for x in sys.modules if 'unicorn' in x])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list_boards())
def test_a_card_names_machines_that_run_it(name):
    board = load_board(name)
    for emulator in board.emulators:
        assert MACHINES[emulator].runs(board)
        assert MACHINES[emulator].runtime in ("bare", "zephyr")
    others = {"host"} if board.native else {"host", "serial"}
    assert {each for each in MACHINES if MACHINES[each].runs(board)} == {*board.emulators} | others


def test_what_a_machine_cannot_run_is_refused(image):
    pcm = np.zeros(128, np.int16)
    with pytest.raises(InputError, match="a host image does not run in unicorn; build it with the runtime bare"):
        MACHINES["unicorn"].run(image, pcm)
    with pytest.raises(InputError, match="host takes no commands"):
        MACHINES["host"].run(image, pcm, RunOptions(commands=(MonitorCommand(0.0, "fault"),)))
    with pytest.raises(InputError, match="host does not tell layers apart"):
        MACHINES["host"].runtime_for(profile=True)
    with pytest.raises(ValueError, match="PCM of float64"):
        MACHINES["host"].run(image, np.zeros(128))
    for size in (0, 100):
        with pytest.raises(ValueError, match=f"{size} samples are not"):
            MACHINES["host"].run(image, np.zeros(size, np.int16))


def test_tools_that_are_missing_are_named_before_anything_is_built(monkeypatch):
    for name in ("CODESIGN_QEMU", "CODESIGN_RENODE", "ZEPHYR_BASE"):
        monkeypatch.setenv(name, "/nowhere")
    for name in ("qemu", "renode", "native"):
        with pytest.raises(ToolError, match="/nowhere"):
            MACHINES[name].check_tools()


def test_a_run_of_the_host_shows_signals_and_counts_nothing(image):
    seen = []
    options = RunOptions(progress=lambda done, total: seen.append((done, total)))
    run = MACHINES["host"].run(image, np.arange(640, dtype=np.int16), options)
    assert (run.machine, run.frames, run.pcm.size) == ("host", 10, 640)
    assert run.mask.shape[0] == run.features.shape[0] == run.skipped.size == 10
    assert run.skipped_frames == run.skipped.sum()
    assert (run.counts, run.instructions, run.console, run.stack_bytes, run.unmapped) == (None,) * 5
    assert seen[-1] == (10, 10)


@pytest.mark.parametrize("latency", [0, 1, 63, 64, 65, 300])
@pytest.mark.parametrize("samples", [1, 63, 64, 65, 1000])
def test_an_aligned_delay_gives_the_signal_back(samples, latency):
    """Against a process that does nothing but delay."""
    alignment, signal = Alignment(64, latency), np.arange(1, samples + 1, dtype=np.int16)

    def delay():
        past = np.zeros(latency, np.int16)

        def process(pcm):
            nonlocal past
            assert pcm.size % 64 == 0
            line = np.concatenate([past, pcm])
            past = line[pcm.size :]
            return line[: pcm.size]

        return process

    np.testing.assert_array_equal(alignment.apply(signal, delay()), signal)
    for size in (1, 50, 64, 2000):
        blocks = [signal[at : at + size] for at in range(0, samples, size)]
        np.testing.assert_array_equal(np.concatenate(list(alignment.stream(blocks, delay()))), signal)


def test_a_hop_buffer_loses_nothing():
    buffer, signal = HopBuffer(8), np.arange(100, dtype=np.int16)
    out = [buffer.add(part) for part in np.split(signal, [3, 3, 11, 40, 41])]
    assert all(part.size % 8 == 0 for part in out)
    np.testing.assert_array_equal(np.concatenate([*out, buffer.waiting]), signal)


def test_a_machine_of_ones_own_is_one_file_and_its_registration(image, monkeypatch):
    monkeypatch.setitem(MODULES, "toy", "toy_machine")
    pcm = (3000 * np.sin(np.arange(1000) / 5)).astype(np.int16)
    own, host = (codesign.run(image, pcm, on=name) for name in ("toy", "host"))
    np.testing.assert_array_equal(own.samples, host.samples)
    assert own.run.counts.worst == 1000


@pytest.mark.slow
def test_commands_offer_and_run_it(tmp_path):
    model, names = resource("models", "pruned", "pruned.onnx"), ("verify", "run", "report")
    for command in names:
        assert "toy" in re.sub(r"\s", "", with_toy(command, "--help").stdout)
    soundfile.write(tmp_path / "a.wav", np.zeros(4000, np.int16), 16000)
    done = with_toy("run", model, tmp_path / "a.wav", "-o", tmp_path / "o.wav", "--on", "toy", "--json")
    assert done.returncode == 0, done.stderr
    found = checked(done.stdout)
    assert (found["runtime"], found["worst_instructions"]) == ("toy", 1000)
    assert soundfile.info(tmp_path / "o.wav").frames == 4000
    done = with_toy("verify", model, "--board", "native_sim", "--emulator", "toy", "--seconds", "20", "--json")
    assert done.returncode == 0, done.stderr
    verdict = checked(done.stdout)["verdict"]
    assert verdict["emulator"] == "toy"
    assert verdict["checks"][0]["name"] == "toy = host, bit for bit"
    assert verdict["latency"]["worst_instructions"] == 1000


def test_the_page_says_at_most_five_steps_and_names_what_is_there():
    page = (TESTS.parent / "docs" / "add-an-emulator.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\d+\. ", page, re.MULTILINE)
    assert 1 <= len(steps) <= 5
    for path in re.findall(r"`(python/codesign/[^\s<]+\.py|tests/\S+\.py)`", page):
        assert (TESTS.parent / path).is_file()
    for name in re.findall(r"`Machine\.(\w+)`", page):
        assert hasattr(Machine, name) or name in Machine.__annotations__
    assert set(re.findall(r"^\| `(\w+)` \| \w+", page, re.MULTILINE)) >= set(machines.MODULES)
