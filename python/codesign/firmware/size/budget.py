# SPDX-License-Identifier: Apache-2.0
"""A footprint against a board's budget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.size.footprint import Footprint
from codesign.firmware.size.stack import StackReport

THREAD_STACK = "_k_thread_stack_enhancer"
"""What Zephyr's K_THREAD_DEFINE calls the stack of the enhancer's thread."""

INTERRUPTED = 160
"""Bytes on a thread's stack beside its calls: an exception frame with FPU registers (Armv8-M and Armv7-M reference manuals, 26
words), and what the kernel's and the application's functions that start the thread keep there."""


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


def check_thread(elf: Path, stack: StackReport | None) -> list[BudgetCheck]:
    """The stack of the enhancer's thread against the worst case of its calls, where both are known."""
    size = next((symbol.size for symbol in read_elf(elf).symbols if symbol.name == THREAD_STACK), 0)
    if stack is None or stack.unbounded or not size:
        return []
    return [BudgetCheck("enhancer stack", stack.bytes + INTERRUPTED, size)]
