# SPDX-License-Identifier: Apache-2.0
"""The front end on cores without an FPU: in fixed point, and in floats that a library computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from network import frame
from section import Section
from tiny import tiny_network

from codesign.base.errors import ToolError
from codesign.compiler.frontend import Arithmetic, Chain
from codesign.firmware.boards import Board, Core, load_board
from codesign.firmware.toolchain.compilers import ArmCompiler, find_arm_compiler

SHAPES = (Chain(), Chain(n_fft=128, window=128, hop=64, n_mels=40))
SECONDS = 1.0
_STAGES = ("analysis", "features", "mask", "synthesis")
_TEXT = (
    "These run the front end in 32-bit integers (docs/numerics.md, Q31 front end). `float32` is the other front end on "
    "the same core, its floats computed by the compiler's library. Worst frame of extreme signals, without flash waits; "
    "the Cortex-M0+ is taken to have the multiplier of one cycle."
)


@dataclass(frozen=True)
class NoFpuCost:
    """Worst instructions of each stage of one frame, their sum, and estimated cycles."""

    core: str
    arithmetic: Arithmetic
    compiler: str
    n_fft: int
    hop: int
    n_mels: int
    instructions: int
    cycles: float
    stages: dict[str, int]


def cores_without_fpu() -> tuple[Board, ...]:
    """A Cortex-M3, and the same board with a Cortex-M0+."""
    card = load_board("mps2_an385")
    return card, card.model_copy(update={"core": Core(cpu="cortex-m0plus", clock_hz=card.core.clock_hz)})


def no_fpu(skipped: list[str]) -> Iterator[NoFpuCost]:
    """Both arithmetics by gcc, which has a float library for these cores; without it only fixed point, by what there is.

    Raises:
        CodesignError: no compiler, or an image does not build or run.
    """
    arithmetics: tuple[Arithmetic, ...] = ("q31", "float32")
    try:
        compiler = find_arm_compiler("arm-none-eabi-gcc")
    except ToolError as error:
        skipped.append(f"floats without an FPU: {error}; ziglang has no library for them")
        compiler, arithmetics = find_arm_compiler("ziglang"), ("q31",)
    for board in cores_without_fpu():
        for shape in SHAPES:
            for arithmetic in arithmetics:
                yield _cost(board.with_front_end(arithmetic), compiler, shape)


def no_fpu_section(costs: Sequence[NoFpuCost]) -> Section:
    """The report's."""
    head = ("core", "front end", "window / hop / bands", *_STAGES, "instructions", "est. cycles", "times fewer instructions")
    floats = {(c.core, c.n_fft): c.instructions for c in costs if c.arithmetic == "float32"}
    rows = []
    for c in costs:
        times = floats.get((c.core, c.n_fft), 0) / c.instructions
        fewer = f"{times:.1f}" if c.arithmetic == "q31" and times else ""
        counts = (f"{c.stages[name]:,}" for name in _STAGES)
        shape = f"{c.n_fft} / {c.hop} / {c.n_mels}"
        rows.append((c.core, c.arithmetic, shape, *counts, f"{c.instructions:,}", f"{c.cycles:,.0f}", fewer))
    return Section("Front end on cores without an FPU", _TEXT, head, rows, left=3)


def _cost(board: Board, compiler: ArmCompiler, shape: Chain) -> NoFpuCost:
    measured = frame(tiny_network(shape), board, compiler, SECONDS)
    stages = {stage.name: stage for stage in measured.stages if stage.name in _STAGES}
    return NoFpuCost(
        *(board.core.cpu, board.front_end, compiler.name, shape.n_fft, shape.hop, shape.n_mels),
        instructions=sum(stage.instructions for stage in stages.values()),
        cycles=sum(stage.cycles for stage in stages.values()),
        stages={name: stage.instructions for name, stage in stages.items()},
    )
