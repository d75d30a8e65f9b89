# SPDX-License-Identifier: Apache-2.0
"""Large blocks of memory kept by the process between the steps of a training."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Numbers of glibc's malloc.h."""
_KEPT_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Tell glibc's malloc to keep what a step frees for the next one; False where the C library is another.

    Without it every large tensor is fresh memory that the kernel clears page by page: a third of a training step on a CPU.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(_MMAP_THRESHOLD, _KEPT_BYTES), mallopt(_TRIM_THRESHOLD, 2**31 - 1), mallopt(_TOP_PAD, 2**26)])
