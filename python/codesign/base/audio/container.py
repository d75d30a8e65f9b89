# SPDX-License-Identifier: Apache-2.0
"""What a file says about its own end: libsndfile reads what is there and is silent about what is missing.

Of WAV (also big-endian, RF64), Wave64, AIFF and AU the size of the sound is compared with the bytes after it; of Ogg the last
page must be there. FLAC and others are checked by the number of samples that come out.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from codesign.base.audio.ogg import CAPTURE, LARGEST_PAGE

MAX_CHUNKS = 1000
"""Chunks in front of the sound that are looked at: a hostile file has millions of empty ones."""
_UNKNOWN = ((0x7FFF0000, 0x80000000), (0xFFFF0000, 0xFFFFFFFF), (0x7FFFFFFFFFFF0000, 0xFFFFFFFFFFFFFFFF))
"""Sizes that programs write when they cannot know: the largest of 31, 32, 63 or 64 bits, some less headers or whole blocks."""


@dataclass(frozen=True)
class Ending:
    """`cut_off` says what is missing at the end, "" when nothing is. `note` says what is odd about a file that is whole.

    `unsized` is the place of a WAV file's size of the sound that is 0 though sound follows, None elsewhere.
    """

    cut_off: str = ""
    note: str = ""
    unsized: int | None = None


@dataclass(frozen=True)
class _Chunks:
    """A family of files made of chunks: where they begin, how long their names are, the size's format and what it counts."""

    start: int
    name: int
    size: str
    counts_header: bool
    align: int
    sound: bytes


_RIFF = _Chunks(12, 4, "<I", counts_header=False, align=2, sound=b"data")
_FAMILIES = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"RIFX": _Chunks(12, 4, ">I", counts_header=False, align=2, sound=b"data"),
    b"FORM": _Chunks(12, 4, ">I", counts_header=False, align=2, sound=b"SSND"),
    b"riff": _Chunks(40, 16, "<Q", counts_header=True, align=8, sound=b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"),
}


def ending(path: Path) -> Ending:
    """How the file ends; an empty Ending for kinds of files that do not say.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        length = file.seek(0, io.SEEK_END)
        magic = _at(file, 0, 4)
        if magic in _FAMILIES:
            return _ending_of_chunks(file, magic, length)
        if magic in (b".snd", b"dns."):
            order = ">" if magic == b".snd" else "<"
            start, size = struct.unpack(f"{order}II", _at(file, 4, 8).ljust(8, b"\0"))
            return _compare(size, length - start)
        if magic == CAPTURE:
            return Ending("" if _ogg_ends(file, length) else "cut off: the last page of its Ogg stream is missing")
        return Ending()


class PatchedFile(io.RawIOBase):
    """`file` read as if `data` stood at `place`; used as libsndfile reads, by seek, tell and readinto."""

    def __init__(self, file: BinaryIO, place: int, data: bytes) -> None:
        self._file, self._place, self._data = file, place, data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        begin = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for number, value in enumerate(self._data):
            if begin <= self._place + number < begin + len(data):
                data[self._place + number - begin] = value
        buffer[: len(data)] = data
        return len(data)


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _ending_of_chunks(file: BinaryIO, magic: bytes, length: int) -> Ending:
    family = _FAMILIES[magic]
    header = family.name + struct.calcsize(family.size)
    place, wide_size = family.start, None
    for _ in range(MAX_CHUNKS):
        if place + header > length:
            break
        found = _at(file, place, header)
        name = found[: family.name]
        size = struct.unpack(family.size, found[family.name :])[0] - (header if family.counts_header else 0)
        if name == b"ds64":  # in RF64, riff and data sizes of 64 bits
            wide_size = struct.unpack("<Q", _at(file, place + header + 8, 8).ljust(8, b"\0"))[0]
        if name == family.sound:
            start = place + header
            if size == 0 and magic in (b"RIFF", b"RIFX") and start < length and not _only_chunks(file, family, start, length):
                note = "its header says 0 bytes of sound: read to the end of the file"
                return Ending(note=note, unsized=start - 4)
            if magic == b"RF64" and size == 0xFFFFFFFF and wide_size is not None:
                size = wide_size
            return _compare(size, length - start)
        place += header + max(0, size)
        place += -place % family.align
    return Ending()


def _only_chunks(file: BinaryIO, family: _Chunks, place: int, length: int) -> bool:
    """Whether what follows an empty chunk of sound is other chunks, up to the end of the file."""
    header = family.name + struct.calcsize(family.size)
    for _ in range(MAX_CHUNKS):
        if place + header > length:
            return False
        found = _at(file, place, header)
        name = found[: family.name]
        if not (name.isascii() and name.decode("ascii").isprintable()):
            return False
        place += header + struct.unpack(family.size, found[family.name :])[0]
        if length in (place, place + place % 2):
            return True
        place += place % 2
    return False


def _compare(declared: int, present: int) -> Ending:
    if declared <= present or any(low <= declared <= high for low, high in _UNKNOWN):
        return Ending()
    return Ending(f"cut off: its header says {declared:,} bytes of sound, {max(0, present):,} are there")


def _ogg_ends(file: BinaryIO, length: int) -> bool:
    """Whether the last page that begins in the file is whole and says that its stream ends."""
    begin = max(0, length - 2 * LARGEST_PAGE)
    tail = _at(file, begin, length - begin)
    page = tail.rfind(CAPTURE + b"\0")
    if page < 0 or len(tail) < page + 27:
        return False
    segments = tail[page + 26]
    lengths = tail[page + 27 : page + 27 + segments]
    return len(lengths) == segments and page + 27 + segments + sum(lengths) <= len(tail) and bool(tail[page + 5] & 4)
