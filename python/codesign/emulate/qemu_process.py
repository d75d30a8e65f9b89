"""QEMU as a child process: find it, start it for a board, stop it. What the image is does not matter here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from codesign.boards import Board
from codesign.errors import InputError, ToolError

PROGRAM = "qemu-system-arm"
OUTPUT_LIMIT = 1 << 20
"""Bytes of output that are kept, the last ones: an image may print for ever."""

SEMIHOSTING_ARGUMENTS = ("-semihosting-config", "enable=on,target=native")

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class QemuExit:
    """How a run ended. `output` is what UART 0, semihosting and QEMU itself printed, at most the last OUTPUT_LIMIT bytes.

    status is QEMU's exit status, None when it was stopped: because `until` appeared (`found`) or the time was over.
    """

    status: int | None
    found: bool
    output: str
    seconds: float

    @property
    def timed_out(self) -> bool:
        return self.status is None and not self.found


def find_qemu() -> Path:
    """$CODESIGN_QEMU, else qemu-system-arm on the PATH.

    Raises:
        ToolError: there is none.
    """
    wanted = os.environ.get("CODESIGN_QEMU", "")
    if path := shutil.which(wanted or PROGRAM):
        return Path(path)
    missing = f"no program '{wanted}' (CODESIGN_QEMU)" if wanted else f"no {PROGRAM} on the PATH"
    raise ToolError(missing, hint="install qemu-system-arm (Debian, Ubuntu) or qemu (Homebrew), or set CODESIGN_QEMU")


def machine_arguments(board: Board) -> tuple[str, ...]:
    """QEMU's arguments for the board's machine: no display, no monitor, UART 0 on stdout.

    Raises:
        InputError: the board's card has no table [qemu].
    """
    if board.qemu is None:
        raise InputError(f"board {board.name} has no QEMU machine", hint="add [qemu] to its board.toml: docs/add-a-board.md")
    common = ("-display", "none", "-monitor", "none", "-serial", "stdio")
    return ("-machine", board.qemu.machine, *board.qemu.arguments, *common)


def run_qemu(
    board: Board,
    arguments: Sequence[str],
    *,
    timeout_s: float,
    until: str = "",
    folder: Path | None = None,
) -> QemuExit:
    """Run QEMU with the board's machine and `arguments` until it exits, prints `until`, or `timeout_s` is over.

    The process is gone when this returns or raises, also on Ctrl-C and on SIGTERM. `folder` is where it runs: semihosting
    opens relative file names there. A path in `arguments` must not contain a comma: QEMU splits values there.

    Raises:
        InputError: the board has no QEMU machine.
        ToolError: QEMU is missing or cannot be started.
    """
    command = [str(find_qemu()), *machine_arguments(board), *arguments]
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        except OSError as error:
            raise ToolError(f"cannot start {command[0]}: {error.strerror}", hint="codesign doctor") from error
        with _stopped_at_the_end(process):
            status, found = _wait(process, output, started + timeout_s, until)
        text = _tail(output)
        found = found or (bool(until) and until in text)  # it may print and exit at once
        return QemuExit(status, found, text, time.monotonic() - started)


def _wait(process: subprocess.Popen[bytes], output: IO[bytes], deadline: float, until: str) -> tuple[int | None, bool]:
    while (remaining := deadline - time.monotonic()) > 0:
        try:
            return process.wait(min(_POLL_SECONDS, remaining) if until else remaining), False
        except subprocess.TimeoutExpired:
            if until and until in _tail(output):
                return None, True
    return None, False


def _tail(output: IO[bytes]) -> str:
    """The end of the output. Reads by position: the child writes through the same file offset."""
    size = os.fstat(output.fileno()).st_size
    return os.pread(output.fileno(), OUTPUT_LIMIT, max(0, size - OUTPUT_LIMIT)).decode("utf-8", "replace")


@contextmanager
def _stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the process whatever happens; SIGTERM, which would skip `finally`, becomes an exit for as long."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    in_main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGTERM, leave) if in_main else None
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if in_main:
            signal.signal(signal.SIGTERM, previous)
