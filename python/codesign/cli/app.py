# SPDX-License-Identifier: Apache-2.0
"""The commands, gathered: what `codesign --help` lists."""

from __future__ import annotations

from typing import Annotated

import typer

from codesign import __version__
from codesign.cli import (
    boards,
    build,
    compare,
    compress,
    demo,
    doctor,
    evaluate,
    export,
    generate,
    inspect,
    listen,
    quantize,
    report,
    run,
    size,
    train,
    verify,
)

app = typer.Typer(
    name="codesign",
    help="Neural speech enhancement to hearing-aid firmware, with proof.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    demo,
    doctor,
    boards,
    train,
    compress,
    export,
    inspect,
    quantize,
    generate,
    build,
    size,
    run,
    verify,
    evaluate,
    report,
    compare,
)
for module in COMMANDS:
    app.command(name=module.NAME)(module.command)
app.add_typer(listen.app, name=listen.NAME)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"codesign {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
