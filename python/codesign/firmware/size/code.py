# SPDX-License-Identifier: Apache-2.0
"""The code of an image: bytes by address, which of them are instructions, and the functions in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from codesign.firmware.elf import ElfImage, ElfSection


@dataclass(frozen=True)
class CodeRange:
    """The function at [start, end); `file` is its source file if it is a static one."""

    name: str
    start: int
    end: int
    file: str = ""


class Code:
    """Answers about the executable sections of an image."""

    def __init__(self, image: ElfImage) -> None:
        placed = sorted(((s.run, index) for index, s in image.sections.items() if s.data is not None))
        self._sections = [image.sections[index] for _, index in placed]
        self._starts = [run for run, _ in placed]
        self._marks = _marks(image, [index for _, index in placed])
        named: dict[int, str] = {}
        sizes: dict[int, int] = {}
        labels: dict[int, str] = {}
        files: dict[int, str] = {}
        for symbol in sorted(image.symbols, key=lambda s: s.local):  # global names first
            if not symbol.name or symbol.section not in image.sections or symbol.name.startswith("$"):
                continue
            if symbol.type == "STT_FUNC" and self.section_at(symbol.value & ~1):
                named.setdefault(symbol.value & ~1, symbol.name)
                files.setdefault(symbol.value & ~1, symbol.file)
                sizes[symbol.value & ~1] = max(symbol.size, sizes.get(symbol.value & ~1, 0))
            elif symbol.type == "STT_NOTYPE":
                labels.setdefault(symbol.value & ~1, symbol.name)
        self._named, self._sizes, self._labels, self._files = named, sizes, labels, files

    @cached_property
    def _ordered(self) -> list[int]:
        return sorted(self._named)

    def _index_at(self, address: int) -> int:
        """Where in `_sections` the one that runs at `address` stands, -1 where there is none."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._starts[index] + self._sections[index].size:
            return -1
        return index

    def section_at(self, address: int) -> ElfSection | None:
        """The section with content that runs at `address`."""
        index = self._index_at(address)
        return self._sections[index] if index >= 0 else None

    def word(self, address: int) -> int | None:
        """The 32-bit word at `address`, None outside the image's content."""
        section = self.section_at(address)
        if section is None or section.data is None or address + 4 > section.run + section.size:
            return None
        offset = address - section.run
        return int.from_bytes(section.data[offset : offset + 4], "little")

    def _marks_at(self, address: int) -> list[tuple[int, str]]:
        index = self._index_at(address)
        return self._marks[index] if index >= 0 else []

    def has_marks(self, address: int) -> bool:
        """Whether the section at `address` says what of it is code and what data ($t and $d symbols)."""
        return bool(self._marks_at(address))

    def is_data(self, address: int) -> bool:
        """Whether a $d symbol says that `address` holds data."""
        marks = self._marks_at(address)
        index = bisect_right(marks, (address, "\uffff")) - 1
        return index >= 0 and marks[index][1] == "d"

    def next_code(self, address: int, limit: int) -> int:
        """The first address after `address` in its section that a $t symbol marks, at most `limit`."""
        marks = self._marks_at(address)
        for index in range(bisect_left(marks, (address + 1, "")), len(marks)):
            where, kind = marks[index]
            if where >= limit:
                break
            if kind == "t":
                return where
        return limit

    def function(self, address: int) -> CodeRange | None:
        """The function that starts at `address`, by its symbol or, without one, up to the next that has one."""
        section = self.section_at(address)
        if section is None:
            return None
        index = bisect_right(self._ordered, address)
        end = section.run + section.size
        if index < len(self._ordered):
            end = min(end, self._ordered[index])
        if size := self._sizes.get(address, 0):
            end = min(section.run + section.size, address + size)
        name = self._named.get(address) or self._labels.get(address) or f"0x{address:08x}"
        return CodeRange(name, address, end, self._files.get(address, ""))

    def functions_named(self, name: str) -> list[int]:
        """Start addresses of the functions (or assembly labels) with this name."""
        found = [address for address, other in self._named.items() if other == name]
        return found or [a for a, other in self._labels.items() if other == name and self.section_at(a)]

    def is_function(self, address: int) -> bool:
        """Whether a function symbol points at `address`."""
        return address in self._named

    def addresses_in_data(self) -> set[int]:
        """Functions whose address, with the thumb bit, stands in a word of data: an indirect call may reach them.

        The vector table does not count: the hardware calls through it.
        """
        wanted = {address | 1 for address in self._named}
        found: set[int] = set()
        for section in self._sections:
            if _is_vectors(section.name) or section.data is None:
                continue
            skip = -section.run % 4
            usable = (section.size - skip) // 4 * 4
            words = memoryview(section.data[skip : skip + usable]).cast("I") if usable > 0 else ()
            for index, word in enumerate(words):
                if word in wanted and not (section.executable and not self.is_data(section.run + skip + 4 * index)):
                    found.add(word & ~1)
        return found


def _marks(image: ElfImage, indices: Sequence[int]) -> list[list[tuple[int, str]]]:
    """(address, "t" or "d") of the mapping symbols in each of these sections, ascending.

    A symbol speaks of its own section only. Those of sections that are not loaded (debug information, notes) are offsets which
    look like addresses of code. Where both kinds stand at one address, one of them spans nothing: code is the safe reading.
    """
    marks: dict[int, dict[int, str]] = {index: {} for index in indices if image.sections[index].executable}
    for symbol in image.symbols:
        if symbol.name[:2] in ("$t", "$d") and symbol.name[2:3] in ("", ".") and symbol.section in marks:
            kind = symbol.name[1]
            known = marks[symbol.section].setdefault(symbol.value, kind)
            marks[symbol.section][symbol.value] = max(known, kind)
    return [sorted(marks.get(index, {}).items()) for index in indices]


def _is_vectors(name: str) -> bool:
    return any(part in name for part in ("vector", "isr_table", "intvec", "rom_start"))
