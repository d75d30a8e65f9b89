# SPDX-License-Identifier: Apache-2.0
"""QEMU as a child process, with a shell script in its place: every way to end, and nothing left running."""

import os
import signal
import subprocess
import sys
import time

import pytest

from codesign.base.errors import InputError, ToolError
from codesign.firmware.boards import load_board
from codesign.firmware.machines.child import OUTPUT_LIMIT
from codesign.firmware.machines.qemu_process import find_qemu, machine_arguments, run_qemu

BOARD = load_board("mps3_an547")


@pytest.fixture
def qemu(tmp_path, monkeypatch):
    """Write the script that stands for QEMU; it leaves its process id in tmp_path/pid."""

    def write(body):
        program = tmp_path / "qemu"
        program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setenv("CODESIGN_QEMU", str(program))
        return tmp_path / "pid"

    return write


def alive(pid_file):
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_status_output_and_arguments(qemu, tmp_path):
    qemu('echo "$@"; pwd; echo to stderr >&2; exit 3')
    end = run_qemu(BOARD, ["-kernel", "a.elf"], timeout_s=20, folder=tmp_path)
    expected = [" ".join((*machine_arguments(BOARD), "-kernel", "a.elf")), str(tmp_path), "to stderr"]
    assert (end.status, end.found, end.timed_out) == (3, False, False)
    assert end.output.splitlines() == expected


def test_stopped_when_the_time_is_over_even_if_it_will_not(qemu):
    pid = qemu("trap '' TERM; while :; do sleep 0.1; done")
    end = run_qemu(BOARD, [], timeout_s=0.5)
    assert end.timed_out
    assert end.status is None
    assert not alive(pid)


def test_stopped_when_the_text_appears(qemu):
    pid = qemu("echo half; sleep 0.2; echo PROJECT EXECUTION SUCCESSFUL; exec sleep 60")
    end = run_qemu(BOARD, [], timeout_s=30, until="EXECUTION SUCCESSFUL")
    assert (end.status, end.found, end.timed_out) == (None, True, False)
    assert end.seconds < 20
    assert not alive(pid)


def test_text_printed_last_is_found(qemu):
    qemu("echo done")
    end = run_qemu(BOARD, [], timeout_s=20, until="done")
    assert (end.status, end.found) == (0, True)


def test_only_the_end_of_endless_output_is_kept(qemu):
    qemu(f"head -c {3 * OUTPUT_LIMIT} /dev/zero | tr '\\0' x; echo end")
    end = run_qemu(BOARD, [], timeout_s=20)
    assert len(end.output) == OUTPUT_LIMIT
    assert end.output.endswith("xend\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_gone_when_codesign_is_ended(qemu, number):
    pid = qemu("exec sleep 60")
    call = "from test_qemu_process import BOARD, run_qemu; run_qemu(BOARD, [], timeout_s=60)"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    parent = subprocess.Popen(
        [sys.executable, "-c", call],
        env=environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # shells ignore it in background jobs
    )
    while not (pid.exists() and pid.read_text()):
        assert parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(number)
    assert parent.wait(20) != 0
    assert not alive(pid)


def test_missing_program_and_board_without_a_machine(monkeypatch):
    monkeypatch.setenv("CODESIGN_QEMU", "no-such-qemu")
    with pytest.raises(ToolError, match="no-such-qemu"):
        find_qemu()
    monkeypatch.setenv("CODESIGN_QEMU", "")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="qemu-system-arm"):
        find_qemu()
    with pytest.raises(InputError, match="nrf5340dk"):
        machine_arguments(load_board("nrf5340dk"))
