# SPDX-License-Identifier: Apache-2.0
"""Which emulator a command runs a board's image in."""

from __future__ import annotations

from enum import StrEnum

from codesign.base.errors import InputError, ToolError
from codesign.cli.console import say
from codesign.firmware.boards import Board
from codesign.firmware.machines.qemu_process import find_qemu
from codesign.firmware.machines.renode_process import find_renode
from codesign.firmware.toolchain.zephyr_workspace import find_workspace


class Emulator(StrEnum):
    unicorn = "unicorn"
    qemu = "qemu"
    renode = "renode"
    native = "native"


def choose(wanted: Emulator | None, board: Board) -> Emulator:
    """The emulator asked for, or the board's own; Unicorn, and a line that says so, where Renode would be but is not there.

    Raises:
        InputError: the board cannot run there.
        ToolError: the emulator asked for is not here: said before anything is built for it.
    """
    name = wanted.value if wanted else board.default_emulator
    if name not in board.emulators:
        raise InputError(f"board {board.name} does not run in {name}", hint=f"it runs in {', '.join(board.emulators)}")
    if wanted is None and name == "renode" and "unicorn" in board.emulators:
        try:
            find_renode()
            find_workspace()
        except ToolError as error:
            say(f"the bare image in Unicorn instead of the Zephyr image in Renode: {error.message}")
            return Emulator.unicorn
    if name == "renode":
        find_renode()
    if name == "qemu":
        find_qemu()
    return Emulator(name)
