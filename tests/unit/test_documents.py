# SPDX-License-Identifier: Apache-2.0
"""The Markdown of this repository: relative links lead to files, anchors to headings, and every page is in the index."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".", "docs", "docs/decisions", "models", "boards", "app", "bench", "tests", "runtime", "zephyr")
PAGES = sorted({page for folder in FOLDERS for page in (ROOT / folder).glob("*.md")} | set((ROOT / "models").rglob("*.md")))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def prose(page):
    """Text of a page without its blocks and spans of code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "code", text)


def anchors(page):
    """Names of the headings of a page as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in HEADING.findall(text)}


def links(page):
    found = [first or second for first, second in LINK.findall(prose(page))]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), f"{link} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_links_are_found():
    assert "docs/how-it-works.md" in links(ROOT / "README.md")
    assert "docs/numerics.md#compilers-and-flags" in links(ROOT / "README.md")


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    pages = set((ROOT / "docs").glob("*.md")) | set((ROOT / "docs" / "decisions").glob("*.md"))
    assert pages - {index} <= listed
