# SPDX-License-Identifier: Apache-2.0
"""What the tests with Zephyr need, and why they are skipped where it is not there."""

from __future__ import annotations

import os
import shutil

from codesign.base.errors import CodesignError
from codesign.firmware.boards import load_board
from codesign.firmware.machines.qemu_process import find_qemu
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_toolchain, find_workspace


def missing_for_zephyr(board: str) -> str:
    """Why no image for `board` can be built here, "" when it can."""
    try:
        workspace = find_workspace()
        find_toolchain(load_board(board))
        find_build_tools()
    except CodesignError as error:
        return error.message
    if board == "native_sim" and not shutil.which("gcc"):
        return "no gcc for native images"
    if board == "stm32f746g_disco" and not _has_stm32(workspace.topdir):
        return "hal_stm32 is not in the workspace"
    return ""


def _has_stm32(topdir: object) -> bool:
    return "stm32" in os.environ.get("ZEPHYR_MODULES", "") or topdir is not None


def missing_qemu() -> str:
    try:
        find_qemu()
    except CodesignError as error:
        return error.message
    return ""
