# SPDX-License-Identifier: Apache-2.0
"""What a start imports: the list of commands and their help need none of the libraries that their work needs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import codesign
from codesign.cli.app import SUMMARIES, app, load_command
from codesign.hearing.evaluate.pairs import NOISY
from codesign.proof.report.sound import EMBEDDED_SECONDS
from codesign.proof.signals import PROOF_SECONDS

pytestmark = pytest.mark.slow  # the file as a whole

HEAVY = (
    *("capstone", "elftools", "jinja2", "matplotlib", "numpy", "onnx", "onnxruntime", "scipy", "soundfile", "soxr", "torch"),
    "unicorn",
)

LIST = """
import sys
sys.argv[0] = "codesign"
try:
    from codesign.cli.main import main
    main()
except SystemExit as end:
    code = end.code
print("loaded", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


def start(*arguments, **environment):
    """What a start printed, and the top-level modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", LIST, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environment},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    said, _, loaded = done.stdout.rpartition("loaded ")
    return said, set(loaded.split())


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_a_start_imports_no_library_of_the_work(arguments):
    said, loaded = start(*arguments)
    assert "codesign" in said
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_completion_imports_no_library_of_the_work():
    said, loaded = start(_CODESIGN_COMPLETE="complete_bash", COMP_WORDS="codesign compa", COMP_CWORD="1")
    assert said.split() == ["compare"]
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("command", SUMMARIES)
def test_the_help_of_a_command_imports_no_library_of_its_work(command):
    said, loaded = start(command, "--help")
    assert "Usage" in said
    assert loaded.isdisjoint(HEAVY)


def test_importing_the_package_imports_no_library():
    loaded = subprocess.run(
        [sys.executable, "-c", "import codesign, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert "codesign" in loaded
    assert set(loaded).isdisjoint((*HEAVY, "pydantic", "typer", "rich"))


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_list_says_what_the_command_s_own_help_begins_with(name):
    assert " ".join(load_command(name).help.split()).startswith(SUMMARIES[name])


def _has_commands(path):
    """Whether a module of the command line has commands of its own."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.stem != "app" and any(
        isinstance(node, ast.Assign) and node.targets[0].id == "app"
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    )


def test_every_module_with_a_command_is_listed():
    folder = Path(codesign.__file__).parent / "cli"
    found = set()
    for path in folder.glob("*.py"):
        names = {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}
        if "command" in names or _has_commands(path):
            found.add(path.stem)
    assert found == set(SUMMARIES)
    assert list(typer.main.get_command(app).list_commands(None)) == list(SUMMARIES)


@pytest.mark.parametrize(
    ("command", "option", "default"),
    [
        ("evaluate", "baseline", NOISY),
        ("report", "embed", EMBEDDED_SECONDS),
        ("report", "seconds", PROOF_SECONDS),
        ("verify", "seconds", PROOF_SECONDS),
    ],
)
def test_defaults_that_a_help_repeats_are_those_of_the_work(command, option, default):
    found = next(each for each in load_command(command).params if each.name == option)
    assert found.default == default
