"""The folder that Renode runs: script, platform, models and image, nothing outside it but Renode's own files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codesign.boards import Board, Renode
from codesign.elf import read_elf
from codesign.emulate.renode_process import END, SCRIPT
from codesign.errors import InputError

INPUT, OUTPUT, CONSOLE, FRAMES, LOG = "in.pcm", "out.pcm", "console.txt", "frames.txt", "renode.log"
IMAGE = "image.elf"

SECOND = "codesign: virtual second"
"""Printed after every second of virtual time, and then its number."""

QUANTUM_S = 0.001
"""Of Renode's time: what lies between two looks at the rest of the machine. Finer ones give the same output."""

_FRAME_BEGINS, _FRAME_ENDS = "cs_enhancer_process", "monitor_frame"
"""Functions of the image: the second is called right after the first, with the cycles that the firmware counted."""


@dataclass(frozen=True)
class Command:
    """A line for Renode's monitor at a time of the run, seconds of virtual time after reset. For faults and for the shell."""

    at: float
    text: str


def shell(board: Board, at: float, line: str) -> Command:
    """A line typed into the firmware's shell."""
    return Command(at, f'{_renode(board).uart} WriteLine "{line}"')


def write_script(folder: Path, elf: Path, board: Board, seconds: float, commands: Sequence[Command] = ()) -> None:
    """Fill `folder` with everything for a run of `seconds` of virtual time but the input, INPUT: slots as they lie in memory.

    Raises:
        InputError: the board has no table [renode], or a file that it names is missing.
    """
    renode = _renode(board)
    for file in (renode.platform, *renode.models):
        if not file.is_file():
            raise InputError(f"board {board.name}: {file} is missing", hint="see [renode] in its board.toml")
        shutil.copy(file, folder / file.name)
    shutil.copy(elf, folder / IMAGE)
    symbols = read_elf(elf)
    begins, ends = (symbols.address(name) & ~1 for name in (_FRAME_BEGINS, _FRAME_ENDS))
    lines = [
        *(f"include $ORIGIN/{model.name}" for model in renode.models),
        f'mach create "{board.name}"',
        f"machine LoadPlatformDescription $ORIGIN/{renode.platform.name}",
        f'emulation SetGlobalQuantum "{QUANTUM_S}"',
        "emulation SetGlobalAdvanceImmediately true",
        f"logFile $ORIGIN/{LOG} true",
        f"{renode.uart} CreateFileBackend $ORIGIN/{CONSOLE} true",
        f"{renode.i2s} InputFile $ORIGIN/{INPUT}",
        f"{renode.i2s} OutputFile $ORIGIN/{OUTPUT}",
        f"sysbus LoadELF $ORIGIN/{IMAGE}",
        f'cpu AddHook {begins:#x} "{_note(folder, "self.ExecutedInstructions")}"',
        f'cpu AddHook {ends:#x} "{_note(folder, "self.ExecutedInstructions", "self.GetRegister(0).RawValue")}"',
        *_timeline(seconds, commands),
        f'log "{END}"',
        "quit",
    ]
    (folder / SCRIPT).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _timeline(seconds: float, commands: Sequence[Command]) -> list[str]:
    """Run, a line of progress after every second, commands at their times."""
    stops = [(command.at, command.text) for command in commands]
    stops += [(float(second), f'log "{SECOND} {second}"') for second in range(1, int(seconds) + 1)]
    lines, now = [], 0.0
    for at, text in [*sorted((stop for stop in stops if stop[0] <= seconds), key=lambda stop: stop[0]), (seconds, "")]:
        if at > now:
            lines.append(f'emulation RunFor "{at - now:.6f}"')
            now = at
        if text:
            lines.append(text)
    return lines


def _note(folder: Path, *values: str) -> str:
    """Python of a hook: a line of numbers for FRAMES. Renode's own folder may be the current one."""
    numbers = " ".join("%d" for _ in values)
    return f"with open('{folder.resolve() / FRAMES}', 'a') as file: file.write('{numbers}\\n' % ({', '.join(values)},))"


def _renode(board: Board) -> Renode:
    if board.renode is None:
        raise InputError(f"board {board.name} has no Renode platform", hint="see [renode] in docs/add-a-board.md")
    return board.renode
