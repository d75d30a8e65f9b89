# SPDX-License-Identifier: Apache-2.0
"""Flash and RAM of a linked ELF, by address and never by section flags.

Zephyr's linker scripts have sections that are flagged writable and live in flash, and others that live in RAM without being
data or bss: flags lie, addresses do not.
"""

from __future__ import annotations

from pathlib import Path

from codesign.base.errors import InputError
from codesign.firmware.boards import Board
from codesign.firmware.elf import ElfImage, ElfSection, ElfSymbol, read_elf
from codesign.firmware.size.footprint import Footprint, Region, Section, Symbol


def measure(elf: Path, board: Board) -> Footprint:
    """What the image in `elf` needs of `board`'s memories.

    A section with content takes the memory of its load address; one that is used at another address (initialised data), or has
    no content (bss, stacks), takes the memory of its run address.

    Raises:
        InputError: `elf` is not a linked 32-bit little-endian Arm ELF, is damaged, or the board has no memories.
    """
    if board.native:
        raise InputError(f"board {board.name} has no memory map", hint="name the board that the image was built for")
    image = read_elf(elf)
    sections: list[Section] = []
    outside: list[Section] = []
    spans: dict[str, list[tuple[int, int]]] = {name: [] for name in board.memories}
    names_of: dict[int, tuple[str, ...]] = {}
    for index, section in image.sections.items():
        if section.thread_local and section.data is None:
            continue  # .tbss is a template for threads and takes no memory itself
        addresses = _addresses(section)
        regions: list[str] = []
        for address in addresses:
            if name := board.memory_at(address):
                regions.append(name)
                spans[name].append((address, address + section.size))
        names_of[index] = tuple(regions)
        entry = Section(section.name, section.size, section.run, section.load, tuple(dict.fromkeys(regions)))
        sections.append(entry)
        if len(regions) < len(addresses):
            outside.append(entry)
    return Footprint(
        regions=tuple(
            Region(name, memory.kind, _extent(spans[name]), memory.usable) for name, memory in board.memories.items()
        ),
        sections=tuple(sections),
        symbols=_symbols(image, names_of),
        outside=tuple(outside),
    )


def _addresses(section: ElfSection) -> tuple[int, ...]:
    if section.load is None:
        return (section.run,)
    return (section.load,) if section.load == section.run else (section.load, section.run)


def _extent(spans: list[tuple[int, int]]) -> int:
    return max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0


def _symbols(image: ElfImage, names_of: dict[int, tuple[str, ...]]) -> tuple[Symbol, ...]:
    """Functions and objects with a size; of several names for the same bytes the global one (assembly symbols have none)."""
    chosen: dict[tuple[int, int, int], ElfSymbol] = {}
    for symbol in image.symbols:
        if symbol.size == 0 or symbol.section not in names_of or symbol.type not in ("STT_FUNC", "STT_OBJECT"):
            continue
        key = (symbol.section, symbol.value & ~1 if symbol.type == "STT_FUNC" else symbol.value, symbol.size)
        if key not in chosen or (chosen[key].local and not symbol.local):
            chosen[key] = symbol
    rows = []
    for (index, address, size), symbol in chosen.items():
        section = image.sections[index]
        size = max(0, min(size, section.run + section.size - address))
        rows.append(Symbol(symbol.name, size, address, section.name, names_of[index], symbol.file))
    return tuple(sorted(rows, key=lambda row: (-row.size, row.name)))
