# SPDX-License-Identifier: Apache-2.0
"""codesign schema: what the JSON of a command holds."""

from __future__ import annotations

from importlib import resources
from typing import Annotated

import typer

from codesign.base.errors import InputError
from codesign.cli.console import say

ENDING = ".schema.json"


def command(
    kind: Annotated[str, typer.Argument(help="The document's kind: verify, size, …; none: a list.", show_default=False)] = "",
) -> None:
    """The JSON Schema of what a command prints with --json.

    Example: codesign schema verify > verify.schema.json
    """
    folder = resources.files("codesign.cli") / "schemas"
    kinds = sorted(file.name.removesuffix(ENDING) for file in folder.iterdir() if file.name.endswith(ENDING))
    if not kind:
        say(f"kinds: {', '.join(kinds)}")
        return
    name = kind.replace(" ", "-")
    if name not in kinds:
        raise InputError(f"no document of kind '{kind}'", hint=f"kinds: {', '.join(kinds)}")
    print((folder / f"{name}{ENDING}").read_text(encoding="utf-8"), end="")
