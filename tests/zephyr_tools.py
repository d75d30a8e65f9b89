# SPDX-License-Identifier: Apache-2.0
"""What the tests with Zephyr need, and why they are skipped where it is not there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from codesign.base.errors import CodesignError
from codesign.firmware.boards import Board, load_board
from codesign.firmware.machines.qemu_process import find_qemu
from codesign.firmware.toolchain.zephyr_workspace import find_build_tools, find_toolchain, find_workspace

OF_RELEASE = "this release of Zephyr: "
"""How a reason begins that lies in the workspace's release: no tool is missing, so CODESIGN_REQUIRE allows it."""

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
    if workspace.version < release:
        return f"{OF_RELEASE}{board} is in it from {release[0]}.{release[1]} on"
    if workspace.topdir is None and module not in os.environ.get("ZEPHYR_MODULES", ""):
        return f"hal_{module} is not in the workspace"
    return ""


def missing_qemu() -> str:
    try:
        find_qemu()
    except CodesignError as error:
        return error.message
    return ""


def build_by_cmake(source: Path, build: Path, board: Board, *settings: str) -> None:
    """What `west build` does: an application, or with sysbuild's folder as the source several images."""
    workspace, toolchain = find_workspace(), find_toolchain(board)
    # by the path too: sysbuild gives its images no Python3_EXECUTABLE
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "ZEPHYR_BASE": str(workspace.base), **toolchain.environment}
    usual = (f"BOARD={workspace.target(board)}", f"Python3_EXECUTABLE={sys.executable}")
    configure = ["cmake", "-GNinja", f"-S{source}", f"-B{build}", *(f"-D{each}" for each in (*usual, *settings))]
    for command in (configure, ["ninja", "-C", str(build)]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def find_mcuboot() -> Path | None:
    """MCUboot's sources: of the workspace, or a module that ZEPHYR_MODULES names."""
    topdir = find_workspace().topdir
    named = [topdir / "bootloader" / "mcuboot"] if topdir else []
    named += [Path(module) for module in os.environ.get("ZEPHYR_MODULES", "").split(";") if module]
    return next((module for module in named if (module / "boot" / "zephyr" / "Kconfig").is_file()), None)


def missing_for_mcuboot(board: str) -> str:
    """Why MCUboot and an image for it cannot be built here, "" when they can."""
    if reason := missing_for_zephyr(board):
        return reason
    if find_mcuboot() is None:
        return "MCUboot is not in the workspace"
    absent = [name for name in ("cbor2", "click", "cryptography", "intelhex", "west") if not importlib.util.find_spec(name)]
    return f"imgtool and sysbuild need {', '.join(absent)}: pip install west imgtool" if absent else ""
