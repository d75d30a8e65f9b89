# SPDX-License-Identifier: Apache-2.0
"""Whole frames of a model on every board: instructions, estimated time, flash, RAM and stack of the very image."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from codesign.compiler.frontend import whole_hops
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.cost import StageCost, estimate
from codesign.firmware.machines import build_for_emulation, emulate_bare
from codesign.firmware.size import measure as footprint_of
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.toolchain.compilers import ArmCompiler
from codesign.proof.signals import proof_signal

SECONDS = 4


@dataclass(frozen=True)
class Frame:
    """The worst of all frames. Instructions are exact, cycles and ms estimates; sizes in bytes; runtime is
    flash without what is generated from the model.
    """

    model: str
    board: str
    core: str
    compiler: str
    macs: int
    instructions: int
    cycles: float
    ms: float
    error: float
    timing: str
    flash: int
    runtime: int
    ram: int
    stack: int
    stages: tuple[StageCost, ...]


def frame(network: Network, board: Board, compiler: ArmCompiler, seconds: float = SECONDS) -> Frame:
    """Build and run `network` on `board` over the first `seconds` of extreme signals.

    Raises:
        CodesignError: a tool is missing, or the image does not build or run.
    """
    hop, rate = network.frontend.hop, network.frontend.sample_rate
    pcm = whole_hops(proof_signal([], rate, 1.0)[: round(seconds * rate)], hop)
    with tempfile.TemporaryDirectory(prefix="codesign-bench-") as folder:
        image = build_for_emulation(network, board, Path(folder) / "image", compiler=compiler)
        run = emulate_bare(image, board, pcm, counted_frames=pcm.size // hop)
        cost = estimate(run, image, board)
        footprint = footprint_of(image.path, board)
        own = f"{image.generated.identifier}_"
        generated = sum(s.size for s in footprint.symbols if s.name.startswith(own) and "flash" in s.regions)
        stack = worst_stack(image.path, image.symbols.entry, image.stack_usage, image.symbols.pointer_calls)
    assert run.instructions is not None
    return Frame(
        *(network.name, board.name, board.core.cpu, compiler.name, network.macs, int(run.instructions.max())),
        *(cost.worst_cycles, cost.worst_ms(board), cost.error, cost.source),
        flash=footprint.flash,
        runtime=footprint.flash - generated,
        ram=footprint.ram,
        stack=stack.bytes,
        stages=cost.stages,
    )
