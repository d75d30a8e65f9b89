# SPDX-License-Identifier: Apache-2.0
"""Command lines in the documentation: each one that is shown is one that the command line takes."""

import re
import shlex

import pytest

from codesign.cli.app import SUMMARIES, load_command
from pages import DOCS, ROOT, command_lines

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "models").rglob("*.md"))]
CONSOLE = ("start", "stop")
"""Words of the firmware's own shell, whose lines begin with the same name."""
_STOPS = re.compile(r"\s(?:&&|\||>|>>|;|#).*$")


def parsed(line):
    """The command and what is left once its words are parsed; nothing is run."""
    words = [re.sub(r"^…$", "x", word) for word in shlex.split(_STOPS.sub("", line))][1:]
    if not words or words[0].startswith("-"):
        return words
    command, rest = load_command(words[0]), words[1:]
    while hasattr(command, "commands"):
        context = command.context_class(command, info_name=words[0])
        _, command, rest = command.resolve_command(context, rest)
    command.make_context(words[0], rest, resilient_parsing=False)
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_line_is_one_that_the_command_line_takes(page):
    for line in command_lines(page.read_text(encoding="utf-8")):
        if "…" in line or "COMMAND" in line or line.split()[1] in CONSOLE:
            continue
        try:
            parsed(line)
        except (Exception, SystemExit) as error:
            pytest.fail(f"{page.name}: {line}: {error!r}")


def test_lines_are_found_and_wrong_ones_are_seen():
    assert command_lines("```sh\ncodesign run \\\n  m.onnx\n```\n\n    codesign demo\n\n    other\n") == [
        "codesign run    m.onnx",
        "codesign demo",
    ]
    with pytest.raises(Exception, match="No such option"):
        parsed("codesign demo --nothing")


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_an_example_that_it_takes(name):
    command = load_command(name)
    for each in getattr(command, "commands", {"": command}).values():
        examples = re.findall(r"^\s*Example: (codesign .*)$", each.help, re.MULTILINE)
        assert examples, each.name
        for line in examples:
            parsed(line)


@pytest.mark.parametrize("name", SUMMARIES)
def test_help_is_whole_at_80_columns(name):
    command = load_command(name)
    for each in [command, *getattr(command, "commands", {}).values()]:
        text = each.get_help(each.context_class(each, info_name="codesign", terminal_width=80))
        assert max(map(len, text.splitlines())) <= 80
        assert [line for line in text.splitlines() if line.endswith("...") and not line.startswith("Usage")] == []


def test_help_says_types_in_words():
    for name in SUMMARIES:
        command = load_command(name)
        for each in [command, *getattr(command, "commands", {}).values()]:
            text = each.get_help(each.context_class(each, info_name="codesign", terminal_width=80))
            assert not re.findall(r"--[a-z0-9-]+ <(?:list\[|(?:str|int|float|path|text|number)[> ])", text, re.IGNORECASE), name


def test_examples_name_files_that_codesign_examples_writes(tmp_path):
    load_command("examples").main([str(tmp_path / "codesign-examples")], standalone_mode=False)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    cards = [card.parent.name for card in (ROOT / "models").glob("*/CARD.md") if not card.parent.name.startswith("baseline")]
    assert {f"codesign-examples/{name}.onnx" for name in cards} <= written
    assert "low-delay" in cards
    for name in SUMMARIES:
        command = load_command(name)
        for each in getattr(command, "commands", {"": command}).values():
            words = {word for line in re.findall(r"Example: ([^\n]*)", each.help) for word in line.split()}
            alone = [word for word in words if "/" in word and (ROOT / word).exists() and not word.startswith("demo/")]
            assert not alone, "what is in the repository alone"  # demo/ is what codesign demo makes, wherever it is run
            assert {word.rstrip("/") for word in words if word.startswith("codesign-examples/")} <= written
