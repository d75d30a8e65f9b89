# SPDX-License-Identifier: Apache-2.0
"""GNU ld's map file: which object file put how many bytes where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codesign.base.errors import InputError

_BEGIN = "Linker script and memory map"
_OUTPUT = re.compile(r"^(?P<name>[^\s*/(]\S*)(\s+0x[0-9a-f]+\s+0x[0-9a-f]+.*)?$")
_INPUT = re.compile(r"^ (?P<name>\S+)\s+0x(?P<address>[0-9a-f]+)\s+0x(?P<size>[0-9a-f]+)\s+(?P<file>\S.*)$")
_INPUT_NAME = re.compile(r"^ [^\s*]\S*$")
_ARCHIVE = re.compile(r"^(?P<archive>.*\.a)\(.*\)$")


@dataclass(frozen=True)
class Contribution:
    """Bytes of one input section: the output section that holds them, its first address, and the file (archive or object)."""

    section: str
    address: int
    size: int
    file: str


def read_link_map(path: Path) -> tuple[Contribution, ...]:
    """Every input section with content, debug information included. Merged strings stand there with their size before.

    Raises:
        InputError: the file cannot be read or is no map of GNU ld.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="link with -Map") from error
    _, found, placed = text.partition(_BEGIN)
    if not found:
        raise InputError(f"{path}: not a map file of GNU ld", hint="link with -Map")
    return tuple(_contributions(placed.splitlines()))


def without_overlaps(placed: Sequence[Contribution]) -> list[Contribution]:
    """The same by address, each without what an earlier one has."""
    result, covered = [], 0
    for c in sorted(placed, key=lambda c: (c.address, -c.size)):
        start, end = max(c.address, covered), c.address + c.size
        if end > start:
            result.append(replace(c, address=start, size=end - start))
            covered = end
    return result


def _contributions(lines: list[str]) -> Iterator[Contribution]:
    section = ""
    held = ""  # a name too long for its column stands on a line of its own
    for line in lines:
        whole = held + line.rstrip() if held else line.rstrip()
        held = ""
        if _INPUT_NAME.match(whole):
            held = whole
        elif match := _INPUT.match(whole):
            size = int(match["size"], 16)
            if size:
                yield Contribution(section, int(match["address"], 16), size, _file(match["file"]))
        elif match := _OUTPUT.match(line):
            section = match["name"]


def _file(name: str) -> str:
    archive = _ARCHIVE.match(name)
    return archive["archive"] if archive else name
