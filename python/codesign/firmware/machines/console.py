"""The line protocol that the firmware speaks on its console: docs/console.md. Also what a serial port of a real board says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codesign.base.errors import ValidationError

VERSION = 1

_LINE = re.compile(r"@codesign (?P<version>\d+) (?P<kind>[a-z]+)(?P<fields>( [a-z_]+=\S*)*)")


@dataclass(frozen=True)
class Line:
    """One line: its kind and its fields, numbers as int and the rest as str."""

    kind: str
    fields: dict[str, int | str]

    def number(self, name: str) -> int:
        """A field that must be there and a number.

        Raises:
            ValidationError: it is not.
        """
        value = self.fields.get(name)
        if not isinstance(value, int):
            raise ValidationError(f"console line '{self.kind}' has no number {name}", hint="rebuild the firmware")
        return value


def read_lines(text: str) -> Iterator[Line]:
    """Every whole protocol line in `text`, wherever it stands: a shell's prompt may come before it on the same row.

    Raises:
        ValidationError: a line of another version of the protocol.
    """
    for match in _LINE.finditer(text):
        if int(match["version"]) != VERSION:
            raise ValidationError(
                f"the firmware speaks version {match['version']} of the console protocol, this is {VERSION}",
                hint="build the firmware with this codesign",
            )
        pairs = (field.split("=", 1) for field in match["fields"].split())
        yield Line(match["kind"], {name: int(value) if re.fullmatch(r"-?\d+", value) else value for name, value in pairs})
