# SPDX-License-Identifier: Apache-2.0
"""An emulator as a child process: started, watched and stopped, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from codesign.base.errors import ToolError

OUTPUT_LIMIT = 1 << 20
"""Bytes of output that are kept, the last ones: an image may print for ever."""

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class ChildExit:
    """How a run ended. `output` is what the program and its image printed, at most the last OUTPUT_LIMIT bytes.

    status is the program's exit status, None when it was stopped: because `until` appeared (`found`) or the time was over.
    """

    status: int | None
    found: bool
    output: str
    seconds: float

    @property
    def timed_out(self) -> bool:
        """Whether it was stopped because its time was over."""
        return self.status is None and not self.found


def run_child(
    command: Sequence[str],
    *,
    timeout_s: float,
    until: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[str], None] | None = None,
    silent_input: bool = False,
) -> ChildExit:
    """Run `command` in `folder` until it exits, prints `until`, or `timeout_s` is over; `watch` gets its output now and then.

    Its standard input is at its end; with `silent_input` it never ends and says nothing.

    It and what it started are gone when this returns or raises, also on Ctrl-C and on SIGTERM.

    Raises:
        ToolError: it cannot be started.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:

        def start() -> subprocess.Popen[bytes]:
            try:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE if silent_input else subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=None if environment is None else {**os.environ, **environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise ToolError(f"cannot start {command[0]}: {error.strerror}", hint="codesign doctor") from error

        with _stopped_at_the_end(start) as process:
            status, found = _wait(process, output, started + timeout_s, until, watch)
        text = _tail(output)
        found = found or (bool(until) and until in text)  # it may print and exit at once
        return ChildExit(status, found, text, time.monotonic() - started)


def _wait(
    process: subprocess.Popen[bytes], output: IO[bytes], deadline: float, until: str, watch: Callable[[str], None] | None
) -> tuple[int | None, bool]:
    looking = bool(until) or watch is not None
    while (remaining := deadline - time.monotonic()) > 0:
        try:
            return process.wait(min(_POLL_SECONDS, remaining) if looking else remaining), False
        except subprocess.TimeoutExpired:
            text = _tail(output)
            if watch is not None:
                watch(text)
            if until and until in text:
                return None, True
    return None, False


def _tail(output: IO[bytes]) -> str:
    """The end of the output. Reads by position: the child writes through the same file offset."""
    size = os.fstat(output.fileno()).st_size
    return os.pread(output.fileno(), OUTPUT_LIMIT, max(0, size - OUTPUT_LIMIT)).decode("utf-8", "replace")


@contextmanager
def _stopped_at_the_end(start: Callable[[], subprocess.Popen[bytes]]) -> Iterator[subprocess.Popen[bytes]]:
    """The process that `start` makes, ended whatever happens. SIGTERM, which would skip `finally`, becomes an exit for as long;
    signals wait while the process is made, because nobody could end one that is half started.
    """

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    waiting: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    previous = {number: signal.signal(number, lambda came, _: waiting.append(came)) for number in numbers}
    process = None
    try:
        process = start()
        for number in numbers:
            signal.signal(number, leave if number == signal.SIGTERM else previous[number])
        for came in waiting:
            signal.raise_signal(came)
        yield process
    finally:
        if process is not None and process.poll() is None:
            _signal_all(process, signal.SIGTERM)
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal_all(process, signal.SIGKILL)
                process.wait()
        if process is not None and process.stdin is not None:
            process.stdin.close()
        for number in numbers:
            signal.signal(number, previous[number])


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the whole session: launchers do not always become the program that they start."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
