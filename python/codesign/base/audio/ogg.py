# SPDX-License-Identifier: Apache-2.0
"""Pages of an Ogg stream. libogg skips a damaged one without a word, and the sound after it moves forward in time."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

CAPTURE = b"OggS"
LARGEST_PAGE = 65307
"""Bytes: 27, 255 lengths, 255 segments of 255."""
_HEADER = 27
_BEGINS = 2
_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def damage(path: Path) -> str:
    """What is damaged between whole pages, "" when nothing is or it is no Ogg file. An end in the middle of a page is
    no damage: container.ending says it.

    Raises:
        OSError: it cannot be read.
    """
    following: dict[int, int] = {}
    with path.open("rb") as file:
        place = 0
        while page := file.read(_HEADER):
            whole = len(page) == _HEADER and page[:4] == CAPTURE
            if whole:
                lengths = file.read(page[26])
                page += lengths + file.read(sum(lengths))
                whole = len(page) == _HEADER + page[26] + sum(lengths)
            if not whole:
                return _between(place) if _begins_later(file, place) else ""
            serial, number, checksum = struct.unpack_from("<III", page, 14)
            if checksum != _checksum(page[:22] + bytes(4) + page[26:]):
                return f"damaged at byte {place:,}: the checksum of a page of its Ogg stream is another"
            if not page[5] & _BEGINS and number != following.get(serial, number):
                return _between(place)
            following[serial] = number + 1 & 0xFFFFFFFF
            place += len(page)
    return ""


def _between(place: int) -> str:
    return f"damaged at byte {place:,}: pages of its Ogg stream are missing"


def _begins_later(file: BinaryIO, place: int) -> bool:
    """Whether another page begins behind the one that should at `place`."""
    file.seek(place + 1)
    end = b""
    while block := file.read(LARGEST_PAGE):
        if CAPTURE + b"\0" in end + block:
            return True
        end = block[-len(CAPTURE) :]
    return False


def _checksum(page: bytes) -> int:
    """Ogg's: the polynomial of zlib's CRC with the bits the other way round, from 0 and not inverted."""
    reflected = zlib.crc32(page.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "big").translate(_BITS_REVERSED), "little")
