# SPDX-License-Identifier: Apache-2.0
"""The machines of firmware/machines as options of commands, and which one a command takes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.base.errors import ToolError
from codesign.cli.console import say
from codesign.firmware.machines import MACHINES, MODULES, emulators

if TYPE_CHECKING:
    from codesign.firmware.boards import Board
    from codesign.firmware.machines.machine import Machine

    EmulatorName = str
    MachineName = str
else:
    EmulatorName = StrEnum("EmulatorName", {name: name for name in emulators()})
    MachineName = StrEnum("MachineName", {name: name for name in MODULES})

_NAMES = ("--emulator", "--on")
EmulatorOption = Annotated[
    EmulatorName | None,
    typer.Option(*_NAMES, help="unicorn: bare image; qemu, renode, native: Zephyr application (default: the board's)."),
]
MachineOption = Annotated[
    MachineName | None,
    typer.Option(
        *_NAMES,
        help="unicorn: bare image; qemu, renode, native: Zephyr application; host: shared library (default: the board's).",
    ),
]


def choose(wanted: str | None, board: Board, *, profile: bool = False) -> Machine:
    """The machine asked for, or the board's own; where a tool for the board's own is missing, the one that stands in for it,
    and a line that says so.

    Raises:
        InputError: the board cannot run there.
        ToolError: the machine asked for is not here: said before anything is built for it.
    """
    machine = MACHINES[wanted or board.default_emulator]
    machine.check_board(board)
    try:
        machine.check_tools(profile=profile)
    except ToolError as error:
        if wanted is not None or machine.fallback not in board.emulators:
            raise
        other = MACHINES[machine.fallback]
        say(f"the {_what(other)} instead of the {_what(machine)}: {error.message}")
        return other
    return machine


def _what(machine: Machine) -> str:
    return f"bare {machine.title}" if machine.runtime == "bare" else machine.title
