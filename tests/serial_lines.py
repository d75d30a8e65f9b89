# SPDX-License-Identifier: Apache-2.0
"""What hangs on a serial port in tests: a line between two pseudo-terminals that damages bytes, a board made of Python."""

from __future__ import annotations

import os
import select
import struct
import threading
import tty
import zlib
from collections.abc import Callable

import numpy as np

from codesign.firmware.machines.serial_frames import AGAIN, BEGIN, DATA, END, Frame, FrameReader

IMAGE_CHECK = 0x1234


class Line(threading.Thread):
    """A pseudo-terminal, `port`, whose bytes go to and come from the file `far`; `there` and `back` change them on the way."""

    def __init__(
        self, far: int, there: Callable[[bytes], bytes] = lambda data: data, back: Callable[[bytes], bytes] = lambda data: data
    ) -> None:
        super().__init__(daemon=True)
        self._near, slave = os.openpty()
        tty.setraw(slave)
        tty.setraw(far)
        self._slave, self._far, self._there, self._back = slave, far, there, back
        self.port = os.ttyname(slave)
        self._ends = False
        self.start()

    def run(self) -> None:
        while not self._ends:
            ready, _, _ = select.select([self._near, self._far], [], [], 0.05)
            for source, target, change in ((self._near, self._far, self._there), (self._far, self._near, self._back)):
                if source in ready:
                    os.write(target, change(os.read(source, 4096)))

    def close(self) -> None:
        self._ends = True
        self.join()
        for file in (self._near, self._slave, self._far):
            os.close(file)


def damage(at: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """What changes the byte number `at` of a stream, once."""
    passed = 0

    def through(data: bytes) -> bytes:
        nonlocal passed
        place, passed = at - passed, passed + len(data)
        return data[:place] + change(data[place : place + 1]) + data[place + 1 :] if 0 <= place < len(data) else data

    return through


def said(text: str) -> str:
    body = f"@codesign 2 {text}"
    return f"{body} crc={zlib.crc32(body.encode()):08x}\r\n"


class PythonBoard(threading.Thread):
    """The application's side of the line at `port`, honest where it is not told otherwise.

    `enhance` makes a hop of a hop; `begin` is called before the first. `ready` replaces fields of its first line,
    `stats` of its last, `reply` changes an answer: (sequence, frames, cycles, PCM) -> the same, or None for no answer.
    It leaves at hop `leaves`.
    """

    def __init__(self, enhance, begin, hop, *, model, sha, ready=None, stats=None, reply=None, leaves=None) -> None:
        super().__init__(daemon=True)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._enhance, self._begin, self._hop, self._leaves = enhance, begin, hop, leaves
        self._ready = {"model": model, "sha": sha, "rate": 16000, "hop": hop, "block": hop, "audio": "serial", "slots": 1}
        self._ready |= {"bits": 16, "primed": 2, "clock": "dwt", "hz": 128000000, "image": IMAGE_CHECK, **(ready or {})}
        self._stats, self._reply = stats or {}, reply or (lambda *answer: answer)
        self._ends, self._gone, self._last = False, False, b""
        self.start()

    def run(self) -> None:
        reader, session = FrameReader(), 0
        while not self._ends:
            if not select.select([self._master], [], [], 0.02)[0]:
                continue
            for part in reader.take(os.read(self._master, 4096)):
                if isinstance(part, str):
                    self._write(Frame(AGAIN, session, getattr(self, "_expected", 0)).encoded())
                elif part.kind == BEGIN:
                    session = part.session
                    self._expected, self._total, self._worst = 0, 0, 0
                    self._begin()
                    fields = self._ready | {"session": session}
                    self._say("ready " + " ".join(f"{name}={value}" for name, value in fields.items()))
                    self._say("state running=1 bypass=0")
                elif part.kind == DATA and part.session == session:
                    self._answer(part)
                elif part.kind == END:
                    self._say_counts()

    def _answer(self, frame: Frame) -> None:
        if frame.sequence == self._leaves:
            self._gone = True
            os.close(self._slave)
            os.close(self._master)
            self._ends = True
            return
        if frame.sequence + 1 == self._expected and self._last:
            self._write(self._last)
            return
        if frame.sequence != self._expected:
            self._write(Frame(AGAIN, frame.session, self._expected).encoded())
            return
        cycles = 100000 + frame.sequence % 7
        self._total, self._worst = self._total + cycles, max(self._worst, cycles)
        self._expected += 1
        played = self._enhance(np.frombuffer(frame.payload, "<i2").astype(np.int16))
        answer = self._reply(frame.sequence, self._expected, cycles, played)
        if answer is not None:
            sequence, frames, counted, pcm = answer
            payload = struct.pack("<II", frames, counted) + pcm.astype("<i2").tobytes()
            self._last = Frame(DATA, frame.session, sequence, payload).encoded()
            self._write(self._last)

    def _say_counts(self) -> None:
        n = self._expected
        counts = {"captured": n, "frames": n, "skipped": 0, "worst": self._worst, "worst_frame": 0}
        counts |= {"average": self._total // max(n, 1), "elapsed": 1, "held": 0, "enhanced": n}
        counts |= dict.fromkeys(("bypassed", "late", "busy", "unplayed", "underruns", "overruns", "stalls", "restarts"), 0)
        self._say("stats " + " ".join(f"{name}={value}" for name, value in (counts | self._stats).items()))
        self._say("end")

    def _say(self, text: str) -> None:
        self._write(said(text).encode())

    def _write(self, data: bytes) -> None:
        os.write(self._master, data)

    def close(self) -> None:
        self._ends = True
        self.join()
        if not self._gone:
            os.close(self._slave)
            os.close(self._master)


__all__ = ["END", "IMAGE_CHECK", "Line", "PythonBoard", "damage"]
