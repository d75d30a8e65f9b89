# SPDX-License-Identifier: Apache-2.0
"""What a run must show beside the right bits, and what a frame costs: from whatever the machine tells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from codesign.firmware.boards import Board
from codesign.firmware.cost import CostReport, estimate
from codesign.firmware.cost.energy import Consumption, consumption
from codesign.firmware.image import Image
from codesign.firmware.machines.console_report import ConsoleReport
from codesign.firmware.machines.qemu import IN_QEMU
from codesign.firmware.machines.qemu_replay import replay_in_qemu
from codesign.firmware.machines.replay import replay
from codesign.firmware.machines.run import Counts, Measured, Run
from codesign.firmware.size.size import Size
from codesign.firmware.size.stack import StackReport
from codesign.proof.verdict import Check, CoreLoad, Latency

STACK_HEADROOM = 0.25
"""Share of every thread's stack that must stay free."""

COUNTER_SLACK = 32
"""Instructions between the firmware's reading of its counter and the emulator's, and what an exception in between costs."""

COUNTER_BEHIND = 0.01
"""Share of the frames in which the counter may be further off: where a quantum of Renode's time ends, the core can be ahead of
it. Eight frames in 15,330 were seen."""

RATE_ERROR = 0.01
"""How far from the model's sample rate an I2S may be: app/Kconfig's default."""


def budget_checks(size: Size | None) -> list[Check]:
    """Every limit of the board's memories."""
    budget = size.budget if size else ()
    return [Check(f"{limit.name} budget", limit.ok, f"{limit.used:,} of {limit.limit:,} bytes") for limit in budget]


def run_checks(run: Run, image: Image, size: Size | None) -> list[Check]:
    """Stacks, blocks, overhead, counters, rate and platform, each where the machine shows it."""
    checks, board, counts = [], image.board, run.counts
    if run.stack_bytes is not None and size is not None and size.stack is not None:
        checks.append(_stack_bound(size.stack, board, run.stack_bytes))
    if run.console is not None:
        checks += _application_checks(run.console)
    if counts is not None and counts.outside is not None:
        checks += _overhead_checks(run, counts, counts.outside, image)
    if run.console is not None and counts is not None and counts.by_firmware is not None:
        checks.append(_counter_agrees(counts, run.console, board))
    if run.console is not None and run.console.true_rate:
        checks.append(_true_rate(run.console.true_rate, image.network.frontend.ends.rate))
    if run.unmapped is not None:
        checks.append(_all_mapped(run.unmapped))
    if run.measured is not None:
        checks.append(_measured_frame(run.measured, image))
    return checks


def latency_check(latency: Latency, board: Board) -> Check:
    """Whether the estimate of the worst frame, with its error, is within the budget and the hop."""
    limit = min(board.budget.worst_frame_ms, latency.deadline_ms)
    upper = latency.worst_ms * (1 + latency.error)
    frame = "" if latency.worst_frame is None else f"frame {latency.worst_frame}: "
    cost = f"{latency.worst_instructions:,} instructions, {latency.worst_ms:.2f} ms ±{100 * latency.error:.0f} % (estimate)"
    detail = f"{frame}{cost}, limit {limit:g} ms"
    return Check("worst frame", upper <= limit, detail)


def block_check(run: Run, latency: Latency, image: Image) -> Check | None:
    """Whether the filter path's audio thread, by the estimate with its error, does its worst block within a block's time; None
    where no machine tells in instructions.
    """
    chain, told = image.network.frontend, run.console.stats.fields.get("block_worst") if run.console else None
    if not chain.filters or run.counts is None or run.counts.by_firmware is None or not isinstance(told, int):
        return None
    ms = 1000.0 * told * latency.worst_cycles / latency.worst_instructions / latency.clock_hz
    limit = 1000.0 * (run.block_samples or chain.ends.block) / chain.ends.rate
    cost = f"{told:,} instructions of filter, copies and driver, {ms:.3f} ms ±{100 * latency.error:.0f} % (estimate)"
    return Check("worst block", ms * (1 + latency.error) <= limit, f"{cost}, limit {limit:g} ms")


def cost_of(run: Run, image: Image, pcm: npt.NDArray[np.int16] | None = None) -> CostReport | None:
    """The estimate of a frame's cycles, None where nothing counted instructions. With the int16 PCM of the run, (hops · hop,),
    the worst frame is executed again where its blocks are not known; QEMU, which does not tell which one it was, executes the
    first frames again.
    """
    counts = run.counts
    if counts is None:
        return None
    if pcm is None or counts.blocks:
        return estimate(run, image)
    if counts.worst_frame is not None:
        return estimate(run, image, replay(image, pcm, counts.worst_frame))
    return estimate(run, image, replay_in_qemu(image, pcm) if run.machine == IN_QEMU else None)


def latency_of(counts: Counts, cost: CostReport, image: Image) -> Latency:
    """Cost and delay of a frame."""
    network, layers = image.network, {layer.name for layer in image.network.schedule}
    return Latency(
        worst_instructions=counts.worst,
        mean_instructions=counts.mean,
        counted_frames=counts.frames,
        clock_hz=image.board.core.clock_hz,
        worst_cycles=cost.worst_cycles,
        mean_cycles=cost.mean_cycles,
        error=cost.error,
        source=cost.source,
        hop_ms=network.frontend.hop_ms,
        deadline_ms=network.frontend.deadline_ms,
        algorithmic_ms=network.frontend.algorithmic_latency_ms,
        network_instructions=sum(row.worst for row in counts.layers if row.name in layers) if counts.layers else None,
        macs=network.macs,
        worst_frame=counts.worst_frame,
        cycles_per_instruction=cost.cycles_per_instruction,
    )


def load_of(counts: Counts, latency: Latency, image: Image) -> CoreLoad | None:
    """How much of the time the core executes, None where the machine's time does not pass while it sleeps."""
    if counts.executing is None:
        return None
    timing, hop_cycles = image.board.timing, latency.clock_hz * latency.hop_ms / 1000.0
    enhancer, frames = counts.mean / hop_cycles, latency.mean_cycles / hop_cycles
    beside = max(counts.executing - enhancer, 0.0) * timing.cycles_per_instruction
    error = (frames * latency.error + beside * timing.error) / (frames + beside)
    return CoreLoad(counts.executing, enhancer, frames + beside, error)


def energy_of(latency: Latency, board: Board, load: CoreLoad | None = None) -> Consumption | None:
    """What the board takes from its supply with these frames, and where the load is known with the kernel and the drivers
    around them; None where its card has no currents.
    """
    if load is None:
        return consumption(board, latency.mean_cycles, latency.hop_ms, latency.error)
    return consumption(board, load.estimated * latency.clock_hz * latency.hop_ms / 1000.0, latency.hop_ms, load.error)


def _stack_bound(report: StackReport, board: Board, used: int) -> Check:
    measured = f"{used:,} bytes used in the emulator"
    if report.unbounded or report.assumption:
        return Check("stack budget", False, f"{report.unbounded or report.assumption}; {measured}")
    ok = report.bytes <= board.budget.stack and used <= report.bytes
    return Check("stack budget", ok, f"at most {report.bytes:,} of {board.budget.stack:,} bytes; {measured}")


def _application_checks(report: ConsoleReport) -> list[Check]:
    counted = f"{report.stats.number('captured'):,} blocks captured"
    faults = ", ".join(f"{count} {name}" for name, count in report.faults.items()) or "none late, lost or unplayed"
    checks = [Check("every block accounted for", report.accounted and not report.faults, f"{counted}, {faults}")]
    if report.stacks:
        tightest = min(report.stacks, key=lambda stack: stack.headroom)
        detail = f"tightest {tightest.thread}: {tightest.used:,} of {tightest.size:,} bytes used"
        checks.append(Check("stack headroom", tightest.headroom >= STACK_HEADROOM, detail))
    return checks


def _overhead_checks(run: Run, counts: Counts, outside: float, image: Image) -> Iterator[Check]:
    """What kernel, drivers and copies take of the time that a hop has; in cycles, by the card's estimate.

    In the filter path the sound is made block by block: a frame is interrupted by the blocks that come while it lasts, the
    others and what is around them are outside. What is around one of those is around each.
    """
    board, chain = image.board, image.network.frontend
    ends = chain.ends
    if not chain.filters:
        yield _overhead(outside, image, board.budget.overhead, "the enhancer")
    elif run.primed_samples is not None and counts.blocks_outside and counts.made_outside is not None:
        blocks = ends.frames // (run.block_samples or ends.block)
        beside = max(outside - counts.made_outside, 0.0) * blocks / counts.blocks_outside
        what = f"the enhancer and the filter of {blocks} blocks of {ends.frames // blocks}"
        yield _overhead(beside, image, board.budget.block_overhead, what)


def _overhead(outside: float, image: Image, limit: float, beside: str) -> Check:
    board, hop_ms = image.board, image.network.frontend.hop_ms
    share = outside * board.timing.cycles_per_instruction / (board.core.clock_hz * hop_ms / 1e3)
    said = f"{outside:,.0f} instructions a hop outside {beside}, {100 * share:.1f} % of its {hop_ms:g} ms"
    return Check("RTOS overhead", share <= limit, f"{said} (estimate), limit {100 * limit:g} %")


def _true_rate(made: float, wanted: int) -> Check:
    error = made / wanted - 1
    return Check("sample rate", abs(error) <= RATE_ERROR, f"{made:,.2f} Hz for {wanted:,} Hz, {100 * error:+.2f} %")


def _counter_agrees(counts: Counts, report: ConsoleReport, board: Board) -> Check:
    """Virtual time is instructions at the core's clock: the firmware's cycle counter must show what the emulator executed."""
    name = "cycle counter = executed instructions"
    if counts.per_frame is None or counts.by_firmware is None or not counts.per_frame.size:
        return Check(name, False, "the image never processed a frame")
    apart = np.abs(counts.by_firmware - counts.per_frame)
    far = apart > COUNTER_SLACK
    clock = report.ready.number("hz")
    detail = f"at most {apart[~far].max(initial=0)} apart in {apart.size:,} frames, {clock / 1e6:g} MHz"
    if far.any():
        detail += f"; {far.sum():,} of them up to {apart.max():,} apart, limit {100 * COUNTER_BEHIND:g} % of them"
    return Check(name, bool(far.mean() <= COUNTER_BEHIND) and clock == board.core.clock_hz, detail)


def _measured_frame(measured: Measured, image: Image) -> Check:
    """The worst frame as the core's own counter had it: no estimate, so without an error."""
    board, chain = image.board, image.network.frontend
    worst = int(measured.cycles.argmax())
    cycles = int(measured.cycles[worst])
    ms, limit = 1000.0 * cycles / measured.hz, min(board.budget.worst_frame_ms, chain.deadline_ms)
    said = f"frame {worst}: {cycles:,} cycles of {measured.source} at {measured.hz / 1e6:g} MHz, {ms:.2f} ms (measured)"
    if measured.source == "dwt" and measured.hz != board.core.clock_hz:
        return Check("worst frame", False, f"{said}, but the card's clock is {board.core.clock_hz / 1e6:g} MHz")
    resent = f"; {measured.resent} frames of the line sent again" if measured.resent else ""
    return Check("worst frame", cycles > 0 and ms <= limit, f"{said}, limit {limit:g} ms{resent}")


def _all_mapped(unmapped: tuple[str, ...]) -> Check:
    first = f"{len(unmapped)} accesses to nothing, the first: {unmapped[0]}" if unmapped else "no access to nothing"
    return Check("platform complete", not unmapped, first)
