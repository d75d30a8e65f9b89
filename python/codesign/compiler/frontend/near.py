# SPDX-License-Identifier: Apache-2.0
"""What a word was likely meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def near(word: object, words: Collection[str]) -> str:
    """A question whether one of `words` was meant that is like `word`, "" where none is."""
    found = difflib.get_close_matches(word, list(words), 1, 0.6) if isinstance(word, str) and len(word) <= 64 else []
    return f", did you mean {found[0]}?" if found else ""
