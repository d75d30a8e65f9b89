# SPDX-License-Identifier: Apache-2.0
"""Batches from a process of their own, so that the network never waits for the mixer."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import CodesignError, ToolError
from codesign.learning.data.training import MixtureSource

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

AHEAD = 6
"""Batches that wait ready at most."""
_POLL_SECONDS = 1.0


class Batches:
    """Endless iterator over batches (noisy, clean) of `size` mixtures, float32 (size, length) each.

    Starts at the mixer's position and leaves the mixer itself where it is; the batches are those that `mixer.batch(size)` would
    give. With `process` false they are made in this process when asked for. Use it in a with statement: it ends its process.

    Raises:
        CodesignError: on iteration, what the mixer raised; ToolError when its process was killed.
    """

    def __init__(self, mixer: MixtureSource, size: int, *, process: bool = True, ahead: int = AHEAD) -> None:
        self._mixer, self._size = mixer, size
        self._queue: Any = None
        self._process: Any = None
        if process:
            # Not forked: a fork copies the locks of torch's threads in whatever state they are.
            context = multiprocessing.get_context("spawn")
            self._queue = context.Queue(ahead)
            self._process = context.Process(target=_produce, args=(self._queue, mixer, size), name="mixer", daemon=True)
            self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._queue is None:
            return self._mixer.batch(self._size)
        while True:
            try:
                found = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if self._process.is_alive():
                    continue
                with contextlib.suppress(queue.Empty):  # it ended after the last look
                    return self._opened(self._queue.get_nowait())
                reason = f"ended with code {self._process.exitcode}"
                raise ToolError(f"the mixing process {reason}", hint="start again; mind the machine's memory") from None
            return self._opened(found)

    def close(self) -> None:
        """End the process; again is no error."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
            self._process.join()
        if self._queue is not None:
            self._queue.close()
            self._queue.cancel_join_thread()

    def _opened(self, found: Batch | CodesignError | str) -> Batch:
        if isinstance(found, CodesignError):
            raise found
        if isinstance(found, str):
            raise ToolError(f"the mixing process failed: {found}", hint="report this as a defect of codesign")
        return found


def _produce(target: Any, mixer: MixtureSource, size: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends this process in order
    try:
        while _put(target, mixer.batch(size)):
            pass
    except CodesignError as error:
        _put(target, type(error)(error.message, error.hint))
    except Exception as error:  # told to the parent, which would otherwise only see a dead process
        _put(target, f"{type(error).__name__}: {error}")


def _put(target: Any, value: Batch | CodesignError | str) -> bool:
    """Hand over `value` when there is room; False when the parent has been killed and nobody will ever take it."""
    parent = multiprocessing.parent_process()
    while parent is None or parent.is_alive():
        try:
            target.put(value, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    target.cancel_join_thread()
    return False
