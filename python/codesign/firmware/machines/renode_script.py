# SPDX-License-Identifier: Apache-2.0
"""The folder that Renode runs: script, platform, models and image, nothing outside it but Renode's own files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.firmware.boards import Board, RenodePlatform
from codesign.firmware.elf import read_elf
from codesign.firmware.machines.machine import MonitorCommand
from codesign.firmware.machines.renode_process import END, SCRIPT

INPUT, OUTPUT = "codesign-in.pcm", "codesign-out.pcm"
"""Slots as they lie in memory; firmware without I2S opens them by these names (app/Kconfig)."""

CONSOLE, FRAMES, BLOCKS, EXECUTED = "console.txt", "frames.txt", "blocks.txt", "executed.txt"
LOG = "renode.log"
IMAGE = "image.elf"

SECOND = "codesign: virtual second"
"""Printed after every second of virtual time, and then its number. EXECUTED has a line then: seconds, executed instructions."""

_MODELS = "renode"
"""Folder of what boards share."""

_SOURCES = (".resc", ".repl", ".cs", ".py")

_BLOCK_ENDS = "monitor_block"
_FRAME_BEGINS, _FRAME_ENDS = ("cs_enhancer_process", "network_frame"), "monitor_frame"
"""Functions of the image, the first by the path of its chain. The other is called right after it, with the cycles that the
firmware counted."""


def shell(board: Board, at: float, line: str) -> MonitorCommand:
    """A line typed into the firmware's shell."""
    return MonitorCommand(at, f'{_renode(board).uart} WriteLine "{line}"')


def write_script(folder: Path, elf: Path, board: Board, seconds: float, commands: Sequence[MonitorCommand] = ()) -> None:
    """Fill `folder` with everything for a run of `seconds` of virtual time but the input, INPUT: slots as they lie in memory.

    Raises:
        InputError: the board has no table [renode], or a file that it names is missing.
    """
    symbols = read_elf(elf)
    known = {symbol.name for symbol in symbols.symbols}
    begins = symbols.address(next((name for name in _FRAME_BEGINS if name in known), _FRAME_BEGINS[0]))
    ends = symbols.address(_FRAME_ENDS)
    records = [f"RecordEntry {begins:#x} $ORIGIN/{FRAMES}", f"RecordCall {ends:#x} $ORIGIN/{FRAMES}"]
    if _BLOCK_ENDS in known:
        records.append(f"RecordCall {symbols.address(_BLOCK_ENDS):#x} $ORIGIN/{BLOCKS}")
    lines = [
        *_machine(folder, elf, board),
        *_input(board),
        f"include $ORIGIN/{_MODELS}/Recorder.cs",
        *(f"cpu {record}" for record in records),
        *_timeline(folder, seconds, commands),
        f'log "{END}"',
        "quit",
    ]
    _write(folder, lines)


def write_interactive(folder: Path, elf: Path, board: Board, audio: Path | None) -> None:
    """The same without a plan: it runs until Renode's monitor is told to quit. `audio`: slots for the I2S, else silence.

    Raises:
        InputError: as write_script.
    """
    lines = _machine(folder, elf, board)
    if audio is not None:
        shutil.copy(audio, folder / INPUT)
        lines += _input(board)
    _write(folder, [*lines, "start"])


def _machine(folder: Path, elf: Path, board: Board) -> list[str]:
    """Copies everything to `folder`; the lines that make the machine of it."""
    renode = _renode(board)
    if not renode.script.is_file():
        raise InputError(f"board {board.name}: {renode.script} is missing", hint="see [renode] in its board.toml")
    for source, target in ((renode.script.parent, folder / board.name), (resource("boards", "renode"), folder / _MODELS)):
        target.mkdir(exist_ok=True)
        for file in source.iterdir():
            if file.suffix in _SOURCES:
                shutil.copy(file, target / file.name)
    shutil.copy(elf, folder / IMAGE)
    return [
        f"logFile $ORIGIN/{LOG} true",
        f"$elf=$ORIGIN/{IMAGE}",
        f"include $ORIGIN/{board.name}/{renode.script.name}",
        f"{renode.uart} CreateFileBackend $ORIGIN/{CONSOLE} true",
        f"{renode.i2s} OutputFile $ORIGIN/{OUTPUT}" if renode.i2s else _semihosting(folder, elf),
    ]


def _input(board: Board) -> list[str]:
    """One of them is where the image takes its audio from; the other is never started."""
    renode = _renode(board)
    return [f"{device} InputFile $ORIGIN/{INPUT}" for device in (renode.i2s, renode.pdm) if device]


def _semihosting(folder: Path, elf: Path) -> str:
    """A hook that does what a debugger would do."""
    here = folder.resolve()
    scope = f"folder = '{here}'; files = globals().get('files', [])"
    run = f"exec(open('{here / _MODELS / 'semihosting.py'}').read())"
    return f'cpu AddHook {read_elf(elf).address("semihost_exec"):#x} "{scope}; {run}"'


def _write(folder: Path, lines: Sequence[str]) -> None:
    (folder / SCRIPT).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _timeline(folder: Path, seconds: float, commands: Sequence[MonitorCommand]) -> list[str]:
    """Run, a line of progress after every second, commands at their times."""
    stops = [(command.at, command.text) for command in commands]
    for second in range(1, int(seconds) + 1):
        stops += [(float(second), f'log "{SECOND} {second}"'), (float(second), _executed(folder, second))]
    lines, now = [], 0.0
    for at, text in [*sorted((stop for stop in stops if stop[0] <= seconds), key=lambda stop: stop[0]), (seconds, "")]:
        if at > now:
            lines.append(f'emulation RunFor "{at - now:.6f}"')
            now = at
        if text:
            lines.append(text)
    return lines


def _executed(folder: Path, second: int) -> str:
    """The monitor's line that writes what the core has executed by now. Renode's own folder may be the current one."""
    count = "self.Machine['sysbus.cpu'].ExecutedInstructions"
    write = f"file.write('{second} %d\\n' % {count})"
    return f"""python "with open('{(folder / EXECUTED).resolve()}', 'a') as file: {write}\""""


def _renode(board: Board) -> RenodePlatform:
    if board.renode is None:
        raise InputError(f"board {board.name} has no Renode platform", hint="see [renode] in docs/add-a-board.md")
    return board.renode
