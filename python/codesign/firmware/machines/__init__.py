# SPDX-License-Identifier: Apache-2.0
"""run: Image + PCM → Run, on whatever machine executes the image. docs/add-an-emulator.md adds one."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from codesign.base.errors import InputError

if TYPE_CHECKING:
    from codesign.firmware.boards import Board
    from codesign.firmware.machines.machine import Machine

MODULES = {
    "unicorn": "codesign.firmware.machines.unicorn",
    "qemu": "codesign.firmware.machines.qemu",
    "renode": "codesign.firmware.machines.renode",
    "native": "codesign.firmware.machines.native",
    "host": "codesign.firmware.machines.host",
    "serial": "codesign.firmware.machines.serial_board",
}
"""Machines by name, and the module whose MACHINE each one is: a new machine is a file and its line here."""


class _Machines(Mapping[str, "Machine"]):
    """MODULES as machines: each module is imported when its machine is asked for, so that naming machines costs nothing."""

    def __getitem__(self, name: str) -> Machine:
        machine: Machine = importlib.import_module(MODULES[name]).MACHINE
        return machine

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


MACHINES: Mapping[str, Machine] = _Machines()

HOST, SERIAL = "host", "serial"
"""The machine that runs a library of this computer, and the one that is a real board; all others emulate a board."""


def emulators() -> tuple[str, ...]:
    """Names of the machines that emulate a board: what a board's card may name."""
    return tuple(name for name in MODULES if name not in (HOST, SERIAL))


def machine_named(name: str) -> Machine:
    """A machine by its name, and after a colon its place if it has one: "serial:/dev/ttyACM0".

    Raises:
        InputError: there is none of that name, or not there.
    """
    name, colon, place = name.partition(":")
    if name not in MODULES:
        raise InputError(f"no machine is called '{name}'", hint=f"machines: {', '.join(MODULES)}")
    return MACHINES[name].at(place) if colon else MACHINES[name]


def bare_machine(board: Board) -> Machine:
    """The machine that counts the stages of the board's bare image: Unicorn where it has the core, else QEMU."""
    from codesign.firmware.machines.unicorn import supports

    return MACHINES["unicorn" if supports(board) else "qemu"]
