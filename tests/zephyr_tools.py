# SPDX-License-Identifier: Apache-2.0
"""What the tests with Zephyr need, and why they are skipped where it is not there."""

from __future__ import annotations

import os
import shutil

from codesign.base.errors import CodesignError
from codesign.firmware.boards import load_board
from codesign.firmware.machines.qemu_process import find_qemu
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_toolchain, find_workspace

_NEEDS = {
    "mimxrt1064_evk": ("nxp", (4, 1)),
    "nrf54l15dk": ("nordic", (4, 0)),
    "nucleo_n657x0_q": ("stm32", (4, 1)),
    "stm32f746g_disco": ("stm32", (3, 3)),
}
"""The module of the maker, and the release of Zephyr, without which there is no image for a board."""


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
    module, release = _NEEDS.get(board, ("", (0, 0)))
    if workspace.topdir is None and module not in os.environ.get("ZEPHYR_MODULES", ""):
        return f"hal_{module} is not in the workspace"
    return f"Zephyr has {board} from {release[0]}.{release[1]} on" if workspace.version < release else ""


def missing_qemu() -> str:
    try:
        find_qemu()
    except CodesignError as error:
        return error.message
    return ""
