# SPDX-License-Identifier: Apache-2.0
"""Do weights of 4 bits pay? CMSIS-NN has both widths: their difference is what unpacking costs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from subjects import cmsis_nn, peer_fully_connected

from codesign.firmware.boards import Board
from codesign.firmware.cost import cycles_of_blocks
from codesign.firmware.toolchain.compilers import ArmCompiler
from codesign.testing.calls import build_calls
from codesign.testing.open_calls import open_calls

SHAPES = ((256, 256), (136, 136))


@dataclass(frozen=True)
class WidthCost:
    """A fully connected layer of CMSIS-NN: per MAC, executed instructions and estimated cycles without flash waits."""

    core: str
    compiler: str
    bits: int
    inputs: int
    outputs: int
    instructions_per_mac: float
    cycles_per_mac: float


def widths(board: Board, compiler: ArmCompiler, checkout: Path) -> list[WidthCost]:
    """Both widths of all shapes on a board that Unicorn has."""
    subject = cmsis_nn(checkout, four_bit=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as folder:
        elf = build_calls(subject.sources(board), subject.flags, board, compiler, Path(folder), keep=subject.keep(board))
        calls = open_calls(elf, board, tracing=True)
        for inputs, outputs in SHAPES:
            for bits in (8, 4):
                calls.clear()
                function, arguments, _ = peer_fully_connected(calls, board, inputs, outputs)
                calls.call(function + ("_s4" if bits == 4 else ""), *arguments)
                cycles = sum(cycles_of_blocks(calls.blocks, elf, board).values())
                costs = (calls.instructions / (inputs * outputs), cycles / (inputs * outputs))
                found.append(WidthCost(board.core.cpu, compiler.name, bits, inputs, outputs, *costs))
    return found
