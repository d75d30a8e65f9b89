# SPDX-License-Identifier: Apache-2.0
"""A session with a board that takes its audio at a serial port: hop by hop, damaged frames sent again."""

from __future__ import annotations

import re
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError, ToolError, ValidationError
from codesign.firmware.machines.console import Line, read_lines
from codesign.firmware.machines.serial_frames import AGAIN, BEGIN, DATA, END, Frame, FrameReader

ATTEMPTS = 8
"""Times that a frame is sent before the line is given up."""

_COUNTS = struct.Struct("<II")
_SLICE = 0.05  # seconds that one read waits at most
_TEXT = re.compile(r"[\t\n\r -~]*")  # what the console's lines are made of; a frame has other bytes too
_AFTER_RESET = 3.0  # seconds in which an adapter that resets the board when its port is opened has it up again


def require_pyserial() -> Any:
    """The module `serial`.

    Raises:
        ToolError: it is not installed.
    """
    try:
        import serial
    except ImportError as error:
        raise ToolError("a serial port needs pyserial", hint="pip install 'codesign[serial]'") from error
    return serial


class SerialLink:
    """A session with the board at `port`; a context manager.

    `patience` is how many seconds an answer may take beside its way over the line. `resent` counts frames that were sent more
    than once.

    Raises:
        InputError: the port cannot be opened.
        ToolError: pyserial is missing.
    """

    def __init__(self, port: str, baud: int, patience: float) -> None:
        serial = require_pyserial()
        self.place, self.resent, self.log = port, 0, ""
        self._baud, self._patience = baud, patience
        self._session = secrets.randbits(31) + 1
        self._reader, self._found = FrameReader(), list[Frame | None]()
        self._lost: tuple[type[BaseException], ...] = (serial.SerialException, OSError)
        try:
            self._port = serial.Serial(port, baud, timeout=_SLICE, write_timeout=patience + _AFTER_RESET)
        except (*self._lost, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot open {port}: {reason}", hint="which port is the board's? ls /dev/ttyACM*") from error

    def begin(self) -> Line:
        """Reset the board's enhancer and counters; its line `ready`.

        Raises:
            ValidationError: nothing answers, or it is no application of this kind.
        """
        for _ in range(ATTEMPTS):
            self._send(Frame(BEGIN, self._session))
            deadline = time.monotonic() + self._patience
            while time.monotonic() < deadline:
                self._hear()
                ready = self._ready()
                if ready is not None and self._started():
                    self._found.clear()
                    return ready
        lines = list(read_lines(self.log))
        if any(line.fields.get("audio") not in (None, "serial") for line in lines):
            raise ValidationError(
                f"the board at {self.place} has its audio elsewhere", hint="flash a build with CONFIG_CODESIGN_AUDIO_SERIAL=y"
            )
        raise ValidationError(
            f"nothing at {self.place} answers at {self._baud} baud",
            hint="flash a build with CONFIG_CODESIGN_AUDIO_SERIAL=y, and look at port and speed",
        )

    def exchange(self, sequence: int, pcm: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.int16], int, int]:
        """One hop in, int16 (hop,); the hop out, the enhancer's frames so far, and its cycles since the hop before.

        Raises:
            ValidationError: the board stopped answering, started anew, or answers in another form.
        """
        sent = Frame(DATA, self._session, sequence, pcm.astype("<i2").tobytes())
        for attempt in range(ATTEMPTS):
            self._send(sent)
            self.resent += attempt > 0
            for frame in self._frames(len(sent.payload)):
                if frame is None:
                    self._settle()
                    break
                if frame.session != self._session or frame.sequence != sequence:
                    continue
                if frame.kind == AGAIN:
                    break
                if frame.kind == DATA:
                    if len(frame.payload) != _COUNTS.size + len(sent.payload):
                        raise ValidationError(f"{self.place} answers hop {sequence} with {len(frame.payload)} bytes")
                    frames, cycles = _COUNTS.unpack_from(frame.payload)
                    return np.frombuffer(frame.payload, "<i2", offset=_COUNTS.size).astype(np.int16), frames, cycles
            if self._anew():
                raise ValidationError(
                    f"the board at {self.place} started anew at hop {sequence}", hint="a fault or its supply? its console tells"
                )
        raise ValidationError(f"{self.place} did not answer hop {sequence} in {ATTEMPTS} attempts", hint="look at the cable")

    def finish(self) -> str:
        """Stop the run; what the console said since its beginning, whole lines of counts at its end.

        Raises:
            ValidationError: the counts do not come.
        """
        for attempt in range(ATTEMPTS):
            before = len(self._said())
            self._send(Frame(END, self._session))
            self.resent += attempt > 0
            deadline = time.monotonic() + self._patience
            while time.monotonic() < deadline:
                self._hear()
                said = {line.kind for line in read_lines(self._said()[before:])}
                if {"stats", "end"} <= said:
                    return self._mine()
                if "end" in said:
                    break
        raise ValidationError(f"{self.place} does not tell its counts", hint="docs/console.md says what its console tells")

    def close(self) -> None:
        """Let the port go."""
        self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _send(self, frame: Frame) -> None:
        with self._plugged():
            self._port.write(frame.encoded())

    def _hear(self) -> bool:
        """Wait a little for bytes, whether any came; text goes to the log, frames to those found, None for a damaged one."""
        with self._plugged():
            data = self._port.read(max(1, self._port.in_waiting))
        for part in self._reader.take(data):
            if isinstance(part, str):
                self.log += part
                if not _TEXT.fullmatch(part):
                    self._found.append(None)
            else:
                self._found.append(part)
        return bool(data)

    def _settle(self) -> None:
        """Hear the rest of what is damaged, which is asked for once."""
        deadline = time.monotonic() + self._patience
        while self._hear() and time.monotonic() < deadline:
            pass
        self._found = [frame for frame in self._found if frame is not None]

    def _frames(self, size: int) -> Iterator[Frame | None]:
        """Frames as they come, None for a damaged one, until an answer of `size` bytes should be there."""
        deadline = time.monotonic() + self._patience + 2 * 10 * (size + 64) / self._baud
        while time.monotonic() < deadline:
            while self._found:
                yield self._found.pop(0)
            self._hear()

    def _said(self) -> str:
        return self.log + self._reader.text

    def _mine(self) -> str:
        """What was said from this session's line `ready` on."""
        said = self._said()
        return said[max(0, said.rfind("@codesign", 0, said.rfind(f" session={self._session} "))) :]

    def _ready(self) -> Line | None:
        """The line `ready` of this session."""
        lines = (line for line in read_lines(self._said()) if line.kind == "ready")
        return next((line for line in lines if line.fields.get("session") == self._session), None)

    def _started(self) -> bool:
        return any(line.kind == "state" for line in read_lines(self._mine()))

    def _anew(self) -> bool:
        return any(line.kind == "boot" for line in read_lines(self._mine()))

    @contextmanager
    def _plugged(self) -> Iterator[None]:
        try:
            yield
        except self._lost as error:
            raise ValidationError(f"{self.place} is gone", hint="was it unplugged? plug it in and begin again") from error
