# SPDX-License-Identifier: Apache-2.0
"""A proof → its report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from codesign.compiler.frontend.describe import describe
from codesign.compiler.plan import MemoryPlan
from codesign.firmware.size import Footprint, Group
from codesign.proof import Quality
from codesign.proof.aid import AidFigures
from codesign.proof.judgement import summarize_quality
from codesign.proof.proof import Proof
from codesign.proof.recordings import Recording
from codesign.proof.report import content as c
from codesign.proof.report.metrics import verdict_metrics
from codesign.proof.report.provenance import provenance
from codesign.proof.report.trace import trace_of


def assemble(
    proof: Proof, recordings: Sequence[Recording], commands: Sequence[str] = (), aid: AidFigures | None = None
) -> c.Report:
    """The report of a proof; `commands` are what the reader types to get it again, `aid` what was measured of the image."""
    verdict, board, image = proof.verdict, proof.board, proof.image
    network, config, latency = image.network, image.network.frontend, verdict.latency
    cost = _cost(proof)
    return c.Report(
        schema_version=c.SCHEMA_VERSION,
        kind="report",
        ok=verdict.ok,
        model=c.ModelRow(
            name=network.name,
            sha256=network.sha256,
            licence=network.licence,
            macs=network.macs,
            sample_rate=config.sample_rate,
            window=config.window,
            hop=config.hop,
            n_fft=config.n_fft,
            n_mels=config.n_mels if config.has_bands else 0,
            chain=" ".join(describe(config)),
            algorithmic_ms=config.algorithmic_latency_ms,
            deadline_ms=config.deadline_ms,
        ),
        target=c.BoardRow(
            name=board.name,
            title=board.title,
            cpu=board.core.cpu,
            clock_hz=board.core.clock_hz,
            cycles_per_instruction=latency.cycles_per_instruction if latency else None,
            timing_error=latency.error if latency else None,
            timing_source=latency.source if latency else "",
            emulator=verdict.emulator,
        ),
        seconds_of_audio=verdict.seconds_of_audio,
        checks=verdict.checks,
        budgets=_budgets(proof, cost),
        cost=cost,
        delay=_delay(proof),
        stack=_stack(proof),
        memories=_memories(proof),
        plan=plan_table(image.plan),
        layers=_layers(proof),
        trace=trace_of(proof.run, proof.reference, proof.parts, config.ends.hop),
        recordings=tuple(_recordings(proof, recordings)),
        quality=summarize_quality(verdict.quality),
        provenance=provenance(image, board, commands),
        metrics=verdict_metrics(verdict),
        energy=_energy(proof),
        aid=aid,
    )


def _memories(proof: Proof) -> tuple[c.MemoryRow, ...]:
    footprint = proof.verdict.footprint
    if footprint is None:
        return ()
    if proof.image.runtime == "zephyr":
        return by_library(footprint, proof.verdict.groups)
    return by_symbol(footprint, proof.image.symbols.groups)


def by_library(footprint: Footprint, groups: Sequence[Group]) -> tuple[c.MemoryRow, ...]:
    """The regions with their groups, which know flash and RAM but not which of several memories of a kind they lie in."""
    found = []
    for kind in ("flash", "ram"):
        regions = [region for region in footprint.regions if region.kind == kind and region.used]
        sizes = ((group.label, group.flash if kind == "flash" else group.ram) for group in groups)
        parts = sorted((c.PartRow(label, size, ()) for label, size in sizes if size), key=lambda part: -part.bytes)
        for region in regions:
            whole = (c.PartRow(region.name, region.used, ()),)
            found.append(
                c.MemoryRow(region.name, region.kind, region.used, region.usable, tuple(parts) if len(regions) == 1 else whole)
            )
    return tuple(found)


def by_symbol(footprint: Footprint, groups: Sequence[tuple[str, str]]) -> tuple[c.MemoryRow, ...]:
    """The regions with their parts, down to the symbols; `groups` are (label, symbol prefix) pairs."""
    pieces = footprint.pieces(groups)
    found = []
    for region in footprint.regions:
        if not region.used:
            continue
        inside = [piece for piece in pieces if region.name in piece.regions and piece.bytes]
        parts = []
        for label in dict.fromkeys(piece.label for piece in inside):
            members = sorted((p for p in inside if p.label == label), key=lambda p: (-p.bytes, p.name))
            symbols = tuple(c.SymbolRow(piece.name, piece.bytes) for piece in members)
            parts.append(c.PartRow(label, sum(symbol.bytes for symbol in symbols), symbols))
        parts.sort(key=lambda part: -part.bytes)
        found.append(c.MemoryRow(region.name, region.kind, region.used, region.usable, tuple(parts)))
    return tuple(found)


def _budgets(proof: Proof, cost: c.FrameCost | None) -> tuple[c.BudgetRow, ...]:
    verdict, budget = proof.verdict, proof.board.budget
    rows = []
    if proof.size is not None:
        for check in proof.size.budget:
            rows.append(c.BudgetRow(check.name, check.used, check.limit, "bytes", "exact", check.ok))
    if stack := verdict.stack:
        bounded = not (stack.unbounded or stack.assumption)
        rows.append(c.BudgetRow("stack", stack.bytes, budget.stack, "bytes", "bound", bounded and stack.bytes <= budget.stack))
    if cost is not None:
        late = cost.worst_ms * (1 + cost.error) > cost.limit_ms
        rows.append(c.BudgetRow("worst frame", cost.worst_ms, cost.limit_ms, "ms", "estimate", not late, cost.error))
    if verdict.delay is not None and budget.delay_ms is not None:
        total = verdict.delay.total_ms
        rows.append(c.BudgetRow("total delay", total, budget.delay_ms, "ms", "measured", total <= budget.delay_ms))
    return tuple(rows)


def _cost(proof: Proof) -> c.FrameCost | None:
    latency, board = proof.verdict.latency, proof.board
    if latency is None:
        return None
    limit_ms = min(board.budget.worst_frame_ms, latency.deadline_ms)
    return c.FrameCost(
        worst_instructions=latency.worst_instructions,
        mean_instructions=latency.mean_instructions,
        counted_frames=latency.counted_frames,
        network_instructions=latency.network_instructions,
        instructions_per_mac=latency.instructions_per_mac,
        worst_ms=latency.worst_ms,
        mean_ms=latency.mean_ms,
        error=latency.error,
        hop_ms=latency.hop_ms,
        limit_ms=limit_ms,
        # The same estimate turned round: how many of these instructions fit into the limit.
        limit_instructions=limit_ms * latency.worst_instructions / latency.worst_ms,
    )


def _delay(proof: Proof) -> c.DelayRow | None:
    delay = proof.verdict.delay
    if delay is None:
        return None
    basis: c.Basis = "measured" if delay.measured else "exact"
    return c.DelayRow(delay.total, delay.total_ms, delay.algorithmic_ms, delay.buffers_ms, basis)


def _energy(proof: Proof) -> c.EnergyRow | None:
    found = proof.verdict.energy
    if found is None:
        return None
    cells = tuple(c.CellRow(h.cell, h.title, h.hours, h.least, h.most, h.source) for h in found.hours)
    figures = (found.milliamps, found.volts, found.frame_uj, found.running_uj, found.busy, found.error)
    return c.EnergyRow(*figures, found.source, cells)


def _stack(proof: Proof) -> c.StackRow | None:
    report = proof.verdict.stack
    if report is None:
        return None
    return c.StackRow(report.bytes, report.path, proof.verdict.stack_used, report.unbounded or report.assumption)


def plan_table(plan: MemoryPlan) -> c.PlanTable:
    """The arena's buffers, each with a name of its own."""
    names = Counter(buffer.name for buffer in plan.buffers.values())
    buffers = []
    for buffer in sorted(plan.buffers.values(), key=lambda b: (b.offset, -b.bytes, b.name, b.key)):
        name = buffer.name if names[buffer.name] == 1 else f"{buffer.name} ({buffer.key.kind})"
        buffers.append(c.BufferRow(name, buffer.offset, buffer.bytes, tuple(sorted(buffer.stages)), buffer.persistent))
    return c.PlanTable(plan.bytes, plan.lower_bound, plan.kernel, plan.stages, tuple(buffers))


def _layers(proof: Proof) -> tuple[c.LayerRow, ...]:
    verdict, plan = proof.verdict, proof.image.plan
    latency = verdict.latency
    if latency is None:
        return ()
    cycles = {stage.name: stage.cycles for stage in verdict.stages}
    if not cycles:  # the same average for all
        average = latency.worst_cycles / latency.worst_instructions
        cycles = {layer.name: layer.worst * average for layer in verdict.layers}
    everything = sum(cycles.values())
    flash = {group.label: group.flash for group in verdict.groups}
    titles = {layer.name: layer.title for layer in proof.image.network.stages}
    rows = []
    for layer in verdict.layers:
        arena = None
        if layer.name in plan.stages:
            stage = plan.stages.index(layer.name)
            arena = sum(buffer.bytes for buffer in plan.buffers.values() if stage in buffer.stages)
        rows.append(
            c.LayerRow(
                name=layer.name,
                kind=_title(titles, plan, layer.name),
                macs=layer.macs,
                worst_instructions=layer.worst,
                mean_instructions=layer.mean,
                instructions_per_mac=layer.worst / layer.macs if layer.macs else None,
                worst_cycles=cycles[layer.name],
                share=cycles[layer.name] / everything,
                flash=flash.get(layer.name, 0) if layer.name in titles else 0,
                arena=arena,
            )
        )
    return tuple(rows)


def _title(titles: Mapping[str, str], plan: MemoryPlan, stage: str) -> str:
    """What kind of stage it is: a layer of the network, the front end, or what else the pipeline does."""
    return titles.get(stage, "front end") if stage in plan.stages else "pipeline"


def _recordings(proof: Proof, recordings: Sequence[Recording]) -> Iterator[c.RecordingRow]:
    found = iter(proof.verdict.quality)  # one for each recording with a clean signal, in order
    rate = proof.image.network.frontend.ends.rate
    for recording, run in zip(recordings, proof.recording_runs, strict=True):
        quality = _quality(next(found)) if recording.clean is not None else None
        skipped = run.skipped_frames
        yield c.RecordingRow(recording.name, recording.noisy.size / rate, run.frames, skipped, quality, recording.cut_off)


def _quality(found: Quality) -> c.QualityRow:
    values = (found.si_sdr_noisy, found.si_sdr_enhanced, found.estoi_noisy, found.estoi_enhanced)
    return c.QualityRow(*(value if math.isfinite(value) else None for value in values))
