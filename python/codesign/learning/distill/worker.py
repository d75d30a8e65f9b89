# SPDX-License-Identifier: Apache-2.0
"""The teacher's process: this module knows nothing of torch, which takes longer to load than a teacher."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import numpy as np

from codesign.base.signals import Signal32
from codesign.learning.distill.teacher import Teacher, TeacherFile

_teacher: Teacher | None = None


def begin(file: TeacherFile, sample_rate: int) -> None:
    """Load the teacher, once a process; the process ends when its parent is killed."""
    global _teacher
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends this process in order
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _teacher = file.open(sample_rate)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def teach(noisy: Signal32) -> Signal32:
    """What it makes of float32 (batch, samples)."""
    assert _teacher is not None
    return np.stack([_teacher(one) for one in noisy])
