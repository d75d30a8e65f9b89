# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: whether it was pressed, and how it ends what cannot be ended by an exception."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""Exit code."""

interrupted = threading.Event()
"""Set by Ctrl-C: the exception alone can be lost in a callback of a library."""


def check_interrupted() -> None:
    """Raise KeyboardInterrupt once Ctrl-C was pressed, for loops that wait."""
    if interrupted.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def stopping_at_once() -> Iterator[None]:
    """Inside, Ctrl-C ends the process: for imports, where an exception may be swallowed or turned into another.

    Nothing may be open yet. Where Ctrl-C is ignored, as in a shell's background jobs, it stays ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _stop_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop_at_once(number: int, frame: FrameType | None) -> NoReturn:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody may listen
        print("stopped", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)
