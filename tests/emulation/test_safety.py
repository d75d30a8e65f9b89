# SPDX-License-Identifier: Apache-2.0
"""What is heard when something fails, row by row of docs/safety.md: the image that is flashed, in Renode."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.frontend.programs import Program
from codesign.compiler.load import load_model
from codesign.firmware.boards import load_board
from codesign.firmware.elf import read_elf
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.console import read_lines
from codesign.firmware.machines.machine import MonitorCommand, RunOptions
from codesign.firmware.machines.renode_script import CONSOLE, shell
from codesign.firmware.toolchain import BuildOptions, build_zephyr
from renode_tools import missing_for_renode

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

BOARD = "nrf5340dk"
PEAK = 6000
UNDEFINED, ENDLESS = 0xDEFF, 0xE7FE  # udf #255, b .
TONE = np.rint(4000 * np.sin(np.arange(24000) * 2 * np.pi * 500 / 16000)).astype(np.int16)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if reason := missing_for_renode(BOARD):
        pytest.skip(reason)
    model = load_model(resource("models", "low-latency", "low-latency.onnx"))
    network = model.changed(strength=100, programs=(Program("music", strength=0),)).network
    options = BuildOptions((f"CONFIG_CODESIGN_OUTPUT_PEAK={PEAK}",))
    return build_zephyr(network, load_board(BOARD), tmp_path_factory.mktemp("safety") / "zephyr", options=options)


def run(image, folder, *commands):
    """The run, its lines `boot`, and all that left the I2S, which every failure leaves within the limit."""
    done = MACHINES["renode"].run(image, TONE, RunOptions(folder=folder, commands=commands))
    played = np.fromfile(folder / "codesign-out.pcm", "<i2")
    assert np.abs(played.astype(int)).max() <= PEAK
    return done, [line for line in read_lines(done.console.log) if line.kind == "boot"], played


def broken(image, function, instruction, at, until):
    """Another instruction at the start of a function, for a while."""
    elf = read_elf(image.path)
    address = elf.address(function)
    base, code = next((base, code) for base, code in elf.load_images() if base <= address < base + len(code))
    right = int.from_bytes(code[address - base : address - base + 2], "little")
    return [
        MonitorCommand(when, f"sysbus WriteWord {address:#x} {word:#x}") for when, word in ((at, instruction), (until, right))
    ]


def heard_at_the_end(played):
    return np.abs(played[-4000:].astype(int)).max() > 500


def test_a_fault_mutes_resets_and_sound_comes_back(image, tmp_path):
    """For less than the block that it takes to come back to the same instruction: one fault."""
    done, boots, played = run(image, tmp_path, *broken(image, "cs_lstm_step", UNDEFINED, 0.5, 0.5045))
    assert [line.number("boots") for line in boots] == list(range(1, len(boots) + 1))
    assert boots[-1].number("faults") == len(boots) - 1 >= 1
    assert boots[-1].number("pc") == read_elf(image.path).address("cs_lstm_step")
    assert boots[-1].number("watchdogs") == boots[-1].number("others") == 0
    assert done.console.stats.number("enhanced") > 100  # since the reset
    assert heard_at_the_end(played)


def test_a_network_that_always_faults_is_left_out(image, tmp_path):
    done, boots, played = run(image, tmp_path, *broken(image, "cs_lstm_step", UNDEFINED, 0.5, 9.0))
    assert [line.number("in_a_row") for line in boots] == [0, 1, 2, 3]
    assert done.console.stats.number("bypassed") == done.console.stats.number("captured") > 100
    delay = image.network.frontend.latency_samples
    assert delay < 4000
    assert heard_at_the_end(played)  # the input, without the network


def test_a_stack_that_overflows_is_a_fault(image, tmp_path):
    elf = read_elf(image.path)
    below = elf.address("_k_thread_stack_enhancer") - 16
    function = elf.address("cs_lstm_step")
    hook = f'cpu AddHook {function:#x} "from System import UInt32; self.SetRegister(13, UInt32({below}))"'
    commands = [MonitorCommand(0.5, hook), MonitorCommand(0.5045, f"cpu RemoveHooksAt {function:#x}")]
    _, boots, played = run(image, tmp_path, *commands)
    assert boots[-1].number("faults") == len(boots) - 1 >= 1
    assert boots[-1].number("reason") != 0
    assert heard_at_the_end(played)


def test_a_thread_that_stands_still_is_reset_by_the_watchdog(image, tmp_path):
    done, boots, played = run(image, tmp_path, *broken(image, "slots_to_pcm", ENDLESS, 0.3, 0.6))
    assert [(line.number("boots"), line.number("watchdogs"), line.number("faults")) for line in boots] == [(1, 0, 0), (2, 1, 0)]
    assert done.console.stats.number("enhanced") > 100
    assert heard_at_the_end(played)


def test_a_codec_that_comes_late_is_heard_from_then_on(image, tmp_path):
    commands = [MonitorCommand(0.0, "i2s0 ClockStopped true"), MonitorCommand(0.7, "i2s0 ClockStopped false")]
    done, boots, played = run(image, tmp_path, *commands)
    assert len(boots) == 1  # waiting is no fault: the watchdog is fed
    assert done.console.stats.number("stalls") > 5
    assert done.console.accounted
    assert heard_at_the_end(played)


def test_nothing_louder_than_the_peak_leaves_the_image(image, tmp_path):
    """Enhanced or dry, with ten times the gain."""
    board = load_board(BOARD)
    commands = [shell(board, 0.3, "codesign gain 20"), shell(board, 0.8, "codesign bypass on")]
    done, _, played = run(image, tmp_path, *commands)
    assert np.abs(played.astype(int)).max() == PEAK
    assert done.console.stats.number("bypassed") > 50
    assert done.console.faults == {}


WRONG = {
    **dict.fromkeys(("strength 101", "strength -1", "strength 99999999999999999999"), "whole percent from 0 to 100, not '{}'"),
    **dict.fromkeys(("strength abc", "strength 5%"), "whole percent from 0 to 100, not '{}'"),
    **dict.fromkeys(("program 2", "program -1", "program music"), "no program '{}'"),
}


def test_what_cannot_be_set_is_one_line_and_no_setting_clicks(image, tmp_path):
    """Wrong words one after the other, then strength and program every 10 ms: the sound changes by little more than a tone."""
    board = load_board(BOARD)
    wrong = [shell(board, 0.2 + 0.04 * number, f"codesign {words}") for number, words in enumerate(WRONG)]
    right = ("strength 0", "program 1", "strength 100", "program 0")
    fast = [shell(board, 0.6 + 0.01 * number, f"codesign {right[number % 4]}") for number in range(60)]
    done, boots, played = run(image, tmp_path, *wrong, *fast)
    lines = (tmp_path / CONSOLE).read_text(encoding="utf-8", errors="replace").splitlines()
    for words, answer in WRONG.items():
        said = answer.format(words.split()[1])
        assert sum(said in line for line in lines) == 1, words
    assert sum("whole percent" in line or "no program" in line for line in lines) == len(WRONG), "right ones are not refused"
    assert len(boots) == 1
    assert done.console.faults == {}
    steepest = 4000 * 2 * np.pi * 500 / 16000
    assert np.abs(np.diff(played[4000:-4000].astype(int))).max() < 1.25 * steepest
    assert heard_at_the_end(played)
