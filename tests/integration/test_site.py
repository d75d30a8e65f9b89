# SPDX-License-Identifier: Apache-2.0
"""The documentation as a site: every page and link of it, with warnings as errors."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from codesign.cli.app import SUMMARIES

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings")),
    reason="MkDocs builds the site: pip install 'codesign[site]'",
)
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    commands = (tmp_path / "reference" / "commands.html").read_text(encoding="utf-8")
    assert all(f"Usage: codesign {name}" in commands for name in SUMMARIES)
    package = (tmp_path / "reference" / "package.html").read_text(encoding="utf-8")
    assert "codesign.api.quantize" in package
    pages = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.html")}
    assert {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md") if path.stem != "README"} <= pages
    for page in (
        "start.html",
        "tutorials/pytorch.html",
    ):  # the browser asks nobody else, and a page opened as a file can be searched
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"https?://[^>]*", text)
        assert "img/iframe-worker.js" in text
    assert (tmp_path / "search" / "search_index.js").is_file()
