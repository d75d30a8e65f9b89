# SPDX-License-Identifier: Apache-2.0
"""Help in plain words: groups whose lists say the whole first sentence of each command, options that say what they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

from typer.core import TyperGroup

_WHOLE = 1000
"""More letters than a first sentence has."""


class Commands(TyperGroup):
    """A group that cuts no sentence short."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(_WHOLE)) for name, command in found if command is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


_WORDS = {Path: "PATH", str: "TEXT", int: "NUMBER", float: "NUMBER"}


def in_plain_words(command: Any) -> Any:
    """The same command, whose options and those of the commands below it say PATH, TEXT or NUMBER, and whose arguments are in
    capitals: what Typer writes of a type, such as list[str], is Python's, and another word in each of its versions.
    """
    for below in getattr(command, "commands", {}).values():
        in_plain_words(below)
    hints = get_type_hints(command.callback) if command.callback else {}
    for each in command.params:
        if each.metavar is None and each.param_type_name == "argument" and each.nargs == 1:
            each.metavar = each.name.upper()
        elif each.metavar is None and each.param_type_name == "option" and not each.is_flag:
            each.metavar = _word(hints.get(each.name))
    return command


def _word(kind: Any) -> str | None:
    """The word for a type, None for choices, which are listed; of `list[X] | None` it is that of X."""
    inner = [each for each in get_args(kind) if each is not type(None)]
    return _word(inner[0]) if inner else _WORDS.get(kind)
