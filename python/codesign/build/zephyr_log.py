"""The line of a Zephyr build's output that says what went wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TELLING = (  # most telling first
    r"region `\S+' overflowed by \d+ bytes",
    r"undefined reference to .*",
    r"devicetree error: .*",
    r"\.conf:\d+: .*|Kconfig[^:]*:\d+: error: .*",
    r"\S+\.[chS]:\d+:\d+: (?:fatal )?error: .*",
    r"error: .*",
    r"ninja: error: .*",
    r"warning: .*",
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def telling_line(output: str) -> str:
    """The cause rather than what followed from it."""
    lines = [_COLOUR.sub("", line).strip() for line in output.splitlines()]
    for pattern in _TELLING:
        for line in lines:
            if match := re.search(pattern, line, re.IGNORECASE):
                return match[0] if pattern == _TELLING[0] else line
    return _cmake_message(lines) or next((line for line in reversed(lines) if line), "the tool failed without a word")


def _cmake_message(lines: Sequence[str]) -> str:
    """The paragraph below "CMake Error at file:line (message):"."""
    for index, line in enumerate(lines):
        if line.startswith("CMake Error"):
            below = lines[index + 1 :]
            words: list[str] = []
            for text in below:
                if not text and words:
                    break
                if text:
                    words.append(text)
            return " ".join(words) or line
    return ""
