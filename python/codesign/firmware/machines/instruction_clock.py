# SPDX-License-Identifier: Apache-2.0
"""Executed instructions from SysTick readings under QEMU's -icount.

With `-icount shift=N` QEMU's time is the number of executed instructions times 2^N ns, and SysTick counts the processor clock
of that time. A difference of two readings is off by less than one tick; with N = 7 an instruction is more than two ticks at
clocks from 16 MHz on, so that rounding gives the exact number. SysTick has 24 bits: at 32 MHz 4 million instructions.
"""

from __future__ import annotations

from codesign.firmware.boards import Board

SHIFT = 7
ICOUNT_ARGUMENTS = ("-icount", f"shift={SHIFT},align=off,sleep=off")


def instructions(ticks: int, board: Board) -> int:
    """Instructions executed during `ticks` of SysTick on the board's machine in QEMU."""
    assert board.qemu is not None, "nothing else ran it"
    clock: int = board.qemu.clock_hz
    return round(ticks * 1e9 / clock / (1 << SHIFT))
