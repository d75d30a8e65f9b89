# SPDX-License-Identifier: Apache-2.0
"""Reading ELF files: everything that pyelftools does not check is checked here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.construct.core import ConstructError
from elftools.elf.elffile import ELFFile

from codesign.base.errors import InputError

_HINT = "give the firmware's .elf"
_ALLOC, _EXEC, _TLS = 0x2, 0x4, 0x400
MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class ElfSection:
    """An allocated section; `data` is None for one without content (NOBITS)."""

    name: str
    run: int
    size: int
    load: int | None
    data: bytes | None
    executable: bool
    thread_local: bool


@dataclass(frozen=True)
class ElfSymbol:
    """A symbol as the file has it: `value` with the thumb bit, `section` an index into the file's table or -1."""

    name: str
    value: int
    size: int
    type: str
    local: bool
    section: int
    file: str


@dataclass(frozen=True)
class ElfImage:
    """Sections (by their index in the file) and symbols of a linked ELF."""

    path: Path
    sections: dict[int, ElfSection]
    symbols: tuple[ElfSymbol, ...]

    def address(self, name: str) -> int:
        """Address of a symbol, without the thumb bit.

        Raises:
            InputError: there is no such symbol.
        """
        for symbol in self.symbols:
            if symbol.name == name and symbol.section >= 0:
                return symbol.value & ~1 if symbol.type == "STT_FUNC" else symbol.value
        raise InputError(f"{self.path} has no symbol {name}", hint="build the image with this version of codesign")

    def function_at(self, address: int) -> str:
        """Name of the function that `address` is in, or "?"."""
        for symbol in self.symbols:
            start = symbol.value & ~1
            if symbol.type == "STT_FUNC" and symbol.section in self.sections and start <= address < start + symbol.size:
                return symbol.name
        return "?"

    def load_images(self) -> list[tuple[int, bytes]]:
        """(load address, bytes) of every section with content: what a programmer writes to flash."""
        return [(s.load, s.data) for s in self.sections.values() if s.load is not None and s.data is not None]


def read_elf(path: Path, *, native: bool = False) -> ElfImage:
    """Read a linked ELF: 32-bit little-endian Arm, or with `native` a program of any processor.

    Raises:
        InputError: missing, empty, truncated, not an ELF, of another processor, or an object file.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"cannot read {path}: not a regular file", hint=_HINT)
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES >> 20} MiB", hint=_HINT)
        with path.open("rb") as stream:
            if stream.read(4) != b"\x7fELF":
                raise InputError(f"{path} is not an ELF file", hint=_HINT)
            stream.seek(0)
            return _read(path, ELFFile(stream), native=native)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    except (ELFError, ConstructError) as error:
        raise InputError(f"{path} is damaged: {error}", hint="build it again") from error
    except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, MemoryError, RecursionError) as error:
        # pyelftools does not check the offsets and indices of a file before it follows them.
        raise InputError(f"{path} is damaged: {type(error).__name__} while reading it", hint="build it again") from error


def _read(path: Path, elf: Any, *, native: bool) -> ElfImage:
    if not native and (elf.elfclass != 32 or not elf.little_endian or elf["e_machine"] != "EM_ARM"):
        kind = f"{elf.elfclass}-bit {elf.get_machine_arch()}"
        raise InputError(f"{path} is not a 32-bit little-endian Arm ELF but {kind}", hint=_HINT)
    segments = [dict(segment.header) for segment in elf.iter_segments("PT_LOAD")]
    if not segments:
        raise InputError(f"{path} is not linked: it has nothing to load", hint=_HINT)
    end = path.stat().st_size
    if any(s["p_offset"] + s["p_filesz"] > end for s in segments):
        raise InputError(f"{path} is truncated", hint="build it again")
    sections = {
        index: _section(section, segments, end)
        for index, section in enumerate(elf.iter_sections())
        if section["sh_flags"] & _ALLOC and section["sh_size"] > 0
    }
    if not sections:
        sections = _from_segments(elf)
    return ElfImage(path, sections, tuple(_symbols(elf)))


def _section(section: Any, segments: list[dict[str, int]], end: int) -> ElfSection:
    offset, size, run = section["sh_offset"], section["sh_size"], section["sh_addr"]
    empty = section["sh_type"] == "SHT_NOBITS"
    if not empty and offset + size > end:
        raise InputError(f"{section.stream.name} is truncated in section {section.name}", hint="build it again")
    load = None if empty else run
    for segment in segments:
        shift = run - segment["p_vaddr"]
        if not empty and 0 <= shift <= segment["p_filesz"] - size and segment["p_offset"] + shift == offset:
            load = segment["p_paddr"] + shift
            break
    flags = section["sh_flags"]
    data = None if empty else _bytes(section.stream, offset, size)
    return ElfSection(section.name, run, size, load, data, bool(flags & _EXEC), bool(flags & _TLS))


def _bytes(stream: Any, offset: int, size: int) -> bytes:
    stream.seek(offset)
    return bytes(stream.read(size))


def _from_segments(elf: Any) -> dict[int, ElfSection]:
    """A file whose section table was stripped: each segment's content and its zero-filled rest."""
    sections: dict[int, ElfSection] = {}
    for number, segment in enumerate(elf.iter_segments("PT_LOAD")):
        run, filled, size = segment["p_vaddr"], segment["p_filesz"], segment["p_memsz"]
        executable = bool(segment["p_flags"] & 1)
        name = f"segment {number}"
        if filled:
            load = segment["p_paddr"]
            sections[2 * number] = ElfSection(
                name, run, filled, load, _bytes(elf.stream, segment["p_offset"], filled), executable, False
            )
        if size > filled:
            zeros = f"{name}, zeroed"
            sections[2 * number + 1] = ElfSection(zeros, run + filled, size - filled, None, None, executable, False)
    return sections


def _symbols(elf: Any) -> list[ElfSymbol]:
    table = elf.get_section_by_name(".symtab")
    symbols: list[ElfSymbol] = []
    if table is None:
        return symbols
    file = ""
    for symbol in table.iter_symbols():
        info, index = symbol["st_info"], symbol["st_shndx"]
        if info["type"] == "STT_FILE":
            file = symbol.name
            continue
        local = info["bind"] == "STB_LOCAL"
        symbols.append(
            ElfSymbol(
                name=symbol.name,
                value=symbol["st_value"],
                size=symbol["st_size"],
                type=str(info["type"]),
                local=local,
                section=index if isinstance(index, int) else -1,
                file=file if local else "",
            )
        )
    return symbols
