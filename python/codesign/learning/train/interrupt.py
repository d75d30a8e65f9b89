# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C that waits for the end of a step, so that a run is saved whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Within the with statement the first Ctrl-C only sets `asked`; the second one is as ever. In the main thread alone: others
    get no signals; where Ctrl-C is ignored, as in a shell's background jobs, it stays ignored.
    """

    asked = False

    def __enter__(self) -> Self:
        before = signal.getsignal(signal.SIGINT)
        self._before: Any = None
        if callable(before) and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._before)
