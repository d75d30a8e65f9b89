# SPDX-License-Identifier: Apache-2.0
"""The line protocol that the firmware speaks on its console: docs/console.md. Also what a serial port of a real board says."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from codesign.base.errors import ValidationError

VERSION = 2
"""Of the lines that the firmware writes; those of version 1, which have no check value, are read too."""

_DIGITS = 20  # of the largest 64-bit number: what has more was not printed by the firmware
_LINE = re.compile(r"(?P<checked>@codesign (?P<version>[0-9]+) (?P<kind>[a-z]+)(?P<fields>(?: [a-z_]+=[!-~]*)*))\r*\n")
_CHECK = re.compile(r"(?P<checked>.*) crc=(?P<crc>[0-9a-f]{8})")


@dataclass(frozen=True)
class Line:
    """One line: its kind and its fields, numbers as int and the rest as str."""

    kind: str
    fields: dict[str, int | str]

    def number(self, name: str) -> int:
        """A field that must be there and a number from 0 on.

        Raises:
            ValidationError: it is not.
        """
        value = self.fields.get(name)
        if not isinstance(value, int) or value < 0:
            raise ValidationError(f"console line '{self.kind}' has no number {name}", hint="rebuild the firmware")
        return value


def read_lines(text: str) -> Iterator[Line]:
    """Every whole protocol line in `text`, wherever it stands: a shell's prompt may come before it on the same row.

    A line that has no end yet, that was cut, or that something else was printed into is passed over: of version 2 by its check
    value, of version 1 where it does not look like a line any more.

    Raises:
        ValidationError: a line of another version of the protocol.
    """
    for _, line in _whole_lines(text):
        yield line


def damaged_after_last(text: str, kind: str) -> str:
    """The row in which a line of this kind begins and is not whole, after the last whole one in `text`; "" without one.

    What was said last about `kind` is then not known. A row that has no end yet does not count.
    """
    end = max((end for end, line in _whole_lines(text) if line.kind == kind), default=0)
    found = re.compile(rf"@codesign [0-9]+ {kind}\b[^\n]*(?=\n)").search(text, end)
    return found[0].strip() if found else ""


def _whole_lines(text: str) -> Iterator[tuple[int, Line]]:
    """Each line with the position after it."""
    for match in _LINE.finditer(text):
        version, fields = match["version"], match["fields"].split()
        if version not in ("1", "2"):
            raise ValidationError(
                f"the firmware speaks version {version[:_DIGITS]} of the console protocol, this is {VERSION}",
                hint="build the firmware with this codesign",
            )
        if version == "2":
            check = _CHECK.fullmatch(match["checked"])
            if check is None or int(check["crc"], 16) != zlib.crc32(check["checked"].encode()):
                continue
            fields.pop()
        pairs = [field.split("=", 1) for field in fields]
        values = {name: _value(value) for name, value in pairs}
        if len(values) == len(pairs):
            yield match.end(), Line(match["kind"], values)


def _value(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS and re.fullmatch(r"-?[0-9]+", text) else text
