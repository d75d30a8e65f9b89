# SPDX-License-Identifier: Apache-2.0
"""What a user adds to the build of the Zephyr application, and how each release of Zephyr is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codesign.base.errors import InputError

_EXTRA_FILES_SINCE = (3, 4)
"""From this release on, fragments and overlays are added to the application's own; before, overlays replaced them."""

_FILES = ("CONF_FILE", "DTC_OVERLAY_FILE", "EXTRA_CONF_FILE", "EXTRA_DTC_OVERLAY_FILE", "OVERLAY_CONFIG")
"""Variables that name files, which CMake would look for beside the application."""

_FOLDERS = ("ARCH_ROOT", "BOARD_ROOT", "DTS_ROOT", "MODULE_EXT_ROOT", "SNIPPET_ROOT", "SOC_ROOT", "ZEPHYR_EXTRA_MODULES")
"""The same for folders."""


@dataclass(frozen=True)
class BuildOptions:
    """`defines` are NAME=VALUE pairs for CMake, Kconfig options among them (CONFIG_CODESIGN_STEREO=y); `fragments` are files
    of Kconfig options and `overlays` of devicetree, relative to the current folder; `shields` are names that Zephyr or a
    BOARD_ROOT knows.
    """

    defines: tuple[str, ...] = ()
    fragments: tuple[Path, ...] = ()
    overlays: tuple[Path, ...] = ()
    shields: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is added."""
        return bool(self.defines or self.fragments or self.overlays or self.shields)


def check_options(options: BuildOptions) -> None:
    """Look at what can be seen before anything is built.

    Raises:
        InputError: a define is no NAME=VALUE, a shield's name has other characters, or a file or folder is missing.
    """
    for shield in options.shields:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", shield):
            raise InputError(f"'{shield}' is no name of a shield", hint="give --shield once for each")
    for define in options.defines:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(:[A-Z]+)?=[^\n]*", define):
            raise InputError(f"'{define}' is no NAME=VALUE", hint="for example --define CONFIG_CODESIGN_STEREO=y")
    _absolute([*options.fragments, *options.overlays])


def settings_of(options: BuildOptions, version: tuple[int, int], board_overlay: Path) -> list[str]:
    """NAME=VALUE for CMake. `board_overlay` is the application's own for the board, which may not exist.

    Raises:
        InputError: a define is no NAME=VALUE, or a file is missing.
    """
    check_options(options)
    defines: dict[str, str] = {}
    for define in options.defines:
        name, _, value = define.partition("=")
        if name.partition(":")[0] in _FILES:
            value = ";".join(map(str, _absolute([Path(file) for file in re.split(r"[; ]", value) if file])))
        elif name.partition(":")[0] in _FOLDERS:
            value = ";".join(map(str, _absolute([Path(folder) for folder in value.split(";") if folder], folders=True)))
        defines[name] = value
    fragments, overlays = _absolute(options.fragments), _absolute(options.overlays)
    if version < _EXTRA_FILES_SINCE:
        overlays = [*([board_overlay] if overlays and board_overlay.is_file() else []), *overlays]
    newer = version >= _EXTRA_FILES_SINCE
    _add(defines, "EXTRA_CONF_FILE" if newer else "OVERLAY_CONFIG", fragments)
    _add(defines, "EXTRA_DTC_OVERLAY_FILE" if newer else "DTC_OVERLAY_FILE", overlays)
    _add(defines, "SHIELD", options.shields)
    return [f"{name}={value}" for name, value in defines.items()]


def _add(defines: dict[str, str], name: str, values: Sequence[Path | str]) -> None:
    if values:
        defines[name] = ";".join(filter(None, (defines.get(name, ""), *map(str, values))))


def _absolute(files: Sequence[Path], *, folders: bool = False) -> list[Path]:
    for file in files:
        if not (file.is_dir() if folders else file.is_file()):
            raise InputError(f"no {'folder' if folders else 'file'} {file}", hint="paths are relative to the current folder")
    return [file.resolve() for file in files]
