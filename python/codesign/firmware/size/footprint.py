# SPDX-License-Identifier: Apache-2.0
"""What an image needs of a board's memories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["flash", "ram"]

PADDING = "padding and unnamed"


@dataclass(frozen=True)
class Region:
    """One memory: `used` bytes from the first to the last address that the image takes there, gaps included.

    This is the linker's own figure (--print-memory-usage). `usable` is the memory less what the system reserves.
    """

    name: str
    kind: Kind
    used: int
    usable: int

    @property
    def free(self) -> int:
        """Bytes left; negative when the image does not fit."""
        return self.usable - self.used

    @property
    def percent(self) -> float:
        """How much of it is used, in percent."""
        return 100.0 * self.used / self.usable


@dataclass(frozen=True)
class Section:
    """An allocated section. `run` and `load` are its addresses in use and in the image (LMA); `regions` the memories it takes.

    Sections without content (bss, stacks) have no load address: None.
    """

    name: str
    size: int
    run: int
    load: int | None
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Symbol:
    """A named piece of a section. `file` is the source file of local symbols where the compiler named it, else ""."""

    name: str
    size: int
    address: int
    section: str
    regions: tuple[str, ...]
    file: str = ""


@dataclass(frozen=True)
class Group:
    """Bytes of symbols that belong together. Initialised data counts in both."""

    label: str
    flash: int
    ram: int
    symbols: int


@dataclass(frozen=True)
class NamedBytes:
    """Bytes that have one name and one label; they lie in every memory of `regions` (initialised data in two)."""

    label: str
    name: str
    bytes: int
    regions: tuple[str, ...]
    symbol: bool = False


@dataclass(frozen=True)
class Footprint:
    """Regions, sections and symbols of an image on a board. `outside` are sections in no memory of the board."""

    regions: tuple[Region, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    outside: tuple[Section, ...] = ()

    @property
    def flash(self) -> int:
        """Bytes used in all flash memories."""
        return sum(region.used for region in self.regions if region.kind == "flash")

    @property
    def ram(self) -> int:
        """Bytes used in all RAM memories."""
        return sum(region.used for region in self.regions if region.kind == "ram")

    def pieces(self, groups: Sequence[tuple[str, str]] = ()) -> tuple[NamedBytes, ...]:
        """The whole image in pieces, to the byte: symbols, sections without symbols, and what is left of every region.

        `groups` are (label, symbol prefix) pairs; the longest prefix wins, and "lstm_1" does not take "lstm_10_weights".
        What no prefix takes is labelled runtime, startup, libc or other; a section without symbols (a stack) is labelled by its
        name, or "section <name>" where a group is called so; alignment and nameless bytes are "padding and unnamed". Symbols
        that overlap (aliases) count once.
        """
        longest_first = sorted(groups, key=lambda pair: -len(pair[1]))
        found: list[NamedBytes] = []
        covered = 0
        for symbol in sorted(self.symbols, key=lambda s: (s.address, -s.size)):
            size = symbol.address + symbol.size - max(symbol.address, covered)
            if size <= 0:
                continue
            covered = symbol.address + symbol.size
            found.append(NamedBytes(_label(symbol.name, longest_first), symbol.name, size, symbol.regions, symbol=True))
        named = {symbol.section for symbol in self.symbols}
        labels = {label for label, _ in groups}
        for section in self.sections:
            if section.name not in named and section.regions:
                label = f"section {section.name}" if section.name in labels else section.name
                found.append(NamedBytes(label, section.name, section.size, section.regions))
        for region in self.regions:
            rest = region.used - sum(piece.bytes * piece.regions.count(region.name) for piece in found)
            found.append(NamedBytes(PADDING, PADDING, rest, (region.name,)))
        return tuple(found)

    def by_group(self, groups: Sequence[tuple[str, str]] = ()) -> tuple[Group, ...]:
        """`pieces` summed by label; all groups together are the whole image to the byte."""
        kinds = {region.name: region.kind for region in self.regions}
        order = [label for label, _ in groups] + ["runtime", "startup", "libc", "other"]
        pieces = self.pieces(groups)
        rows = []
        for label in dict.fromkeys(order + [piece.label for piece in pieces]):
            members = [piece for piece in pieces if piece.label == label]
            flash, ram = (
                sum(piece.bytes * sum(kinds[name] == kind for name in piece.regions) for piece in members)
                for kind in ("flash", "ram")
            )
            if flash or ram or label == PADDING:
                rows.append(Group(label, flash, ram, sum(piece.symbol for piece in members)))
        return tuple(rows)


_RUNTIME = re.compile(r"cs_")
_STARTUP = re.compile(r"(\w+_Handler|_?start|main|SystemInit|_*vectors?\w*|_*isr_vector\w*|__\w*stack\w*)$", re.IGNORECASE)
_LIBC = re.compile(
    r"(mem(cpy|move|set|cmp|chr)|str(len|n?cpy|n?cmp|n?cat|r?chr)|abort|exit|malloc|free|calloc|realloc|qsort|bsearch"
    r"|v?s?n?printf|puts|putchar|abs|ato[ifl]|_*(aeabi|gnu)_\w+|__[a-z]{3,}[sd][fi][23]|_(malloc|free|sbrk)_r|environ)$"
)


def _label(name: str, longest_first: Sequence[tuple[str, str]]) -> str:
    for label, prefix in longest_first:
        if name.startswith(prefix) and (not prefix[-1:].isalnum() or not name[len(prefix) :][:1].isalnum()):
            return label
    base = name.partition(".")[0]
    if _RUNTIME.match(base):
        return "runtime"
    if _LIBC.match(base):
        return "libc"
    return "startup" if _STARTUP.match(base) else "other"
