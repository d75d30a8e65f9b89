# SPDX-License-Identifier: Apache-2.0
"""The .su files that gcc and clang write with -fstack-usage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from codesign.base.errors import InputError

_POSITION = re.compile(r"(:\d+)+$")  # gcc writes line and column, clang the line
_CLONE = re.compile(r"\.\d+$")


@dataclass(frozen=True)
class FrameUsage:
    """Bytes of a function's frame as the compiler states them; `bounded` is False for alloca and variable-length arrays."""

    bytes: int
    bounded: bool


def read_stack_usage(files: Iterable[Path]) -> dict[tuple[str, str], FrameUsage]:
    """Frames by source file (without folder) and function, and by ("", function): of several with one name the largest.

    Raises:
        InputError: a file is missing or not a .su file.
    """
    frames: dict[tuple[str, str], FrameUsage] = {}
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}", hint="build again with -fstack-usage") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            fields = line.split("\t")
            if len(fields) != 3 or not fields[1].isascii() or not fields[1].isdigit():
                raise InputError(f"{path}:{number} is not a line of a .su file", hint="build again with -fstack-usage")
            where, _, name = fields[0].rpartition(":")
            frame = FrameUsage(int(fields[1]), fields[2].strip() in ("static", "dynamic,bounded"))
            for file in (PurePosixPath(_POSITION.sub("", where)).name, ""):
                known = frames.get((file, name), FrameUsage(0, bounded=True))
                largest = FrameUsage(max(frame.bytes, known.bytes), frame.bounded and known.bounded)
                frames[file, name] = largest
    return frames


def usage_of(frames: Mapping[tuple[str, str], FrameUsage], file: str, function: str) -> FrameUsage | None:
    """The entry of a function by its symbol and, if it is static, its source file.

    gcc leaves the number of a clone out: the symbol f.constprop.0 is f.constprop in the .su file.
    """
    for name in (function, _CLONE.sub("", function)):
        for key in ((file, name), ("", name)):
            if key in frames:
                return frames[key]
    return None
