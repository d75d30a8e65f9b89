"""The code of an image: bytes by address, which of them are instructions, and the functions in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

from codesign.firmware.elf import ElfImage, ElfSection


@dataclass(frozen=True)
class Function:
    """The function at [start, end); `file` is its source file if it is a static one."""

    name: str
    start: int
    end: int
    file: str = ""


class Code:
    """Answers about the executable sections of an image."""

    def __init__(self, image: ElfImage) -> None:
        self._sections = sorted((s for s in image.sections.values() if s.data is not None), key=lambda s: s.run)
        self._starts = [section.run for section in self._sections]
        marks = {s.value: s.name[1] for s in image.symbols if s.name[:2] in ("$t", "$d") and s.name[2:3] in ("", ".")}
        self._marks = sorted(marks.items())
        named: dict[int, str] = {}
        sizes: dict[int, int] = {}
        labels: dict[int, str] = {}
        files: dict[int, str] = {}
        for symbol in sorted(image.symbols, key=lambda s: s.local):  # global names first
            if not symbol.name or symbol.section < 0 or symbol.name.startswith("$"):
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

    def section_at(self, address: int) -> ElfSection | None:
        """The section with content that runs at `address`."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        section = self._sections[index]
        return section if address < section.run + section.size else None

    def word(self, address: int) -> int | None:
        """The 32-bit word at `address`, None outside the image's content."""
        section = self.section_at(address)
        if section is None or section.data is None or address + 4 > section.run + section.size:
            return None
        offset = address - section.run
        return int.from_bytes(section.data[offset : offset + 4], "little")

    @property
    def has_marks(self) -> bool:
        """Whether the image says what is code and what data ($t and $d symbols)."""
        return bool(self._marks)

    def is_data(self, address: int) -> bool:
        """Whether a $d symbol says that `address` holds data."""
        index = bisect_right(self._marks, (address, "\uffff")) - 1
        return index >= 0 and self._marks[index][1] == "d"

    def next_code(self, address: int, limit: int) -> int:
        """The first address after `address` that a $t symbol marks, at most `limit`."""
        for index in range(bisect_left(self._marks, (address + 1, "")), len(self._marks)):
            where, kind = self._marks[index]
            if where >= limit:
                break
            if kind == "t":
                return where
        return limit

    def function(self, address: int) -> Function | None:
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
        return Function(name, address, end, self._files.get(address, ""))

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


def _is_vectors(name: str) -> bool:
    return any(part in name for part in ("vector", "isr_table", "intvec", "rom_start"))
