# SPDX-License-Identifier: Apache-2.0
"""The machines of firmware/machines as options of commands, and which one a command takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.base.errors import InputError, ToolError
from codesign.cli.console import say
from codesign.firmware.machines import MACHINES, MODULES, SERIAL, emulators, machine_named

if TYPE_CHECKING:
    from codesign.firmware.boards import Board
    from codesign.firmware.machines.machine import Machine


def _one_of(names: tuple[str, ...]) -> Any:
    """What an option takes: a machine's name, or the board at a serial port with its port."""

    def machine_address(value: str) -> str:
        if value in names or value.startswith(f"{SERIAL}:"):
            return value
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, names))}")

    return {"parser": machine_address, "metavar": f"[{'|'.join(names)}:PORT]"}


_NAMES = ("--emulator", "--on")
EmulatorOption = Annotated[
    str | None,
    typer.Option(
        *_NAMES,
        **_one_of((*emulators(), SERIAL)),
        help="unicorn: bare image; qemu, renode, native: Zephyr application; serial:PORT: a real board (default: the board's).",
    ),
]
MachineOption = Annotated[
    str | None,
    typer.Option(
        *_NAMES,
        **_one_of((*(name for name in MODULES if name != SERIAL), SERIAL)),
        help="unicorn: bare image; qemu, renode, native: Zephyr application; serial:PORT: a real board; host: shared library "
        "(default: the board's).",
    ),
]


def choose(wanted: str | None, board: Board, *, profile: bool = False) -> Machine:
    """The machine asked for, or the board's own; where a tool for the board's own is missing, the one that stands in for it,
    and a line that says so.

    Raises:
        InputError: the board cannot run there.
        ToolError: the machine asked for is not here: said before anything is built for it.
    """
    name = wanted or board.default_emulator
    if not name:
        hint = "build for it, and prove it at its serial port: --on serial:DEVICE"
        raise InputError(f"no emulator runs board {board.name}", hint=hint)
    machine = machine_named(name)
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
