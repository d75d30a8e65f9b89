# SPDX-License-Identifier: Apache-2.0
"""Build a subject for a board and measure its layers on the emulator that has the core."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from subjects import Subject

from codesign.firmware.boards import Board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.elf import read_elf
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, ArmCompiler
from codesign.testing.calls import Calls, build_calls
from codesign.testing.open_calls import open_calls
from codesign.testing.unicorn_calls import UnicornCalls

LSTM_SHAPES = ((128, 256), (256, 256), (128, 136), (96, 112), (112, 112))
FULLY_CONNECTED_SHAPES = ((256, 256), (136, 136))
_PAINT = 0xA7
_STACK = 4096


@dataclass(frozen=True)
class Measurement:
    """One layer once. `cycles` is an estimate; `stack` None where the emulator does not tell. Sizes in bytes:
    flash is code and tables of both layers without weights, `scratch` the memory beside states, input and output.
    """

    subject: str
    board: str
    core: str
    compiler: str
    layer: str
    inputs: int
    outputs: int
    macs: int
    instructions: int
    cycles: float
    flash: int
    scratch: int
    stack: int | None

    @property
    def per_mac(self) -> float:
        """Executed instructions per multiply-accumulate, everything included."""
        return self.instructions / self.macs


def measure(subject: Subject, board: Board, compiler: ArmCompiler) -> Iterator[Measurement]:
    """All shapes of a subject on a board.

    Raises:
        ToolError, BuildError: a compiler or emulator is missing, or the subject does not build.
    """
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as name:
        folder, empty = Path(name, "subject"), Path(name, "empty")
        folder.mkdir()
        empty.mkdir()
        elf = build_calls(subject.sources(board), subject.flags, board, compiler, folder, keep=subject.keep(board))
        server = build_calls([], COMMON_FLAGS, board, compiler, empty, keep=("main",))
        flash = _loaded(elf) - _loaded(server)
        calls = open_calls(elf, board, tracing=True)
        for kind, prepare, shapes in (
            ("LSTM", subject.lstm, LSTM_SHAPES),
            ("FC", subject.fully_connected, FULLY_CONNECTED_SHAPES),
        ):
            for inputs, outputs in shapes:
                calls.clear()
                function, arguments, scratch = prepare(calls, board, inputs, outputs)
                stack = _call(calls, function, arguments)
                macs = 4 * outputs * (inputs + outputs) if kind == "LSTM" else inputs * outputs
                cycles = _cycles(calls, elf, board)
                found = (macs, calls.instructions, cycles, flash, scratch, stack)
                yield Measurement(subject.name, board.name, board.core.cpu, compiler.name, kind, inputs, outputs, *found)


def _call(calls: Calls, function: str, arguments: Sequence[int]) -> int | None:
    """Call it; the bytes of stack that it wrote to."""
    if not isinstance(calls, UnicornCalls):
        calls.call(function, *arguments)
        return None
    bottom = calls.stack_top - _STACK
    calls.engine.mem_write(bottom, bytes([_PAINT]) * _STACK)
    calls.call(function, *arguments)
    return len(calls.read(bottom, _STACK).lstrip(bytes([_PAINT])))


def _cycles(calls: Calls, elf: Path, board: Board) -> float:
    return sum(cycles_of_blocks(calls.blocks, elf, board).values())


def _loaded(elf: Path) -> int:
    return sum(len(data) for _, data in read_elf(elf).load_images())
