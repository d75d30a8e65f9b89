# SPDX-License-Identifier: Apache-2.0
"""No source file is too long to be read in one go: limits of CONTRIBUTING.md."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ("python", "tests", "bench", "examples", "models")
C = ("runtime", "app", "zephyr", "tests", "examples", "python")


@pytest.mark.parametrize(("folders", "suffixes", "most"), [(PYTHON, {".py"}, 400), (C, {".c", ".h"}, 260)], ids=["Python", "C"])
def test_lines_of_a_file(folders, suffixes, most):
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in suffixes]
    assert files
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: lines for path, lines in lengths.items() if lines > most} == {}
