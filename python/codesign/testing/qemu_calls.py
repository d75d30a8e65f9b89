# SPDX-License-Identifier: Apache-2.0
"""`Calls` under QEMU: memory travels through a semihosting file, one short QEMU run a call."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ValidationError
from codesign.firmware.boards import Board
from codesign.firmware.elf import read_elf
from codesign.firmware.machines.instruction_clock import ICOUNT_ARGUMENTS, instructions
from codesign.firmware.machines.profile import BlockCount
from codesign.firmware.machines.qemu_process import SEMIHOSTING_ARGUMENTS, run_qemu
from codesign.firmware.machines.qemu_trace import LOG, TRACE_ARGUMENTS, read_trace
from codesign.testing.calls import ARENA, SAVED_PATTERN

_HEAD = struct.Struct("<I I 8I I II I 8I 8Q")  # struct call of runtime/port/calls/calls.c
_FILE = "calls.bin"
_TIMEOUT = 60.0
_EMPTY = 1  # what the server's empty function executes: its return


class QemuCalls:
    """`Calls` on the machine that QEMU has for the board. With `tracing` every call runs twice, for `blocks`."""

    def __init__(self, elf: Path, board: Board, *, tracing: bool = False) -> None:
        self._tracing = tracing
        self.blocks: tuple[BlockCount, ...] = ()
        self._path, self._board, self.elf = elf.resolve(), board, read_elf(elf)
        self.instructions = 0
        self.clear()

    def address(self, name: str) -> int:
        """Address of a symbol."""
        return self.elf.address(name)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the ELF's constants."""
        return next(data[at - base :][:size] for base, data in self.elf.load_images() if base <= at < base + len(data))

    def clear(self) -> None:
        """Forget all data."""
        self._memory = bytearray(_HEAD.size + 8)

    def put(self, data: npt.NDArray[np.generic] | bytes) -> int:
        """Copy `data`, an array in row-major order, into the arena; its address, a multiple of 8."""
        raw = data.tobytes() if isinstance(data, np.ndarray) else bytes(data)
        at = ARENA + len(self._memory)
        self._memory += raw + bytes(8 - len(raw) % 8)
        return at

    def get(self, at: int, dtype: npt.DTypeLike, count: int) -> npt.NDArray[np.generic]:
        """A copy of `count` elements of `dtype` at an address of the arena, (count,)."""
        return np.frombuffer(bytes(self._memory), dtype, count, at - ARENA).copy()

    def call(self, name: str | int, *arguments: int) -> int:
        """Call a function; its r0.

        Raises:
            ValidationError: it faulted, hung, or changed a register that it must preserve.
            ToolError: no QEMU.
        """
        function = self.address(name) if isinstance(name, str) else name
        padded = [a & 0xFFFFFFFF for a in arguments] + [0] * (8 - len(arguments))
        saved = (*SAVED_PATTERN, *SAVED_PATTERN)
        self._memory[: _HEAD.size] = _HEAD.pack(len(self._memory), function | 1, *padded, 0, 0, 0, 0, *saved)
        with tempfile.TemporaryDirectory(prefix="codesign-") as temporary:
            folder = Path(temporary)
            if self._tracing:
                self._run(name, folder, TRACE_ARGUMENTS)
                with (folder / LOG).open(encoding="utf-8", errors="replace") as log:
                    self.blocks = read_trace(log, self.elf, function, {}).blocks
            self._memory[:] = self._run(name, folder, ICOUNT_ARGUMENTS)
        values = _HEAD.unpack_from(self._memory)
        if values[14:] != saved:
            raise ValidationError(f"{name} in {self._path.name} does not preserve r4 to r11 and d8 to d15")
        ticks, empty = values[11], values[12]
        self.instructions = instructions(ticks, self._board) - instructions(empty, self._board) + _EMPTY
        return int(values[10])

    def _run(self, name: str | int, folder: Path, arguments: tuple[str, ...]) -> bytes:
        """Run the server on the memory as it is; the memory as it left it."""
        file = folder / _FILE
        file.write_bytes(self._memory)
        command = (*arguments, *SEMIHOSTING_ARGUMENTS, "-kernel", str(self._path))
        end = run_qemu(self._board, command, timeout_s=_TIMEOUT, folder=folder)
        if end.status != 0:
            state = "hung" if end.timed_out else f"ended with {end.status}"
            raise ValidationError(f"{name} in {self._path.name} {state}: {end.output[-200:]}")
        return file.read_bytes()
