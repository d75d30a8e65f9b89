# SPDX-License-Identifier: Apache-2.0
"""Frames on a serial line that text shares: docs/console.md, "Audio over the console". app/src/frame.c is the other side."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

BEGIN, DATA, END, AGAIN = b"B", b"D", b"E", b"N"

_HEAD = struct.Struct("<cHII")  # kind, size of the payload, session, sequence
_CHECK = struct.Struct("<I")
_RUN = 254  # bytes without a zero that one code byte can stand for


@dataclass(frozen=True)
class Frame:
    """One frame; `sequence` is the number of its hop, `session` what the computer chose at its beginning."""

    kind: bytes
    session: int
    sequence: int = 0
    payload: bytes = b""

    def encoded(self) -> bytes:
        """As it goes over the line: a zero before and after, none between."""
        raw = _HEAD.pack(self.kind, len(self.payload), self.session, self.sequence) + self.payload
        return b"\0" + _stuffed(raw + _CHECK.pack(zlib.crc32(raw))) + b"\0"


def decoded(stuffed: bytes) -> Frame | None:
    """The frame that stood between two zeros, None where it is damaged or no frame at all."""
    raw = _unstuffed(stuffed)
    if len(raw) < _HEAD.size + _CHECK.size:
        return None
    kind, size, session, sequence = _HEAD.unpack_from(raw)
    (check,) = _CHECK.unpack_from(raw, len(raw) - _CHECK.size)
    payload = raw[_HEAD.size : -_CHECK.size]
    if check != zlib.crc32(raw[: -_CHECK.size]) or len(payload) != size:
        return None
    return Frame(kind, session, sequence, payload)


class FrameReader:
    """Bytes of a line, parted into frames and text as they come."""

    def __init__(self) -> None:
        self._waiting = b""

    def take(self, data: bytes) -> list[Frame | str]:
        """What is whole now, in order: frames, and text between them as far as it goes."""
        *whole, self._waiting = (self._waiting + data).split(b"\0")
        found: list[Frame | str] = []
        for part in whole:
            if part:
                found.append(decoded(part) or part.decode("ascii", "replace"))
        return found

    @property
    def text(self) -> str:
        """What came after the last zero: text, unless a frame is on its way."""
        return self._waiting.decode("ascii", "replace")


def _stuffed(raw: bytes) -> bytes:
    """Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999)."""
    out = bytearray()
    parts = raw.split(b"\0")
    for number, part in enumerate(parts):
        while len(part) > _RUN or (len(part) == _RUN and number + 1 < len(parts)):
            out += bytes([_RUN + 1]) + part[:_RUN]
            part = part[_RUN:]
        out += bytes([len(part) + 1]) + part
    return bytes(out)


def _unstuffed(stuffed: bytes) -> bytes:
    """The bytes that were stuffed, b"" where that is no stuffing."""
    raw, at = bytearray(), 0
    while at < len(stuffed):
        run = stuffed[at]
        if at + run > len(stuffed) or run == 0:
            return b""
        raw += stuffed[at + 1 : at + run]
        at += run
        if run <= _RUN and at < len(stuffed):
            raw.append(0)
    return bytes(raw)
