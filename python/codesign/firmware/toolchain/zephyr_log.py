# SPDX-License-Identifier: Apache-2.0
"""The line of a Zephyr build's output that says what went wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TELLING = (  # most telling first
    r"region `\S+' overflowed by \d+ bytes",
    r"undefined reference to .*",
    r"devicetree error: .*",
    r"No (?:board|shield) named .+ found",
    r"\.conf:\d+: .*|Kconfig[^:]*:\d+: error: .*",
    r"warning: user value .*",
    r"warning: \w+ \(defined at .*",
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
        for index, line in enumerate(lines):
            if match := re.search(pattern, line, re.IGNORECASE):
                return match[0] if pattern == _TELLING[0] else _sentence(lines[index:])
    return _cmake_message(lines) or next((line for line in reversed(lines) if line), "the tool failed without a word")


def _sentence(lines: Sequence[str]) -> str:
    """The first line, and what kconfig wrapped of its first sentence into the lines below."""
    words = [lines[0]]
    if lines[0].startswith("warning: ") and "(defined at " in lines[0]:
        for line in lines[1:]:
            if not line or ". " in words[-1] or words[-1].endswith("."):
                break
            words.append(line)
        return re.split(r"\.(?: |$)", " ".join(words))[0]
    return words[0]


def _cmake_message(lines: Sequence[str]) -> str:
    """The sentence below "CMake Error at file:line (message):", which empty lines may part (around a path, say)."""
    for index, line in enumerate(lines):
        if line.startswith("CMake Error"):
            words: list[str] = []
            for text in lines[index + 1 :]:
                if text.startswith(("-- ", "CMake ", "Call Stack")) or (words and not text and words[-1].endswith(".")):
                    break
                if text:
                    words.append(text)
            return " ".join(words) or line
    return ""
