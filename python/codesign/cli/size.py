"""codesign size: flash, RAM and stack of any ELF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import emit_json
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json
from codesign.cli.tables import print_footprint, print_stack
from codesign.firmware.boards import load_board
from codesign.firmware.size import check_budget, measure
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.symbols import symbols_beside

NAME = "size"


def command(
    elf: Annotated[Path, typer.Argument(help="The firmware's ELF file.", show_default=False)],
    board: BoardName = DEFAULT_BOARD,
    entry: Annotated[str, typer.Option(help="Function whose worst-case stack to find; the image's start by default.")] = "",
    json: Json = False,
) -> None:
    """Flash and RAM of an image per region, layer, section and symbol, and its worst-case stack; exit code 1 over the budget.

    Layers are known when the build's manifest.json lies beside the ELF.

    Example: codesign size build/pruned-nrf5340dk/firmware.elf --board nrf5340dk
    """
    chosen = load_board(board)
    symbols = symbols_beside(elf)
    footprint = measure(elf, chosen)
    groups = footprint.by_group(symbols.groups if symbols else ())
    checks = check_budget(footprint, chosen)
    start = entry or (symbols.entry if symbols else "")
    stack = worst_stack(elf, start, indirect=symbols.pointer_calls if symbols else None) if start else None
    if json:
        emit_json("size", footprint=footprint, groups=groups, stack=stack, budget=checks)
    else:
        print_footprint(footprint, groups, checks)
        if stack:
            print_stack(stack)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
