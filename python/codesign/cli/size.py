# SPDX-License-Identifier: Apache-2.0
"""codesign size: flash, RAM and stack of any ELF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.console import emit_json
from codesign.cli.options import DEFAULT_BOARD, BoardName, Json


def command(
    elf: Annotated[Path, typer.Argument(help="The firmware's ELF file.", show_default=False)],
    board: BoardName = DEFAULT_BOARD,
    entry: Annotated[str, typer.Option(help="Function whose worst-case stack to find; the image's start by default.")] = "",
    json: Json = False,
) -> None:
    """Flash and RAM of an image per region, layer, section and symbol, and its worst-case stack; exit code 1 over the budget.

    Layers are known when the build's manifest.json lies beside the ELF.

    Example: codesign size build-bare-nrf5340dk/firmware.elf --board nrf5340dk
    """
    from codesign.cli.tables import print_footprint, print_stack
    from codesign.firmware.boards import load_board
    from codesign.firmware.size.size import size

    chosen = load_board(board)
    found = size(elf, chosen, entry)
    if json:
        emit_json("size", footprint=found.footprint, groups=found.groups, stack=found.stack, budget=found.budget)
    else:
        print_footprint(found.footprint, found.groups, found.budget)
        if found.stack:
            print_stack(found.stack)
    if not found.ok:
        raise typer.Exit(1)
