"""Flash and RAM of an image. Memory is told by address, never by section flags: .data lies in both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codesign.boards import Board, Memory
from codesign.elf import Elf, Section


@dataclass(frozen=True)
class Region:
    """Use of one memory in bytes: from its first used byte to its last, gaps included, as linkers count it."""

    name: str
    kind: str
    used: int
    available: int

    @property
    def free(self) -> int:
        return self.available - self.used

    @property
    def percent(self) -> float:
        return 100.0 * self.used / self.available


@dataclass(frozen=True)
class SectionSize:
    """A section's bytes and the memories that hold it: where it runs and where it is stored."""

    name: str
    size: int
    address: int
    load: int | None
    regions: tuple[str, ...]


@dataclass(frozen=True)
class SymbolSize:
    """A function's or object's bytes and the memories that hold it."""

    name: str
    size: int
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Bytes of all symbols of one layer, or of one part of the rest, per kind of memory."""

    name: str
    flash: int
    ram: int


@dataclass(frozen=True)
class Footprint:
    """What an image takes. `outside` names sections in none of the board's memories."""

    elf: Path
    board: str
    regions: tuple[Region, ...]
    sections: tuple[SectionSize, ...]
    symbols: tuple[SymbolSize, ...]
    groups: tuple[Group, ...]
    outside: tuple[str, ...]

    def used(self, kind: str) -> int:
        """Bytes used of all memories of a kind, "flash" or "ram"."""
        return sum(region.used for region in self.regions if region.kind == kind)


@dataclass(frozen=True)
class BudgetCheck:
    """One budget of the board against the image."""

    name: str
    used: int
    limit: int

    @property
    def ok(self) -> bool:
        return self.used <= self.limit


def measure(elf: Path, board: Board, groups: Sequence[tuple[str, str]] = ()) -> Footprint:
    """Footprint of an ELF file on a board.

    `groups` are (label, symbol prefix) pairs, such as a label for each layer; the longest prefix that fits wins. Symbols that
    none fits go to "runtime" (cs_…) or "other"; what no symbol covers is "padding and literals".

    Raises:
        InputError: no sound 32-bit Arm ELF.
    """
    image = Elf(elf)
    sections = tuple(
        SectionSize(s.name, s.size, s.address, s.load, tuple(name for name, _ in _places(s, board)))
        for s in image.sections
    )
    homes = {section.name: section.regions for section in sections}
    symbols = tuple(
        SymbolSize(symbol.name, symbol.size, homes[symbol.section])
        for symbol in sorted(image.symbols, key=lambda s: (-s.size, s.name))
        if symbol.size > 0 and symbol.section in homes
    )
    regions = tuple(_region(name, memory, image.sections, board) for name, memory in board.memories.items())
    return Footprint(
        elf=elf,
        board=board.name,
        regions=regions,
        sections=sections,
        symbols=symbols,
        groups=_groups(symbols, regions, groups),
        outside=tuple(section.name for section in sections if not section.regions),
    )


def check_budget(footprint: Footprint, board: Board) -> list[BudgetCheck]:
    """Flash and RAM against the board's budget; with sections outside of the memories, a budget that cannot hold."""
    checks = [
        BudgetCheck("flash", footprint.used("flash"), board.budget.flash),
        BudgetCheck("RAM", footprint.used("ram"), board.budget.ram),
    ]
    if footprint.outside:
        lost = sum(section.size for section in footprint.sections if section.name in footprint.outside)
        checks.append(BudgetCheck(f"outside all memories ({', '.join(footprint.outside)})", lost, 0))
    return checks


def _places(section: Section, board: Board) -> list[tuple[str, int]]:
    """(memory, address) of every memory that a section occupies."""
    addresses = [section.address] if section.load in (None, section.address) else [section.address, section.load]
    return [
        (name, address)
        for address in addresses
        for name, memory in board.memories.items()
        if address is not None and memory.origin <= address < memory.origin + memory.length
    ]


def _region(name: str, memory: Memory, sections: Sequence[Section], board: Board) -> Region:
    spans = [
        (address, address + section.size)
        for section in sections
        for place, address in _places(section, board)
        if place == name
    ]
    used = max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0
    return Region(name, memory.kind, used, memory.usable)


def _groups(
    symbols: Sequence[SymbolSize], regions: Sequence[Region], prefixes: Sequence[tuple[str, str]]
) -> tuple[Group, ...]:
    kinds = {region.name: region.kind for region in regions}
    longest_first = sorted(prefixes, key=lambda pair: -len(pair[1]))
    sums: dict[str, dict[str, int]] = defaultdict(lambda: {"flash": 0, "ram": 0})
    for label, _ in prefixes:
        sums[label]["flash"] += 0
    for symbol in symbols:
        label = next((label for label, prefix in longest_first if symbol.name.startswith(prefix)), None)
        label = label or ("runtime" if symbol.name.startswith("cs_") else "other")
        for region in symbol.regions:
            sums[label][kinds[region]] += symbol.size
    for kind in ("flash", "ram"):
        used = sum(region.used for region in regions if region.kind == kind)
        sums["padding and literals"][kind] = max(0, used - sum(group[kind] for group in sums.values()))
    return tuple(Group(label, group["flash"], group["ram"]) for label, group in sums.items())
