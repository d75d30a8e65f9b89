# SPDX-License-Identifier: Apache-2.0
"""Tables that several commands print."""

from __future__ import annotations

from collections.abc import Sequence

from codesign.cli.console import cells, say, stderr, table
from codesign.compiler.reference.saturation import Saturation, together
from codesign.firmware.cost import StageCost
from codesign.firmware.cost.energy import Consumption
from codesign.firmware.size import BudgetCheck, Footprint, Group
from codesign.firmware.size.stack import StackReport
from codesign.proof import Delay, Latency, Verdict
from codesign.proof.judgement import quality_in_words, summarize_quality
from codesign.proof.verdict import CoreLoad, SlowerClock

_ROWS = 12  # largest symbols shown; --json has all


def print_footprint(footprint: Footprint, groups: Sequence[Group], budget: Sequence[BudgetCheck]) -> None:
    """Regions, groups, sections, largest symbols, budget."""
    _print_regions(footprint)
    _print_groups(groups)
    sections = table("Sections, bytes", "section", "size", "runs at", "stored at")
    for section in footprint.sections:
        load = "" if section.load is None else f"0x{section.load:08x}"
        sections.add_row(*cells(section.name, f"{section.size:,}", f"0x{section.run:08x}", load))
    stderr.print(sections)
    symbols = table(f"Largest of {len(footprint.symbols)} symbols, bytes", "symbol", "size", "in")
    for symbol in sorted(footprint.symbols, key=lambda s: -s.size)[:_ROWS]:
        symbols.add_row(*cells(symbol.name, f"{symbol.size:,}", " ".join(symbol.regions)))
    stderr.print(symbols)
    if footprint.outside:
        say(f"in no memory of the board: {', '.join(section.name for section in footprint.outside)}")
    for check in budget:
        say(f"{'ok  ' if check.ok else 'OVER'} {check.name} budget: {check.used:,} of {check.limit:,} bytes")


def print_stages(stages: Sequence[StageCost], error: float) -> None:
    """Instructions and cycles per stage of the worst frame."""
    rows = table(
        f"Worst frame of each stage: instructions exact, cycles estimated ±{100 * error:.0f} %",
        *("stage", "MACs", "instr.", "instr/MAC", "cycles", "flash waits", "share %"),
    )
    for stage in stages:
        per_mac = f"{stage.instructions / stage.macs:.3f}" if stage.macs else ""
        macs, stalls = (f"{value:,.0f}" if value else "" for value in (stage.macs, stage.stalls))
        figures = (f"{stage.instructions:,}", per_mac, f"{stage.cycles:,.0f}", stalls, f"{100 * stage.share:.1f}")
        rows.add_row(*cells(stage.name, macs, *figures))
    stderr.print(rows)


def print_verdict(verdict: Verdict) -> None:
    """Everything that a proof found, the answer last."""
    if verdict.latency is not None:
        if verdict.stages:
            print_stages(verdict.stages, verdict.latency.error)
        _print_latency(verdict.latency)
    if verdict.load is not None:
        _print_load(verdict.load)
    if verdict.energy is not None:
        print_energy(verdict.energy)
    for clock in verdict.slower_clocks:
        _print_clock(clock)
    if verdict.delay is not None:
        _print_delay(verdict.delay)
    if verdict.footprint is not None:
        _print_regions(verdict.footprint)
        _print_groups(verdict.groups)
    print_answer(verdict)


def print_answer(verdict: Verdict) -> None:
    """Quality, checks and the answer: what a person reads who has the rest in a report."""
    if verdict.quality:
        rows = table("Quality", "recording", "SI-SDR dB", "enhanced", "better by", "ESTOI", "enhanced")
        for q in verdict.quality:
            sdr = (q.si_sdr_noisy, q.si_sdr_enhanced, q.si_sdr_improvement)
            estoi = (q.estoi_noisy, q.estoi_enhanced)
            rows.add_row(*cells(q.recording, *(f"{v:.1f}" for v in sdr), *(f"{v:.2f}" for v in estoi)))
        stderr.print(rows)
    checks = table(f"{verdict.model} on {verdict.board} ({verdict.emulator})", "check", "", "found")
    checks.columns[1].justify = checks.columns[2].justify = "left"
    for check in verdict.checks:
        checks.add_row(*cells(check.name, "ok" if check.ok else "FAILED", check.detail))
    stderr.print(checks)
    for saturation in _notable(verdict):
        say(str(saturation))
    failed = [check.name for check in verdict.checks if not check.ok]
    if failed:
        say(f"NOT PROVEN: {', '.join(failed)}")
    else:
        say(
            f"PROVEN: the firmware's output equals the reference bit for bit over {verdict.seconds_of_audio:.0f} s of audio, "
            "within budget"
        )
    quality = summarize_quality(verdict.quality)
    if quality is not None and quality.worse:
        say(quality_in_words(quality))


def _notable(verdict: Verdict) -> list[Saturation]:
    """Of the recordings together; without any, of the proof signal, whose extremes mean to go beyond every range."""
    proof, recordings = verdict.saturation[:1], verdict.saturation[1:]
    shown = [together(f"{len(recordings)} recordings", recordings)] if len(recordings) > 1 else list(recordings or proof)
    return [saturation for saturation in shown if saturation.any()]


def _print_latency(latency: Latency) -> None:
    if latency.network_instructions is not None:
        say(f"network step {latency.network_instructions:,} instructions, {latency.instructions_per_mac:.3f} per MAC")
    say(
        f"frame worst {latency.worst_instructions:,} instructions, mean {latency.mean_instructions:,.0f} "
        f"({latency.counted_frames} counted)"
    )
    say(
        f"estimated at {latency.clock_hz / 1e6:g} MHz: worst frame {latency.worst_ms:.2f} ms, mean {latency.mean_ms:.2f} ms "
        f"±{100 * latency.error:.0f} % of {latency.deadline_ms:g} ms"
    )


def print_energy(energy: Consumption) -> None:
    """Mean current, energy of a frame, hours on each cell."""
    frame = f"{energy.frame_uj:.1f} µJ a frame, {energy.running_uj:.1f} of it running {100 * energy.busy:.0f} % of the time"
    say(f"supply estimated: {energy.milliamps:.2f} mA at {energy.volts:g} V, {frame}, ±{100 * energy.error:.0f} %")
    on = (f"{cell.title} {cell.hours:.0f} ({cell.least:.0f} to {cell.most:.0f})" for cell in energy.hours)
    say(f"hours on a cell: {', '.join(on)}")


def _print_load(load: CoreLoad) -> None:
    executed = f"{100 * load.executed:.1f} % of the time ({100 * load.enhancer:.1f} % the enhancer) at an instruction a cycle"
    estimated = f"estimated {100 * load.estimated:.1f} % ±{100 * load.error:.0f} %"
    say(f"core executes {executed}, {estimated}, asleep {100 * max(1.0 - load.estimated, 0.0):.1f} %")


def _print_clock(clock: SlowerClock) -> None:
    would = "would hold" if clock.holds else "would not hold"
    saved = (
        "" if clock.saves_at_most_ma is None or not clock.holds else f", saves at most {clock.saves_at_most_ma:.2f} mA of sleep"
    )
    say(f"at {clock.hz / 1e6:g} MHz the worst frame takes {clock.worst_ms:.2f} ms: {would} {clock.limit_ms:g} ms{saved}")


def _print_delay(delay: Delay) -> None:
    buffers = "" if delay.streamed else ", the application's defaults"
    say(
        f"delay from input to output {delay.total_ms:g} ms, {delay.total} samples{' (measured)' if delay.measured else ''}: "
        f"algorithmic {delay.algorithmic_ms:g} ms, buffers {delay.buffers_ms:g} ms{buffers}"
    )


def _print_regions(footprint: Footprint) -> None:
    regions = table("Memory, bytes", "region", "used", "of", "%", "free")
    for r in footprint.regions:
        regions.add_row(*cells(r.name, f"{r.used:,}", f"{r.usable:,}", f"{r.percent:.1f}", f"{r.free:,}"))
    stderr.print(regions)


def _print_groups(groups: Sequence[Group]) -> None:
    rows = table("What takes it, bytes", "part", "flash", "RAM")
    for group in groups:
        rows.add_row(*cells(group.label, f"{group.flash:,}", f"{group.ram:,}"))
    stderr.print(rows)


def print_stack(stack: StackReport) -> None:
    """Worst-case stack and the path to it."""
    if stack.unbounded:
        say(f"stack of {stack.entry}: no bound, {stack.unbounded}")
        return
    path = " > ".join(f"{name} {size}" for name, size in stack.path)
    say(f"stack of {stack.entry}: at most {stack.bytes:,} bytes ({path})")
    if stack.assumption:
        say(f"assuming {stack.assumption}")
