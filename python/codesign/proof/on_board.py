# SPDX-License-Identifier: Apache-2.0
"""The part of a proof that depends on how the board is emulated: build the image, run it, what its run must show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.progress import Progress
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.cost import CostReport, StageCost, average, estimate
from codesign.firmware.machines import LayerCost, Run, emulate_unicorn
from codesign.firmware.machines.firmware import FirmwareRun
from codesign.firmware.machines.renode import run_in_renode
from codesign.firmware.machines.zephyr_files import run_in_qemu, run_native
from codesign.firmware.size.stack import StackReport, worst_stack
from codesign.firmware.toolchain import Image, build_bare, build_zephyr
from codesign.proof.equality import equal, same_pcm
from codesign.proof.verdict import Check, Latency

COUNTED_SECONDS = 20.0
"""The proof signal starts with the extreme signals; instructions are counted over them and some speech."""

STACK_HEADROOM = 0.25
"""Share of every thread's stack that must stay free."""

COUNTER_SLACK = 32
"""Instructions between the firmware's reading of its counter and the emulator's, and what an exception in between costs."""

"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class OnBoard:
    """The image and what its run showed.

    latency is None where the emulator does not count instructions; run, with features, masks and the cost of every counted
    frame, where it shows no more than PCM; stack, the bound of the call graph, and stack_used, bytes, where nothing found them.
    """

    emulator: str
    image: Image
    pcm: npt.NDArray[np.int16]
    equality: Check
    checks: tuple[Check, ...]
    latency: Latency | None = None
    layers: tuple[LayerCost, ...] = ()
    run: Run | None = None
    stack: StackReport | None = None
    stack_used: int | None = None
    stages: tuple[StageCost, ...] = ()


def bare_in_unicorn(
    network: Network, board: Board, folder: Path, pcm: npt.NDArray[np.int16], host: Run, progress: Progress
) -> OnBoard:
    """The bare image under Unicorn: PCM, features and mask of every frame, instructions per layer."""
    progress("build for the board", 0, 0)
    image = build_bare(network, board, folder / "bare")
    config = network.frontend
    run = emulate_unicorn(
        image,
        board,
        pcm,
        counted_frames=min(int(COUNTED_SECONDS * config.sample_rate), pcm.size) // config.hop,
        progress=lambda done, total: progress(f"{board.core.cpu} image in Unicorn", done, total),
    )
    assert run.instructions is not None, "some frames are counted"
    stages = {layer.name for layer in network.schedule}
    step = sum(layer.worst for layer in run.layers if layer.name in stages)
    stack = worst_stack(image.path, image.symbols.entry, image.stack_usage, image.symbols.pointer_calls)
    cost = estimate(run, image, board)
    latency = _latency(network, board, int(run.instructions.max()), float(run.instructions.mean()), len(run.instructions), cost)
    return OnBoard(
        emulator="unicorn",
        image=image,
        pcm=run.pcm,
        equality=equal(run, host),
        checks=(_stack_bound(stack, board, run),),
        latency=replace(latency, network_instructions=step),
        layers=run.layers,
        run=run,
        stack=stack,
        stack_used=run.stack_bytes,
        stages=cost.stages,
    )


def zephyr_on_files(
    network: Network, board: Board, folder: Path, pcm: npt.NDArray[np.int16], host: Run, progress: Progress
) -> OnBoard:
    """The Zephyr image under QEMU or natively: PCM of every block, what the firmware's monitor counted, its stacks."""
    image = build_zephyr(network, board, folder / "zephyr", progress=progress)
    native = board.native
    progress("native Zephyr image" if native else f"{board.core.cpu} Zephyr image in QEMU", 0, 0)
    run = run_native(image, pcm) if native else run_in_qemu(image, board, pcm)
    latency = None
    if run.instructions_per_cycle:
        cost = average(run.worst_instructions, run.mean_instructions, network.macs, board)
        latency = _latency(network, board, run.worst_instructions, run.mean_instructions, run.frames, cost)
    return OnBoard(
        emulator="native" if native else "qemu",
        image=image,
        pcm=run.pcm,
        equality=same_pcm(run.runtime, run.pcm, host),
        checks=tuple(_firmware_checks(run)),
        latency=latency,
    )


def zephyr_in_renode(
    network: Network, board: Board, folder: Path, pcm: npt.NDArray[np.int16], host: Run, progress: Progress
) -> OnBoard:
    """The image that is flashed, in Renode: PCM through its I2S, executed instructions of every frame."""
    image = build_zephyr(network, board, folder / "zephyr", progress=progress)
    what = f"{board.core.cpu} Zephyr image in Renode"
    run = run_in_renode(image, board, pcm, folder=folder / "renode", progress=lambda done, total: progress(what, done, total))
    cost = average(run.worst_instructions, run.mean_instructions, network.macs, board)
    latency = _latency(network, board, run.worst_instructions, run.mean_instructions, run.frames, cost)
    return OnBoard(
        emulator="renode",
        image=image,
        pcm=run.pcm,
        equality=same_pcm(run.runtime, run.pcm, host),
        checks=(*_firmware_checks(run), _counter_agrees(run, board), _all_mapped(run)),
        latency=replace(latency, worst_frame=run.worst_frame),
    )


def _counter_agrees(run: FirmwareRun, board: Board) -> Check:
    """Virtual time is instructions at the core's clock: the firmware's cycle counter must show what the emulator executed."""
    name = "cycle counter = executed instructions"
    if run.frame_instructions is None or run.counted_cycles is None or not run.frame_instructions.size:
        return Check(name, False, "the image never processed a frame")
    apart = int(np.abs(run.counted_cycles - run.frame_instructions).max())
    clock = run.ready.number("hz")
    detail = f"at most {apart} apart in {run.frame_instructions.size:,} frames, {clock / 1e6:g} MHz"
    return Check(name, apart <= COUNTER_SLACK and clock == board.core.clock_hz, detail)


def _all_mapped(run: FirmwareRun) -> Check:
    first = f"{len(run.warnings)} accesses to nothing, the first: {run.warnings[0]}" if run.warnings else "no access to nothing"
    return Check("platform complete", not run.warnings, first)


def _latency(network: Network, board: Board, worst: int, mean: float, frames: int, cost: CostReport) -> Latency:
    return Latency(
        worst_instructions=worst,
        mean_instructions=mean,
        counted_frames=frames,
        clock_hz=board.core.clock_hz,
        worst_cycles=cost.worst_cycles,
        mean_cycles=cost.mean_cycles,
        error=cost.error,
        source=cost.source,
        hop_ms=network.frontend.hop_ms,
        algorithmic_ms=network.frontend.algorithmic_latency_ms,
        network_instructions=None,
        macs=network.macs,
        cycles_per_instruction=cost.cycles_per_instruction,
    )


def _stack_bound(report: StackReport, board: Board, run: Run) -> Check:
    measured = f"{run.stack_bytes:,} bytes used in the emulator"
    if report.unbounded or report.assumption:
        return Check("stack budget", False, f"{report.unbounded or report.assumption}; {measured}")
    ok = report.bytes <= board.budget.stack and (run.stack_bytes or 0) <= report.bytes
    return Check("stack budget", ok, f"at most {report.bytes:,} of {board.budget.stack:,} bytes; {measured}")


def _firmware_checks(run: FirmwareRun) -> list[Check]:
    counted = f"{run.stats.number('captured'):,} blocks captured"
    faults = ", ".join(f"{count} {name}" for name, count in run.faults.items()) or "none late, lost or unplayed"
    checks = [Check("every block accounted for", run.accounted and not run.faults, f"{counted}, {faults}")]
    if run.stacks:
        tightest = min(run.stacks, key=lambda stack: stack.headroom)
        detail = f"tightest {tightest.thread}: {tightest.used:,} of {tightest.size:,} bytes used"
        checks.append(Check("stack headroom", tightest.headroom >= STACK_HEADROOM, detail))
    if run.instructions_per_cycle:
        around = run.mean_instructions_around
        share = around / max(1, run.worst_instructions)
        detail = f"{around:,.0f} instructions a hop around the enhancer, {100 * share:.1f} % of its worst frame"
        checks.append(Check("RTOS overhead", share <= 0.03, detail))
    return checks
