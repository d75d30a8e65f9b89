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


SECTOR = 4096
"""Bytes of flash that are erased at once, of the parts that are known here."""

TAGS = 464
"""Bytes of hashes and signature after an image: RSA-3072 has the longest (boot/zephyr/CMakeLists.txt of MCUboot)."""

_STATUS = 3 * 8
"""Bytes of a slot's trailer for each sector: three states of a swap in write blocks of up to 8 bytes (MCUboot, design.md)."""

_TRAILER = 4 * 8 + 16
"""The rest of the trailer: swap's size and type, copy done, image ok, and the magic number."""


@dataclass(frozen=True)
class BudgetCheck:
    """One limit, in bytes."""

    name: str
    used: int
    limit: int

    @property
    def ok(self) -> bool:
        """Whether it is within its limit."""
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
    """What MCUboot copies and checks, and what it keeps of the slot for itself, against the slot; nothing for an image that no
    boot loader starts.
    """
    config = _configuration(elf.with_name(".config"))
    slot = int(config.get("FLASH_LOAD_SIZE", "0"), 0)
    if config.get("BOOTLOADER_MCUBOOT") != "y" or slot == 0:
        return []
    used = next((symbol.value for symbol in read_elf(elf).symbols if symbol.name == "_flash_used"), 0)
    return [BudgetCheck("MCUboot slot", used + _kept_by_mcuboot(config, slot), slot)]


def _kept_by_mcuboot(config: dict[str, str], slot: int) -> int:
    """Bytes after an image: hashes, signature and trailer. With sysbuild MCUboot's own build says it (CONFIG_ROM_END_OFFSET);
    else what it needs at most, by the mode: a swap by moving has its trailer in sectors of its own and one more sector free.
    """
    if said := int(config.get("ROM_END_OFFSET", "0"), 0):
        return said
    modes = [name.removeprefix("MCUBOOT_BOOTLOADER_MODE_") for name in config if name.startswith("MCUBOOT_BOOTLOADER_MODE_")]
    if any(mode.startswith(("OVERWRITE", "DIRECT_XIP", "SINGLE_APP", "RAM_LOAD", "FIRMWARE_UPDATER")) for mode in modes):
        return TAGS + _TRAILER
    trailer = _TRAILER + _STATUS * -(-slot // SECTOR)
    if "SWAP_SCRATCH" in modes:
        return TAGS + trailer
    return TAGS + -(-trailer // SECTOR) * SECTOR + SECTOR


def _configuration(file: Path) -> dict[str, str]:
    """The options of a build's .config that are set, without their CONFIG_."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return dict(re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.MULTILINE))
