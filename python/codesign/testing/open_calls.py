# SPDX-License-Identifier: Apache-2.0
"""`Calls` of an ELF on the machine that runs the board's bare images."""

from __future__ import annotations

from pathlib import Path

from codesign.firmware.boards import Board
from codesign.firmware.machines import bare_machine
from codesign.testing.calls import Calls
from codesign.testing.qemu_calls import QemuCalls
from codesign.testing.unicorn_calls import UnicornCalls


def open_calls(elf: Path, board: Board, *, counting: bool = False, tracing: bool = False) -> Calls:
    """`elf` of build_calls, open on the board's core. `counting` is for `instructions`, `tracing` for `blocks` too; each slows
    the calls down.
    """
    if bare_machine(board).name == "unicorn":
        return UnicornCalls(elf, board, counting=counting or tracing)
    return QemuCalls(elf, board, tracing=tracing)
