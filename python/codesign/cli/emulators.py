"""Which emulator a command runs a board's image in."""

from __future__ import annotations

from enum import StrEnum

from codesign.boards import Board
from codesign.errors import InputError


class Emulator(StrEnum):
    unicorn = "unicorn"
    qemu = "qemu"
    native = "native"


def choose(wanted: Emulator | None, board: Board) -> Emulator:
    """The emulator asked for, or the board's own.

    Raises:
        InputError: the board cannot run there.
    """
    name = wanted.value if wanted else board.default_emulator
    if name not in board.emulators:
        raise InputError(f"board {board.name} does not run in {name}", hint=f"it runs in {', '.join(board.emulators)}")
    return Emulator(name)
