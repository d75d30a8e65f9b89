# SPDX-License-Identifier: Apache-2.0
"""What CI's workflows call is there: commands with their options, files of the repository, marks, west.yml's line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from codesign.cli.app import SUMMARIES, load_command

ROOT = Path(__file__).parents[2]
FILES = (".github/workflows/ci.yml", ".github/workflows/release.yml", "ci/action/action.yml", "ci/action/prove.sh")

pytestmark = pytest.mark.skipif(not (ROOT / FILES[0]).is_file(), reason="the workflows are not in this tree")


def lines():
    """Each line of the workflows, without what YAML and expressions put around a command."""
    for name in FILES:
        text = re.sub(r"\$\{\{.*?\}\}", "X", (ROOT / name).read_text(encoding="utf-8"))
        for line in text.replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("- ").removeprefix("run: ")


def calls():
    """The command lines of codesign, words only."""
    for line in lines():
        if line.startswith(("codesign ", '"$CODESIGN" ', "$CODESIGN ")):
            yield shlex.split(re.split(r" (?:>>?|\|\|?|&&) ", line)[0])[1:]


def test_every_command_of_a_workflow_has_the_options_that_it_is_called_with():
    found = [words for words in calls() if words[0] in SUMMARIES]
    assert len(found) > 10
    for words in found:
        known = {option for each in load_command(words[0]).params for option in (*each.opts, *each.secondary_opts)}
        asked = {word.split("=")[0] for word in words[1:] if re.fullmatch(r"--?[A-Za-z][\w-]*(=.*)?", word)}
        assert asked <= known, words


def test_every_file_that_a_workflow_names_is_in_the_repository():
    named = {name for line in lines() for name in re.findall(r"(?<![\w/$}])(?:ci|models|app|tests)/[\w./-]*\w", line)}
    assert {"ci/baseline.json", "ci/renode/firmware.robot", "app/samples/le_audio"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_another_release_of_zephyr_is_put_where_west_looks_for_it():
    """`sed` changes one line of west.yml, the one with the release."""
    (pattern,) = {found for line in lines() for found in re.findall(r"s/(revision: v\[0-9\.\]\*)/", line)}
    text = (ROOT / "west.yml").read_text(encoding="utf-8")
    assert len(re.findall(pattern, text)) == 1
    assert re.search(pattern + r" ", text), "nothing of the old release stays"


def test_marks_of_a_workflow_are_marks_of_the_tests(request):
    known = {mark.split(":")[0] for mark in request.config.getini("markers")}
    chosen = " ".join(line.split("pytest -m")[1] for line in lines() if "pytest -m" in line)
    required = " ".join(line.split(":")[1].split("#")[0] for line in lines() if line.startswith("CODESIGN_REQUIRE:"))
    asked = set(re.findall(r"\w+", f"{chosen} {required}")) - {"and", "or", "not"}
    assert {"zephyr", "qemu", "renode"} <= asked <= known
