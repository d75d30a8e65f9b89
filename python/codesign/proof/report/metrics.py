# SPDX-License-Identifier: Apache-2.0
"""The figures by which two verdicts are compared. A name stays the same over models, boards and compilers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from codesign.firmware.cost.energy import Consumption
from codesign.firmware.size import Footprint, Group
from codesign.proof import Delay, Latency, Quality, Verdict
from codesign.proof.report.content import Metric


def verdict_metrics(verdict: Verdict) -> tuple[Metric, ...]:
    """Checks, memory, cost and quality of a verdict; values that are not finite are left out."""
    found = [Metric(f"check.{c.name}", float(c.ok), "passed", "more", "exact") for c in verdict.checks]
    if verdict.footprint is not None:
        found += footprint_metrics(verdict.footprint, verdict.groups)
    if verdict.stack is not None and not verdict.stack.unbounded:
        found.append(Metric("stack", verdict.stack.bytes, "bytes", "less", "bound"))
    if verdict.latency is not None:
        found += _latency(verdict.latency)
    if verdict.load is not None:
        found.append(Metric("core.executed", verdict.load.executed, "of the time", "less", "exact"))
    if verdict.energy is not None:
        found += _energy(verdict.energy)
    if verdict.delay is not None:
        found += _delay(verdict.delay)
    for layer in verdict.layers:
        found.append(Metric(f"layer.{layer.name}.instructions", layer.worst, "instructions", "less", "exact"))
    for quality in verdict.quality:
        found += _quality(quality)
    return unique(metric for metric in found if math.isfinite(metric.value))


def unique(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Metrics whose names tell them apart: equal ones once, others of the same name (two recordings, say) numbered."""
    seen: dict[str, int] = {}
    found = []
    for metric in dict.fromkeys(metrics):
        number = seen[metric.name] = seen.get(metric.name, 0) + 1
        found.append(metric if number == 1 else replace(metric, name=f"{metric.name} ({number})"))
    return tuple(found)


def footprint_metrics(footprint: Footprint, groups: tuple[Group, ...]) -> tuple[Metric, ...]:
    """Flash and RAM in all, and of every part of the image."""
    found = [
        Metric("flash", footprint.flash, "bytes", "less", "exact"),
        Metric("ram", footprint.ram, "bytes", "less", "exact"),
    ]
    for group in groups:
        if group.flash:
            found.append(Metric(f"part.{group.label}.flash", group.flash, "bytes", "less", "exact"))
        if group.ram:
            found.append(Metric(f"part.{group.label}.ram", group.ram, "bytes", "less", "exact"))
    return tuple(found)


def _latency(latency: Latency) -> Iterator[Metric]:
    yield Metric("frame.worst.instructions", latency.worst_instructions, "instructions", "less", "exact")
    yield Metric("frame.mean.instructions", latency.mean_instructions, "instructions", "less", "exact")
    if latency.network_instructions is not None and latency.instructions_per_mac is not None:
        yield Metric("network.instructions", latency.network_instructions, "instructions", "less", "exact")
        yield Metric("network.instructions_per_mac", latency.instructions_per_mac, "instructions/MAC", "less", "exact")
    yield Metric("frame.worst.ms", latency.worst_ms, "ms", "less", "estimate")
    yield Metric("frame.mean.ms", latency.mean_ms, "ms", "less", "estimate")
    yield Metric("latency.algorithmic_ms", latency.algorithmic_ms, "ms", "less", "exact")


def _energy(energy: Consumption) -> Iterator[Metric]:
    yield Metric("energy.milliamps", energy.milliamps, "mA", "less", "estimate")
    yield Metric("energy.frame_uj", energy.frame_uj, "µJ", "less", "estimate")


def _delay(delay: Delay) -> Iterator[Metric]:
    yield Metric("delay.total_ms", delay.total_ms, "ms", "less", "measured" if delay.measured else "exact")
    yield Metric("delay.algorithmic_ms", delay.algorithmic_ms, "ms", "less", "exact")
    yield Metric("delay.buffers_ms", delay.buffers_ms, "ms", "less", "exact")


def _quality(quality: Quality) -> Iterator[Metric]:
    name = f"quality.{quality.recording}"
    yield Metric(f"{name}.si_sdr", quality.si_sdr_enhanced, "dB", "more", "measured")
    yield Metric(f"{name}.estoi", quality.estoi_enhanced, "", "more", "measured")
