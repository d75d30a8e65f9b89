"""What an image needs of a board's memories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["flash", "ram"]


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

    def by_group(self, groups: Sequence[tuple[str, str]] = ()) -> tuple[Group, ...]:
        """Symbols by what they belong to; all groups together are the whole image to the byte.

        `groups` are (label, symbol prefix) pairs; the longest prefix wins, and "lstm_1" does not take "lstm_10_weights".
        What no prefix takes goes to runtime, startup, libc or other; a section without symbols (a stack) is a group of its own;
        alignment and nameless bytes are "padding and unnamed". Symbols that overlap (aliases) count once.
        """
        kinds = {region.name: region.kind for region in self.regions}
        longest_first = sorted(groups, key=lambda pair: -len(pair[1]))
        labels = list(dict.fromkeys([label for label, _ in groups] + ["runtime", "startup", "libc", "other"]))
        bytes_of = {label: {"flash": 0, "ram": 0} for label in labels}
        count = dict.fromkeys(labels, 0)
        covered = 0
        for symbol in sorted(self.symbols, key=lambda s: (s.address, -s.size)):
            size = symbol.address + symbol.size - max(symbol.address, covered)
            if size <= 0:
                continue
            covered = symbol.address + symbol.size
            label = _label(symbol.name, longest_first)
            count[label] += 1
            for region in symbol.regions:
                bytes_of[label][kinds[region]] += size
        named = {symbol.section for symbol in self.symbols}
        rows = [Group(label, bytes_of[label]["flash"], bytes_of[label]["ram"], count[label]) for label in labels]
        for section in self.sections:
            if section.name not in named and section.regions:
                taken = [kinds[region] for region in section.regions]
                rows.append(Group(section.name, section.size * taken.count("flash"), section.size * taken.count("ram"), 0))
        flash, ram = self.flash - sum(row.flash for row in rows), self.ram - sum(row.ram for row in rows)
        return (*(row for row in rows if row.flash or row.ram), Group("padding and unnamed", flash, ram, 0))


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
