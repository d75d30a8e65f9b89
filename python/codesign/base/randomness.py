# SPDX-License-Identifier: Apache-2.0
"""Random numbers that are the same every time, for measures that draw some."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

_LOCK = threading.RLock()


@contextlib.contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """NumPy's global generator starts at `seed` inside the block and goes on where it was after it.

    For libraries that draw from it without being asked: pystoi adds noise far below any sound and then brings every
    segment to one level, so that where a signal is zero the noise is all there is. Threads run such blocks one at a time.
    """
    generator: Any = np.random
    with _LOCK:
        before = generator.get_state()
        generator.seed(seed)
        try:
            yield
        finally:
            generator.set_state(before)
