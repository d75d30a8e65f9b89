# SPDX-License-Identifier: Apache-2.0
"""The table of releases in docs/zephyr.md is what its command makes of verdicts."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generations():
    spec = importlib.util.spec_from_file_location("generations", ROOT / "ci" / "generations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdict(folder, name, ok):
    checks = [
        {"name": "flash budget", "ok": True, "detail": "266,792 of 524,288 bytes"},
        {"name": "RTOS overhead", "ok": ok, "detail": "3,858 instructions a hop outside the enhancer"},
    ]
    document = {"verdict": {"board": "b", "model": "m", "emulator": "renode", "seconds_of_audio": 20.0, "checks": checks}}
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return str(folder / name)


def test_newest_first_with_what_failed(generations, tmp_path):
    made = generations.table([f"3.3.0={verdict(tmp_path, 'a', True)}", f"4.1.99={verdict(tmp_path, 'b', False)}"])
    rows = made.splitlines()[2:]
    assert rows[0] == "| 4.1.99 | b | m | renode | 20 s | NOT PROVEN: RTOS overhead | 266,792 | – | 3,858 |"
    assert rows[1].startswith("| 3.3.0 | b | m | renode | 20 s | PROVEN |")
    assert {line.count("|") for line in made.splitlines()} == {10}


def test_a_release_that_nobody_ran_says_so(generations, tmp_path):
    made = generations.table(["3.7.1=", f"4.1.99={verdict(tmp_path, 'b', True)}"])
    assert made.splitlines()[-1] == "| 3.7.1 | – | – | – | – | not run | – | – | – |"


def test_the_page_has_a_place_for_it(generations):
    page = generations.PAGE.read_text(encoding="utf-8")
    assert "\n\nnew\n\n" in generations.replaced(page, "new")
    with pytest.raises(SystemExit, match="no place"):
        generations.replaced("nothing", "new")
