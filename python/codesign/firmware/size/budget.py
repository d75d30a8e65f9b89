# SPDX-License-Identifier: Apache-2.0
"""A footprint against a board's budget, and an image against the slot that a boot loader has for it."""

from __future__ import annotations

import re
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


SLOT_TRAILER = 4096
"""Bytes at a slot's end that MCUboot keeps for itself: its trailer (bootutil_public.h), three words for each of up to 128
sectors and the state of a swap, and hashes and signature after the image. A sector in all, as it is erased."""


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


def check_slot(elf: Path) -> list[BudgetCheck]:
    """What MCUboot copies and checks against the slot that it lies in; nothing for an image that no boot loader starts."""
    file = elf.with_name(".config")
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    slot = re.search(r"^CONFIG_FLASH_LOAD_SIZE=(0x[0-9a-fA-F]+|[0-9]+)$", text, re.MULTILINE)
    if "CONFIG_BOOTLOADER_MCUBOOT=y" not in text.splitlines() or slot is None or int(slot[1], 0) == 0:
        return []
    used = next((symbol.value for symbol in read_elf(elf).symbols if symbol.name == "_flash_used"), 0)
    return [BudgetCheck("MCUboot slot", used + SLOT_TRAILER, int(slot[1], 0))]
