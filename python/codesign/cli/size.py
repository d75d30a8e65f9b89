"""codesign size: flash and RAM of any ELF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.boards import load_board
from codesign.cli.console import emit_json
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json
from codesign.cli.tables import print_footprint
from codesign.size import check_budget, measure

NAME = "size"


def command(
    elf: Annotated[Path, typer.Argument(help="The firmware's ELF file.", show_default=False)],
    board: BoardName = DEFAULT_BOARD,
    json: Json = False,
) -> None:
    """Flash and RAM of an image per region, section and symbol group; exit code 1 when it is over the budget.

    Example: codesign size build/starter-nrf5340dk/firmware.elf --board nrf5340dk
    """
    chosen = load_board(board)
    footprint = measure(elf, chosen)
    checks = check_budget(footprint, chosen)
    if json:
        emit_json("size", footprint=footprint, groups=footprint.by_group(), budget=checks)
    else:
        print_footprint(footprint, footprint.by_group(), checks)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
