# SPDX-License-Identifier: Apache-2.0
"""QEMU as a child process: find it, start it for a board. What the image is does not matter here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from codesign.base.errors import InputError, ToolError
from codesign.firmware.boards import Board
from codesign.firmware.machines.child import ChildExit, run_child

PROGRAM = "qemu-system-arm"

SEMIHOSTING_ARGUMENTS = ("-semihosting-config", "enable=on,target=native")


def find_qemu() -> Path:
    """$CODESIGN_QEMU, else qemu-system-arm on the PATH.

    Raises:
        ToolError: there is none.
    """
    wanted = os.environ.get("CODESIGN_QEMU", "")
    if path := shutil.which(wanted or PROGRAM):
        return Path(path)
    missing = f"no program '{wanted}' (CODESIGN_QEMU)" if wanted else f"no {PROGRAM} on the PATH"
    raise ToolError(missing, hint="install qemu-system-arm (Debian, Ubuntu) or qemu (Homebrew), or set CODESIGN_QEMU")


def machine_arguments(board: Board, uart: str = "stdio") -> tuple[str, ...]:
    """QEMU's arguments for the board's machine: no display, no monitor, UART 0 on stdout, or where `uart` says, "pty" for one.

    Raises:
        InputError: the board's card has no table [qemu].
    """
    if board.qemu is None:
        raise InputError(f"board {board.name} has no QEMU machine", hint="add [qemu] to its board.toml: docs/add-a-board.md")
    common = ("-display", "none", "-monitor", "none", "-serial", uart)
    return ("-machine", board.qemu.machine, *board.qemu.arguments, *common)


def run_qemu(
    board: Board,
    arguments: Sequence[str],
    *,
    timeout_s: float,
    until: str = "",
    folder: Path | None = None,
) -> ChildExit:
    """Run QEMU with the board's machine and `arguments`: `run_child`. The output is UART 0's, semihosting's and QEMU's.

    `folder` is where it runs: semihosting opens relative file names there. A path in `arguments` must not contain a comma: QEMU
    splits values there.

    Raises:
        InputError: the board has no QEMU machine.
        ToolError: QEMU is missing or cannot be started.
    """
    command = [str(find_qemu()), *machine_arguments(board), *arguments]
    return run_child(command, timeout_s=timeout_s, until=until, folder=folder)
