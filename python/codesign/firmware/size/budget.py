# SPDX-License-Identifier: Apache-2.0
"""A footprint against a board's budget."""

from __future__ import annotations

from dataclasses import dataclass

from codesign.firmware.boards import Board
from codesign.firmware.size.footprint import Footprint


@dataclass(frozen=True)
class BudgetCheck:
    """One limit, in bytes."""

    name: str
    used: int
    limit: int

    @property
    def ok(self) -> bool:
        return self.used <= self.limit


def check_budget(footprint: Footprint, board: Board) -> list[BudgetCheck]:
    """Flash and RAM against the budget, every memory that overflows, and bytes in no memory of the board if there are any."""
    checks = [
        BudgetCheck("flash", footprint.flash, board.budget.flash),
        BudgetCheck("RAM", footprint.ram, board.budget.ram),
    ]
    checks += [BudgetCheck(f"memory {r.name}", r.used, r.usable) for r in footprint.regions if r.free < 0]
    if lost := sum(section.size for section in footprint.outside):
        checks.append(BudgetCheck("outside the board's memories", lost, 0))
    return checks
