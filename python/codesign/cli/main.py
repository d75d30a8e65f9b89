"""Entry point: the commands, and what happens to errors."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from codesign import __version__
from codesign.base.errors import CodesignError, ToolError
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
from codesign.cli.console import say
from codesign.firmware.doctor import absent

INTERRUPTED = 130

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


def main() -> None:
    """Run the command line; exit codes 0 ok, 1 failed, 2 usage, 3 tool missing, 4 build failed."""
    try:
        app()
    except CodesignError as error:
        say(f"error: {error}")
        if isinstance(error, ToolError):
            _say_what_is_missing(error)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer's own answer to Ctrl-C, which says nothing
            say("stopped")
        raise
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _say_what_is_missing(error: ToolError) -> None:
    for check in absent(str(error)):
        say(f"{check.name} is not here: {check.enables}; {check.how_to_get}")
    say("codesign doctor lists every tool, what it enables and how to get it")


if __name__ == "__main__":
    main()
