"""ELF files of Arm firmware: sections, symbols and what goes where in memory."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from codesign.errors import InputError

_ALLOCATED = 0x2  # SHF_ALLOC


@dataclass(frozen=True)
class Section:
    """An allocated section: `address` where it runs, `load` where it is stored (None when nothing is stored)."""

    name: str
    address: int
    load: int | None
    size: int


@dataclass(frozen=True)
class Symbol:
    """A defined symbol; `address` is without the thumb bit, `section` empty for absolute ones."""

    name: str
    address: int
    size: int
    kind: str
    section: str

    @property
    def is_function(self) -> bool:
        return self.kind == "STT_FUNC"


class Elf:
    """A 32-bit little-endian Arm executable.

    Raises:
        InputError: the file is missing, truncated or something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                self._read(ELFFile(stream))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}", hint="give the firmware's .elf") from error
        except InputError:
            raise
        except (ELFError, ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
            # pyelftools meets damaged files with all of these
            raise InputError(f"{path} is not a sound ELF file: {error}", hint="give the firmware's .elf") from error

    def _read(self, elf: Any) -> None:
        if elf.elfclass != 32 or not elf.little_endian or elf["e_machine"] != "EM_ARM":
            raise InputError(f"{self.path} is not a 32-bit little-endian Arm ELF", hint="give the firmware's .elf")
        segments = [s for s in elf.iter_segments("PT_LOAD") if s["p_memsz"] > 0]
        if not segments:
            raise InputError(f"{self.path} has nothing to load", hint="give the linked .elf, not an object file")
        size = self.path.stat().st_size
        if any(s["p_offset"] + s["p_filesz"] > size for s in segments):
            raise InputError(f"{self.path} is truncated", hint="build it again")
        self._images = [(s["p_paddr"], s.data()) for s in segments if s["p_filesz"] > 0]
        self.sections = tuple(
            Section(section.name, section["sh_addr"], _load_address(section, segments), section["sh_size"])
            for section in elf.iter_sections()
            if section["sh_flags"] & _ALLOCATED and section["sh_size"] > 0
        )
        self._contents = [
            (section["sh_addr"], section.data())
            for section in elf.iter_sections()
            if section["sh_flags"] & _ALLOCATED and section["sh_size"] > 0 and section["sh_type"] != "SHT_NOBITS"
        ]
        names = [section.name for section in elf.iter_sections()]
        table = elf.get_section_by_name(".symtab")
        self.symbols = tuple(_symbol(s, names) for s in table.iter_symbols() if _is_defined(s)) if table else ()

    def load_images(self) -> list[tuple[int, bytes]]:
        """(load address, bytes) of every segment with content: what a programmer writes to flash."""
        return self._images

    def contents(self) -> list[tuple[int, bytes]]:
        """(run address, bytes) of every section with content."""
        return self._contents

    def symbol(self, name: str) -> int:
        """Address of a symbol, without the thumb bit.

        Raises:
            InputError: there is no such symbol.
        """
        if name not in self._by_name:
            raise InputError(f"{self.path} has no symbol {name}", hint="build the image with this version of codesign")
        return self._by_name[name].address

    def function_at(self, address: int) -> str:
        """Name of the function that `address` is in, or "?"."""
        index = bisect_right(self._functions, (address, "\uffff")) - 1
        return self._functions[index][1] if index >= 0 else "?"

    @cached_property
    def _by_name(self) -> dict[str, Symbol]:
        return {symbol.name: symbol for symbol in self.symbols}

    @cached_property
    def _functions(self) -> list[tuple[int, str]]:
        return sorted((symbol.address, symbol.name) for symbol in self.symbols if symbol.is_function)


def _is_defined(symbol: Any) -> bool:
    return bool(symbol.name) and symbol["st_shndx"] != "SHN_UNDEF"


def _symbol(symbol: Any, sections: list[str]) -> Symbol:
    kind = symbol["st_info"]["type"]
    address = symbol["st_value"] & ~1 if kind == "STT_FUNC" else symbol["st_value"]
    index = symbol["st_shndx"]
    section = sections[index] if isinstance(index, int) and index < len(sections) else ""
    return Symbol(symbol.name, address, symbol["st_size"], kind, section)


def _load_address(section: Any, segments: list[Any]) -> int | None:
    """Where a section is stored: its segment's physical address plus the place in the segment."""
    if section["sh_type"] == "SHT_NOBITS":
        return None
    for segment in segments:
        offset = section["sh_offset"] - segment["p_offset"]
        if offset >= 0 and offset + section["sh_size"] <= segment["p_filesz"]:
            return int(segment["p_paddr"] + offset)
    return int(section["sh_addr"])
