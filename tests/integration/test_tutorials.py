# SPDX-License-Identifier: Apache-2.0
"""The start page and the tutorials as a reader follows them: every block, in an empty folder."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from pages import DOCS, ROOT, blocks_of, missing_lines, needs_of

pytestmark = pytest.mark.slow
PAGES = [DOCS / "start.md", *sorted((DOCS / "tutorials").glob("*.md"))]
TOOLS = {"zephyr": lambda: bool(os.environ.get("ZEPHYR_BASE")), "cc": lambda: bool(shutil.which("cc"))}


def is_here(need):
    return TOOLS[need]() if need in TOOLS else importlib.util.find_spec(need) is not None


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Variables under which `codesign` and `python` are those that run the tests."""
    folder = tmp_path_factory.mktemp("bin")
    for name, words in (("codesign", [sys.executable, "-m", "codesign"]), ("python", [sys.executable])):
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (folder / name).chmod(0o755)
    paths = [str(ROOT / "python"), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(paths)}
    return {**os.environ, **found, "COLUMNS": "100", "NO_COLOR": "1", "OMP_NUM_THREADS": "1", "CODESIGN_REQUIRE": ""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_reader_gets_to_the_end(page, environment, tmp_path):
    text = page.read_text(encoding="utf-8")
    absent = [need for need in needs_of(text) if not is_here(need)]
    if absent:
        pytest.skip(f"{page.name} needs {', '.join(absent)}")
    printed = ""
    ran = 0
    for block in blocks_of(text):
        where = f"{page.name}, line {block.line}"
        if block.not_run or not all(map(is_here, block.needs)):
            printed = None
        elif block.title:
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            done = subprocess.run(
                ["bash", "-e", "-c", block.text],
                cwd=tmp_path,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=600,
            )
            assert done.returncode == 0, f"{where}: {done.stdout}"
            printed, ran = done.stdout, ran + 1
        elif printed is not None:
            assert block.language == "text", f"{where}: neither a file, nor run, nor said why not"
            assert missing_lines(block.text, printed) == [], f"{where}: {printed}"
    assert ran


def test_reasons_are_said():
    for page in PAGES:
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if block.language == "sh" and block.not_run:
                assert len(block.not_run.split()) >= 3, f"{page.name}, line {block.line}"


def test_blocks_are_found():
    text = (
        '# T\n\n<!-- needs: torch -->\n\n<!-- not run: needs a board -->\n```sh\na\n```\n\n```toml title="x.toml"\nb = 1\n```\n'
    )
    assert needs_of(text) == ("torch",)
    assert [(block.language, block.title, block.text, block.not_run) for block in blocks_of(text)] == [
        ("sh", "", "a\n", "needs a board"),
        ("toml", "x.toml", "b = 1\n", ""),
    ]


def test_shown_lines_are_compared_up_to_numbers():
    assert missing_lines("…\nflash  1,234 of 5\n", "RAM 2\nflash 99 of 7") == []
    assert missing_lines("flash 1 of 5\n", "flash 1 from 5") == ["flash 1 of 5"]
