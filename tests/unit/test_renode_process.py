# SPDX-License-Identifier: Apache-2.0
"""Renode as a child process, with a shell script in its place: versions, mistakes, time, and what a run's folder holds."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from codesign.base.errors import InputError, ToolError, ValidationError
from codesign.cli.machines import choose
from codesign.firmware.boards import list_boards, load_board
from codesign.firmware.machines.machine import MonitorCommand
from codesign.firmware.machines.renode_process import END, check_version, console_command, find_renode, run_renode
from codesign.firmware.machines.renode_script import EXECUTED, _timeline, shell, write_interactive

BANNER = "Renode, version 1.16.1 (d66b0c2a-202611232136)"
WITH_RENODE = [name for name in list_boards() if load_board(name).renode is not None]


@pytest.fixture
def renode(tmp_path, monkeypatch):
    """Write the script that stands for Renode."""

    def write(body):
        program = tmp_path / "renode"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setenv("CODESIGN_RENODE", str(program))

    return write


def test_runs_the_script_of_its_folder_without_windows(renode, tmp_path):
    renode(f"echo '{BANNER}'; echo \"$@\"; pwd; timeout 0.2 cat; echo \"cat $?\"; echo '{END}'")
    seen = []
    done = run_renode(tmp_path, timeout_s=20, watch=seen.append)
    lines = done.output.splitlines()
    assert lines[1].startswith("--disable-xwt --console --plain --config ")
    assert lines[1].endswith(f"-e include @{tmp_path / 'run.resc'}")
    assert lines[2] == str(tmp_path)
    assert lines[3] == "cat 124", "standard input ended: Renode's console would read it in a loop"


def test_a_script_that_stops_at_the_prompt_is_a_mistake(renode, tmp_path):
    asked = "printf '\\n(monitor) include @run.resc\\nNo such command or device: nonsense\\n(monitor) '"
    renode(f"echo '{BANNER}'; {asked}; exec sleep 60")
    with pytest.raises(ValidationError, match="could not run the script: No such command or device: nonsense"):
        run_renode(tmp_path, timeout_s=50)


def test_a_folder_may_be_relative(renode, tmp_path, monkeypatch):
    renode(f"echo '{BANNER}'; echo \"$@\"; echo $TMPDIR; echo '{END}'")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    lines = run_renode(Path("out"), timeout_s=20).output.splitlines()
    assert f"--config {tmp_path / 'out' / 'renode.config'} " in lines[1]
    assert lines[2] == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("echo 'Renode, version 1.15.3 (x)'", ToolError, "Renode 1.15.3 is too old: 1.16 or newer"),
        ("echo 'cannot execute binary file'; exit 126", ToolError, "Renode did not start: cannot execute binary file"),
        (f"echo '{BANNER}'; echo 'There was an error executing command x'; echo why", ValidationError, "command x why"),
        (f"echo '{BANNER}'; echo 'last words'", ValidationError, "could not run the script: last words"),
        (f"echo '{BANNER}'; exec sleep 60", ValidationError, "not done after 1 s"),
    ],
)
def test_mistakes_are_one_line(renode, tmp_path, body, error, message):
    renode(body)
    with pytest.raises(error, match=re.escape(message)):
        run_renode(tmp_path, timeout_s=1)


def test_the_program_is_the_variables_then_the_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("CODESIGN_RENODE", "/nowhere/renode")
    with pytest.raises(ToolError, match="no program '/nowhere/renode'"):
        find_renode()
    monkeypatch.delenv("CODESIGN_RENODE")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="no renode on the PATH"):
        find_renode()
    (tmp_path / "renode-run").touch(mode=0o755)
    assert find_renode() == (str(tmp_path / "renode-run"), "--")
    assert console_command(tmp_path)[:3] == [str(tmp_path / "renode-run"), "--", "--disable-xwt"]


def test_a_version_is_read_from_the_banner():
    assert check_version(f"[INFO] Loaded\n{BANNER}\n") == "1.16.1"


def test_commands_come_at_their_times_and_every_second_is_told(tmp_path):
    lines = _timeline(
        tmp_path, 2.5, [MonitorCommand(0.25, "fault"), MonitorCommand(2.0, "later"), MonitorCommand(9.0, "never")]
    )
    times = [float(found[1]) for line in lines if (found := re.match(r'emulation RunFor "(.*)"', line))]
    assert times == [0.25, 0.75, 1.0, 0.5]
    assert next(line for line in lines if "RunFor" not in line) == "fault"
    assert lines.index("later") > lines.index("fault")
    assert "never" not in lines
    counted = [line for line in lines if "ExecutedInstructions" in line]
    assert [re.search(r"write\('(\d) %d", line)[1] for line in counted] == ["1", "2"]
    assert all(str(tmp_path / EXECUTED) in line for line in counted)


@pytest.mark.parametrize("name", [name for name in WITH_RENODE if load_board(name).renode.i2s])
def test_a_runs_folder_has_all_that_its_script_names(tmp_path, name):
    elf = tmp_path / "zephyr.elf"
    elf.write_bytes(b"image")
    folder = tmp_path / "run"
    folder.mkdir()
    write_interactive(folder, elf, load_board(name), None)
    script = (folder / "run.resc").read_text()
    assert (folder / "image.elf").read_bytes() == b"image"
    included = re.search(r"include \$ORIGIN/(\S+)", script)
    board = (folder / included[1]).read_text()
    for path in re.findall(r"\$ORIGIN/(\S+)", board):
        assert (folder / name / path).is_file()


@pytest.mark.parametrize("name", WITH_RENODE)
def test_the_platform_counts_at_the_cards_clock(name):
    board = load_board(name)
    platform = board.renode.script.with_suffix(".repl").read_text()
    follows = "NRF_CycleCounter" in platform  # the register of the core's clock, whose reset value is half of it
    start = board.core.clock_hz // 2 if follows else board.core.clock_hz
    assert int(re.search(r"PerformanceInMips: (\d+)", platform)[1]) * 10**6 == start
    clocks = re.findall(r"(?:systickFrequency|frequency): (\d+)", platform)
    assert [int(clock) for clock in clocks] == [board.core.clock_hz] * (1 if follows else 2)


def test_a_board_without_renode_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no Renode platform"):
        shell(load_board("mps3_an547"), 0.0, "codesign stats")


def test_a_missing_script_is_named(tmp_path):
    shutil.copy(load_board("nrf5340dk").renode.script.parent / "board.toml", tmp_path / "board.toml")
    board = load_board(str(tmp_path / "board.toml"))
    with pytest.raises(InputError, match=re.escape(str(tmp_path / "nrf5340dk.resc"))):
        write_interactive(tmp_path, tmp_path / "x.elf", board, None)


def test_without_renode_the_default_is_unicorn_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("CODESIGN_RENODE", "/nowhere/renode")
    board = load_board("nrf5340dk")
    assert choose(None, board).name == "unicorn"
    assert "in Unicorn instead of the Zephyr image in Renode: no program '/nowhere/renode'" in " ".join(
        capsys.readouterr().err.split()
    )
    with pytest.raises(ToolError, match="no program '/nowhere/renode'"):  # asked for: said before an image is built for it
        choose("renode", board)
