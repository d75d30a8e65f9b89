# SPDX-License-Identifier: Apache-2.0
"""Pages of the documentation as something to run: their blocks, in order.

A block of `sh` is run, one with a title (```toml title="chain.toml") is written to that file first, and a block of `text` is
what the commands before it print, any number standing for any other. A comment before a block says what a test does with it:

    <!-- not run: WHY -->        shown to people only
    <!-- needs: zephyr -->       run where the tool or the package is; the whole page where it stands at the page's top
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"(?:^[ ]*<!-- (?P<mark>not run|needs): (?P<words>[^\n]*?) -->\n+)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.DOTALL | re.MULTILINE,
)
_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line it is on."""

    language: str
    title: str
    text: str
    line: int
    not_run: str = ""
    needs: tuple[str, ...] = ()


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page in Markdown."""
    found = []
    for match in _BLOCK.finditer(text):
        words, mark = match["words"] or "", match["mark"]
        inside = "\n".join(line.removeprefix(match["indent"]) for line in match["text"].split("\n"))
        found.append(
            Block(
                match["language"],
                match["title"] or "",
                inside,
                text.count("\n", 0, match.start("language")) + 1,
                words if mark == "not run" else "",
                tuple(words.split()) if mark == "needs" else (),
            )
        )
    return found


def needs_of(text: str) -> tuple[str, ...]:
    """What a page as a whole needs: the comment below its title."""
    found = re.match(r"# [^\n]*\n+<!-- needs: (.*?) -->\n", text)
    return tuple(found[1].split()) if found else ()


def missing_lines(shown: str, printed: str) -> list[str]:
    """Lines of `shown` that were not printed; numbers may differ, and blanks, and a line of dots stands for any."""
    said = _plain(printed)
    return [line for line in shown.split("\n") if line.strip() not in ("", "…") and _plain(line).strip() not in said]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", _NUMBER.sub("#", text))


def command_lines(text: str) -> list[str]:
    """Every command line of codesign's in a page's blocks, fenced or indented, those that go on in the next line joined."""
    fenced = re.findall(r"^[ ]*```(?:sh|console|)\n(.*?)^[ ]*```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(
        r"(?:(?<=\n\n)|^)((?:    [^\n]*\n)+)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    joined = "\n".join([*fenced, *indented]).replace("\\\n", " ")
    return [found.strip() for found in re.findall(r"^[ ]*(?:west )?(codesign [^\n]*)$", joined, re.MULTILINE)]
