# SPDX-License-Identifier: Apache-2.0
"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done, and steps in all, 0 where nobody knows. After ": " the first may say how it
stands: "train: loss 0.12".
"""


def silent(what: str, done: int, total: int) -> None:
    """A Progress that tells nobody."""
