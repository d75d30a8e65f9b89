# SPDX-License-Identifier: Apache-2.0
"""docs/safety.md: every row names a test that exists, or says why there is none."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [line for line in (ROOT / "docs" / "safety.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]


def test_every_row_names_its_test():
    assert len(ROWS) > 10
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for row in ROWS:
        cell = row.split("|")[4]
        named = re.findall(r"`(\w+)`", cell)
        files = re.findall(r"`([\w/]+\.py|tests/[\w/]+)`", cell)
        assert all(f"def {name}(" in sources for name in named if name.startswith("test_")), row
        assert all(list((ROOT / "tests").rglob(Path(file).name)) for file in files), row
        assert named or files or re.search(r"none:|verify|first boot", cell), row
