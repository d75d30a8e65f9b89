# SPDX-License-Identifier: Apache-2.0
"""Progress of long work: a callback, because the library prints nothing."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""(stage, done, total); a total of 0 is not known. After ": " the stage may say how it stands: "train: loss 0.12"."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""
