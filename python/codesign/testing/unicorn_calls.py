# SPDX-License-Identifier: Apache-2.0
"""`Calls` under Unicorn."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ValidationError
from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.machines.profile import BlockCount, StageProfile, thumb_instructions
from codesign.firmware.machines.unicorn import open_core
from codesign.testing.calls import ARENA, ARENA_BYTES, SAVED_PATTERN

_RETURN = 0x0F00_0000
_STACK_TOP = ARENA + ARENA_BYTES
_PAGE = 4096


class UnicornCalls:
    """`Calls` on the board's core. `engine` is Unicorn's; `counting` slows it down a few times."""

    def __init__(self, elf: Path, board: Board, *, counting: bool = False) -> None:
        self.engine, self._const = open_core(board)
        for at, size in ((ARENA, ARENA_BYTES), (_RETURN, _PAGE)):
            self.engine.mem_map(at, size)
        self.elf = read_elf(elf)
        for address, data in self.elf.load_images():
            self.engine.mem_write(address, data)
        self._profile = StageProfile({})
        self._lengths: dict[tuple[int, int], int] = {}
        self.stack_top = _STACK_TOP
        if counting:
            from unicorn import UC_HOOK_BLOCK

            self.engine.hook_add(
                UC_HOOK_BLOCK, lambda _uc, at, size, _data: self._profile.block(at, size, self._length(at, size), 0)
            )
        self.clear()

    @property
    def instructions(self) -> int:
        """Executed instructions of the last call, 0 without `counting`."""
        return sum(self._profile.counts.values())

    @property
    def blocks(self) -> tuple[BlockCount, ...]:
        """What the last call executed, nothing without `counting`."""
        return self._profile.blocks()

    def address(self, name: str) -> int:
        """Address of a symbol."""
        return self.elf.address(name)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the ELF's constants."""
        return bytes(self.engine.mem_read(at, size))

    def clear(self) -> None:
        """Forget all data."""
        self._next = ARENA

    def put(self, data: npt.NDArray[np.generic] | bytes) -> int:
        """Copy `data`, an array in row-major order, into the arena; its address, a multiple of 8."""
        raw = data.tobytes() if isinstance(data, np.ndarray) else bytes(data)
        at, self._next = self._next, self._next + (len(raw) + 15) // 8 * 8
        self.engine.mem_write(at, raw)
        return at

    def get(self, at: int, dtype: npt.DTypeLike, count: int) -> npt.NDArray[np.generic]:
        """A copy of `count` elements of `dtype` at an address of the arena, (count,)."""
        return np.frombuffer(bytes(self.engine.mem_read(at, count * np.dtype(dtype).itemsize)), dtype).copy()

    def call(self, name: str | int, *arguments: int) -> int:
        """Call a function; its r0.

        Raises:
            ValidationError: it changed a register that it must preserve, or the stack pointer.
        """
        uc, const, extra = self.engine, self._const, [a & 0xFFFFFFFF for a in arguments[4:]]
        saved = [getattr(const, f"UC_ARM_REG_R{i}") for i in range(4, 12)]
        sp = (_STACK_TOP - 4 * len(extra)) & ~7
        uc.mem_write(sp, struct.pack(f"<{len(extra)}I", *extra))
        for register, value in zip(range(4), arguments, strict=False):
            uc.reg_write(const.UC_ARM_REG_R0 + register, value & 0xFFFFFFFF)
        for number, value in zip(saved, SAVED_PATTERN, strict=True):
            uc.reg_write(number, value)
        uc.reg_write(const.UC_ARM_REG_SP, sp)
        uc.reg_write(const.UC_ARM_REG_LR, _RETURN | 1)
        self._profile = StageProfile({})
        uc.emu_start((self.address(name) if isinstance(name, str) else name) | 1, _RETURN)
        if uc.reg_read(const.UC_ARM_REG_SP) != sp or [uc.reg_read(r) for r in saved] != list(SAVED_PATTERN):
            raise ValidationError(f"{name} does not preserve r4 to r11 and the stack pointer")
        return int(uc.reg_read(const.UC_ARM_REG_R0))

    def _length(self, at: int, size: int) -> int:
        if (at, size) not in self._lengths:
            self._lengths[at, size] = thumb_instructions(bytes(self.engine.mem_read(at, size)))
        return self._lengths[at, size]
