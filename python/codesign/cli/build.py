"""codesign build: a model to C and an image."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.boards import load_board
from codesign.build import build_bare, build_host
from codesign.cli.console import emit_json, say
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json, Model
from codesign.cli.tables import print_footprint
from codesign.load import load_onnx
from codesign.lower import lower
from codesign.size import check_budget, measure

NAME = "build"


class Runtime(StrEnum):
    host = "host"
    bare = "bare"


def command(
    model: Model,
    board: BoardName = DEFAULT_BOARD,
    runtime: Annotated[Runtime, typer.Option(help="host: shared library; bare: ELF without an operating system.")] = (
        Runtime.bare
    ),
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write (build/<model>-<board>).")] = None,
    json: Json = False,
) -> None:
    """Generate C for a model and build it; exit code 1 when the image is over the board's budget.

    Example: codesign build models/starter/starter.onnx --board nrf5340dk
    """
    chosen = load_board(board)
    network = lower(load_onnx(model))
    folder = output or Path("build") / f"{model.stem}-{chosen.name if runtime is Runtime.bare else 'host'}"
    if runtime is Runtime.host:
        image = build_host(network, folder)
        if json:
            emit_json("build", path=image.path, compiler=image.compiler, flags=image.flags)
        else:
            say(f"wrote {image.path} ({image.compiler})")
        return
    image = build_bare(network, chosen, folder)
    footprint = measure(image.path, chosen)
    groups = footprint.by_group(image.symbols.groups)
    checks = check_budget(footprint, chosen)
    if json:
        emit_json(
            "build",
            path=image.path,
            compiler=image.compiler,
            flags=image.flags,
            footprint=footprint,
            groups=groups,
            budget=checks,
        )
    else:
        print_footprint(footprint, groups, checks)
        say(f"wrote {image.path} ({image.compiler})")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
