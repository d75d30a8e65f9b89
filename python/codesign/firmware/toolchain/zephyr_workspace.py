# SPDX-License-Identifier: Apache-2.0
"""Where Zephyr and its tools are, and what they call a board."""

from __future__ import annotations

import configparser
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from codesign.base.errors import InputError, ToolError
from codesign.base.resources import resource
from codesign.firmware.boards import Board

MINIMUM = (3, 3)
HARDWARE_MODEL_V2 = (3, 7)
"""From this release on a target is spelled board/soc/cluster."""

_MAKE_ONE = (
    "make one: pip install west; west init -l <a checkout of codesign>; west update; "
    "pip install -r zephyr/scripts/requirements-base.txt; west sdk install -t arm-zephyr-eabi; or set ZEPHYR_BASE"
)


@dataclass(frozen=True)
class Workspace:
    """A Zephyr tree: `base` holds its VERSION, `topdir` is the west workspace around it, if there is one."""

    base: Path
    version: tuple[int, int]
    topdir: Path | None = None

    def target(self, board: Board) -> str:
        """The board's name in this release.

        Raises:
            InputError: the card names no Zephyr target.
        """
        if board.zephyr is None:
            raise InputError(f"board {board.name} has no Zephyr target", hint="add [zephyr] to its board.toml")
        return board.zephyr.target if self.version >= HARDWARE_MODEL_V2 else board.zephyr.target_old


@dataclass(frozen=True)
class Toolchain:
    """What Zephyr shall compile with: environment variables that are not set yet, and a name for the manifest."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)


def find_workspace(start: Path | None = None) -> Workspace:
    """$ZEPHYR_BASE, else the west workspace around `start` (the current folder) or around this repository.

    Raises:
        ToolError: there is none, or its release is too old.
    """
    if base := os.environ.get("ZEPHYR_BASE", ""):
        if not (Path(base) / "VERSION").is_file():
            raise ToolError(f"ZEPHYR_BASE={base} is no Zephyr tree", hint="unset it inside a west workspace, or correct it")
        topdir = _topdir(Path(base))
        if topdir is None and not os.environ.get("ZEPHYR_MODULES"):
            raise ToolError(
                f"ZEPHYR_BASE={base} is in no west workspace",
                hint="set ZEPHYR_MODULES to the folders of cmsis and the board's hal, separated by ';', or use a workspace",
            )
        return _workspace(Path(base), topdir)
    for folder in (start or Path.cwd(), resource("zephyr")):
        if topdir := _topdir(folder):
            return _workspace(topdir / _zephyr_of(topdir / ".west" / "config"), topdir)
    raise ToolError("no Zephyr workspace found", hint=_MAKE_ONE)


def _topdir(folder: Path) -> Path | None:
    parents = (folder.resolve(), *folder.resolve().parents)
    return next((parent for parent in parents if (parent / ".west" / "config").is_file()), None)


def _zephyr_of(config: Path) -> str:
    parser = configparser.ConfigParser()
    try:
        parser.read_string(config.read_text(encoding="utf-8"))
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{config} cannot be read: {error}", hint="run west init again") from error
    return parser.get("zephyr", "base", fallback="zephyr")


def _workspace(base: Path, topdir: Path | None) -> Workspace:
    file = base / "VERSION"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError(f"no Zephyr in {base}: {file.name} is missing", hint="run west update") from error
    numbers = {key: int(value) for key, value in re.findall(r"^VERSION_(MAJOR|MINOR) *= *(\d+)", text, re.MULTILINE)}
    if len(numbers) < 2:
        raise ToolError(f"{file} names no release", hint="run west update")
    version = (numbers["MAJOR"], numbers["MINOR"])
    if version < MINIMUM:
        raise ToolError(f"Zephyr {version[0]}.{version[1]} in {base}: too old, 3.3 is the first that works")
    return Workspace(base, version, topdir)


def find_toolchain(board: Board) -> Toolchain:
    """What the environment asks for, else the Zephyr SDK, GNUARMEMB_TOOLCHAIN_PATH, or arm-none-eabi-gcc from PATH.

    Raises:
        ToolError: none is there.
    """
    if variant := os.environ.get("ZEPHYR_TOOLCHAIN_VARIANT", ""):
        return Toolchain(variant)
    if board.native:
        return Toolchain("host", {"ZEPHYR_TOOLCHAIN_VARIANT": "host"})
    if os.environ.get("ZEPHYR_SDK_INSTALL_DIR") or _sdk_registered():
        return Toolchain("zephyr", {"ZEPHYR_TOOLCHAIN_VARIANT": "zephyr"})
    if os.environ.get("GNUARMEMB_TOOLCHAIN_PATH"):
        return Toolchain("gnuarmemb", {"ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb"})
    if gcc := shutil.which("arm-none-eabi-gcc"):
        prefix = gcc.removesuffix("gcc")
        return Toolchain("cross-compile", {"ZEPHYR_TOOLCHAIN_VARIANT": "cross-compile", "CROSS_COMPILE": prefix})
    raise ToolError("no toolchain for Zephyr found", hint="west sdk install -t arm-zephyr-eabi, or install gcc-arm-none-eabi")


def _sdk_registered() -> bool:
    """Where the SDK's setup and CMake look: the user's package registry, and beside or in the usual folders."""
    registry = Path.home() / ".cmake" / "packages" / "Zephyr-sdk"
    places = (Path.home(), Path.home() / ".local", Path.home() / ".local" / "opt", Path("/opt"), Path("/usr/local"))
    return registry.is_dir() or any(any(place.glob("zephyr-sdk-*")) for place in places if place.is_dir())


def find_build_tools() -> None:
    """CMake and Ninja must be there.

    Raises:
        ToolError: one is not.
    """
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            raise ToolError(f"no {tool} on the PATH", hint=f"pip install {tool}, or install {tool}")
