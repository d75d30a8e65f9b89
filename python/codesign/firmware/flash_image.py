# SPDX-License-Identifier: Apache-2.0
"""What lies in flash of an image, as one row of bytes: what the firmware computes its own check value over."""

from __future__ import annotations

import zlib

from codesign.base.errors import InputError
from codesign.firmware.elf import ElfImage

_LONGEST = 1 << 26


def flash_checks(elf: ElfImage) -> tuple[int, ...]:
    """CRC-32 from `__rom_region_start` over `_flash_used` bytes: between sections erased, as a programmer leaves it, or
    zero, as an emulator does.

    Raises:
        InputError: it is no Zephyr image.
    """
    values = {symbol.name: symbol.value for symbol in elf.symbols}  # absolute ones, which lie in no section
    start, size = values.get("__rom_region_start", 0), values.get("_flash_used", 0)
    if not 0 < size < _LONGEST:
        raise InputError(f"{elf.path} is no Zephyr image: it has no _flash_used", hint="give build/zephyr/zephyr.elf")
    found = []
    for gap in (b"\xff", b"\0"):
        row = bytearray(gap * size)
        for load, data in elf.load_images():
            if start <= load and load + len(data) <= start + size:
                row[load - start : load - start + len(data)] = data
        found.append(zlib.crc32(row))
    return tuple(found)
