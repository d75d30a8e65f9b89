# SPDX-License-Identifier: Apache-2.0
"""codesign boards: what codesign can build for."""

from __future__ import annotations

from codesign.cli.console import cells, emit_json, stderr, table
from codesign.cli.options import Json


def command(json: Json = False) -> None:
    """List the boards with their cores, memories and budgets.

    Example: codesign boards
    """
    from codesign.firmware.boards import list_boards, load_board

    boards = [load_board(name) for name in list_boards()]
    if json:
        emit_json("boards", boards=boards)
        return
    rows = table("Boards, memories in KiB", "board", "core", "MHz", "flash", "RAM", "frame ms", "µA/MHz", "emulator")
    for board in boards:
        flash, ram = ("-", "-") if board.native else (board.flash.usable // 1024, board.ram.usable // 1024)
        mhz = board.core.clock_hz / 1e6
        budget = board.budget.worst_frame_ms
        current = f"{board.energy.ua_per_mhz:g}" if board.energy else "-"
        figures = (f"{mhz:g}", flash, ram, f"{budget:g}", current)
        rows.add_row(*cells(board.name, board.core.cpu, *figures, board.default_emulator or "-"))
    stderr.print(rows)
