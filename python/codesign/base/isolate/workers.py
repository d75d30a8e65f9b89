# SPDX-License-Identifier: Apache-2.0
"""A pool of processes that make calls. One that dies, or does not come back in time, is replaced and costs one call.

Not ProcessPoolExecutor: a death there fails every call of the pool, and nothing ends a call that hangs.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Self

from codesign.base.errors import ToolError, one_line
from codesign.base.isolate.child import READY

START_SECONDS = 120.0
_ONE_THREAD = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    "NUMBA_NUM_THREADS",
)
"""One thread a process: sums have one order, whatever the machine and the number of processes, and processes do not compete."""
_CHILD = "import sys; sys.path[:] = sys.argv[2:]; from codesign.base.isolate.child import main; main(int(sys.argv[1]))"


@dataclass(frozen=True)
class LimitedCall:
    """`function` of a module, with arguments that can be pickled, to end within `seconds`."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    seconds: float


@dataclass(frozen=True)
class Answer:
    """What a call returned, or None and `problem`: why there is no answer."""

    value: Any
    problem: str = ""


class Workers:
    """`count` processes. Calls that are submitted together run one after the other in one of them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._threads = ThreadPoolExecutor(count)  # one to wait for each process
        self._processes = [_Process() for _ in range(count)]
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()  # the one that has imported its libraries comes first
        for process in self._processes:
            process.start()
            self._idle.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, calls: Sequence[LimitedCall]) -> Future[tuple[Answer, ...]]:
        """An answer for each call, in order. The future raises ToolError when no process can be started."""
        return self._threads.submit(self._make, tuple(calls))

    def close(self) -> None:
        """End all processes; what they were doing is given up."""
        for process in self._processes:
            process.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _make(self, calls: tuple[LimitedCall, ...]) -> tuple[Answer, ...]:
        process = self._idle.get()
        answers: list[Answer] = []
        try:
            while len(answers) < len(calls):
                found, death = process.make(calls[len(answers) :])
                answers += found
                if death is not None and death.used:
                    # It may have died of what earlier calls left in its memory: in a new process the call is the first.
                    found, death = process.make(calls[len(answers) :][:1])
                    answers += found
                if death is not None:
                    answers.append(Answer(None, death.reason))
            return tuple(answers)
        finally:
            self._idle.put(process)


@dataclass(frozen=True)
class _Death:
    """Why a process gave no answer; `used`: it had made other calls before."""

    reason: str
    used: bool


class _Process:
    """One child, started again after each death until it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def start(self) -> None:
        """Start the child unless it runs.

        Raises:
            ToolError: it cannot be started, or this was closed.
        """
        with self._lock:
            if self._closed:
                raise ToolError("the processes that compute figures were ended")
            if self._child is not None:
                return
            self._connection, there = Pipe()
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - read when the child has died
            command = [sys.executable, "-c", _CHILD, str(there.fileno()), *(path or str(Path.cwd()) for path in sys.path)]
            try:
                self._child = subprocess.Popen(
                    command,
                    env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._log,
                    pass_fds=(there.fileno(),),
                    start_new_session=True,  # Ctrl-C is for the parent, which ends its children
                )
            except OSError as error:
                raise ToolError(f"cannot start a process that computes figures: {error.strerror}") from error
            finally:
                there.close()
            self._ready, self._made = False, 0

    def make(self, calls: Sequence[LimitedCall]) -> tuple[list[Answer], _Death | None]:
        """The answers up to the call that the child died in, if it did.

        Raises:
            ToolError: the child cannot be started.
        """
        self.start()
        answers: list[Answer] = []
        try:
            if not self._ready:
                self._await_ready()
            self._connection.send_bytes(pickle.dumps([(call.function, call.arguments) for call in calls]))
            for call in calls:
                if not self._connection.poll(call.seconds):
                    self._end(patience=0.0)
                    return answers, _Death(f"took longer than {call.seconds:g} s", used=False)
                answers.append(Answer(*self._connection.recv()))
                self._made += 1
        except (EOFError, OSError):
            used = self._made > 0
            return answers, _Death(f"its process {self._end()}", used)
        return answers, None

    def close(self) -> None:
        """End the child for good."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()
                self._child.wait()

    def _await_ready(self) -> None:
        try:
            self._ready = self._connection.poll(START_SECONDS) and self._connection.recv_bytes() == READY
        except (EOFError, OSError):
            self._ready = False
        if not self._ready:
            raise ToolError(f"the process that computes figures does not start: it {self._end()}")

    def _end(self, patience: float = 1.0) -> str:
        """End the child, and how it ended by itself, in words."""
        with self._lock:
            child, self._child = self._child, None
            assert child is not None
            self._connection.close()
            try:
                code = child.wait(timeout=patience)  # the connection closes a moment before the process is gone
            except subprocess.TimeoutExpired:
                child.kill()
                code = child.wait()
            self._log.seek(0, os.SEEK_END)
            self._log.seek(max(0, self._log.tell() - 4096))
            said = self._log.read().decode(errors="replace").strip().splitlines()
            self._log.close()
        if code < 0:
            return f"died of {signal.Signals(-code).name}"
        return one_line(f"ended with code {code}{': ' + said[-1] if said else ''}")
