# SPDX-License-Identifier: Apache-2.0
"""Whether Ctrl-C was pressed: the exception alone can be lost in a callback of a library."""

from __future__ import annotations

import threading

interrupted = threading.Event()


def check_interrupted() -> None:
    """Raise KeyboardInterrupt once Ctrl-C was pressed, for loops that wait."""
    if interrupted.is_set():
        raise KeyboardInterrupt
