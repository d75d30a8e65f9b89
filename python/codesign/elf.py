"""ELF files of Arm firmware, as far as loading and naming addresses need them."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from codesign.errors import InputError


class Elf:
    """A 32-bit little-endian Arm executable.

    Raises:
        InputError: the file is missing, truncated or something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                elf = ELFFile(stream)
                if elf.elfclass != 32 or not elf.little_endian or elf["e_machine"] != "EM_ARM":
                    raise InputError(f"{path} is not a 32-bit little-endian Arm ELF", hint="give the firmware's .elf")
                self._images = [
                    (segment["p_paddr"], segment.data())
                    for segment in elf.iter_segments("PT_LOAD")
                    if segment["p_filesz"] > 0
                ]
                table = elf.get_section_by_name(".symtab")
                symbols = list(table.iter_symbols()) if table is not None else []
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}", hint="give the firmware's .elf") from error
        except ELFError as error:
            raise InputError(f"{path} is not an ELF file: {error}", hint="give the firmware's .elf") from error
        self._addresses = {s.name: s["st_value"] for s in symbols if s.name and s["st_shndx"] != "SHN_UNDEF"}
        self._is_function = {s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC"}

    def load_images(self) -> list[tuple[int, bytes]]:
        """(load address, bytes) of every segment with content: what a programmer writes to flash."""
        return self._images

    def symbol(self, name: str) -> int:
        """Address of a symbol, without the thumb bit.

        Raises:
            InputError: there is no such symbol.
        """
        if name not in self._addresses:
            raise InputError(f"{self.path} has no symbol {name}", hint="build the image with this version of codesign")
        return int(self._addresses[name]) & ~1 if name in self._is_function else int(self._addresses[name])

    def function_at(self, address: int) -> str:
        """Name of the function that `address` is in, or "?"."""
        index = bisect_right(self._functions, (address, "\uffff")) - 1
        return self._functions[index][1] if index >= 0 else "?"

    @cached_property
    def _functions(self) -> list[tuple[int, str]]:
        return sorted((self.symbol(name), name) for name in self._is_function)
