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
from codesign.firmware.machines import bare_machine
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.size.size import size
from codesign.firmware.toolchain import build_bare
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
        machine = bare_machine(board)
        image = build_bare(network, board, Path(folder) / "image", compiler, semihosting=machine.name == "qemu")
        run = machine.run(image, pcm, RunOptions(counted_frames=pcm.size // hop))
        cost, measured = estimate(run, image), size(image)
        footprint, stack = measured.footprint, measured.stack
        own = f"{image.generated.identifier}_"
        generated = sum(s.size for s in footprint.symbols if s.name.startswith(own) and "flash" in s.regions)
    assert run.counts is not None
    assert stack is not None
    return Frame(
        *(network.name, board.name, board.core.cpu, compiler.name, network.macs, run.counts.worst),
        *(cost.worst_cycles, cost.worst_ms(board), cost.error, cost.source),
        flash=footprint.flash,
        runtime=footprint.flash - generated,
        ram=footprint.ram,
        stack=stack.bytes,
        stages=cost.stages,
    )
