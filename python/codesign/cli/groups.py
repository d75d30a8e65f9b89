# SPDX-License-Identifier: Apache-2.0
"""Groups of commands whose lists say the whole first sentence of each command, whatever the width."""

from __future__ import annotations

from typing import Any

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
