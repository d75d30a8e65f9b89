# SPDX-License-Identifier: Apache-2.0
"""A report as Markdown, short enough for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from codesign.base.errors import one_line
from codesign.firmware.cost.cells import SHOWN_CELLS
from codesign.proof.aid import rows_of
from codesign.proof.judgement import quality_in_words
from codesign.proof.report.content import BudgetRow, EnergyRow, Report


def render_summary(report: Report) -> str:
    """Verdict, budgets, failed checks, layers, quality and the figures of the hearing aid."""
    where = f"{escape(report.model.name)} on {escape(report.target.name)}"
    verdict = "proven ✅" if report.ok else "**not proven** ❌"
    lines = [f"### {where}: {verdict}", ""]
    if report.ok:
        lines += [f"Output equals the reference bit for bit over {report.seconds_of_audio:.0f} s of audio.", ""]
    words = escape(quality_in_words(report.quality))
    lines += [f"⚠️ **{words}**" if report.quality is not None and report.quality.worse else words, ""]
    failed = [check for check in report.checks if not check.ok]
    lines += [f"- ❌ **{escape(check.name)}**: {escape(check.detail)}" for check in failed] + ([""] if failed else [])
    lines += table(("budget", "used", "limit", "", "figure"), map(_budget, report.budgets))
    lines += ["", _cost(report), ""]
    if report.energy is not None:
        lines += [_energy(report.energy), ""]
    rows = [
        (
            layer.name,
            f"{layer.macs:,}" if layer.macs else "",
            f"{layer.worst_instructions:,}",
            "" if layer.instructions_per_mac is None else f"{layer.instructions_per_mac:.3f}",
            f"{100 * layer.share:.1f} %",
            f"{layer.flash:,}" if layer.flash else "",
        )
        for layer in report.layers
    ]
    layers = table(("stage", "MACs", "instructions, worst", "per MAC", "share of cycles", "flash, bytes"), rows)
    if rows:
        lines += ["<details><summary>Layers</summary>", "", *layers, "", "</details>", ""]
    measured = [(r.name, r.quality) for r in report.recordings if r.quality is not None]
    if measured:
        head = ("recording", "SI-SDR, dB", "enhanced", "ESTOI", "enhanced")
        values = (
            (
                name,
                _value(q.si_sdr_noisy, 1),
                _value(q.si_sdr_enhanced, 1),
                _value(q.estoi_noisy, 2),
                _value(q.estoi_enhanced, 2),
            )
            for name, q in measured
        )
        lines += [*table(head, values), ""]
    if report.aid is not None:
        lines += [*table((f"hearing aid, {report.aid.machine}", "value"), rows_of(report.aid)), ""]
    origin = report.provenance
    commit = f", commit {escape(origin.commit[:12])}" if origin.commit else ""
    lines.append(f"Model {escape(report.model.sha256[:12])}, {escape(origin.compiler)}{commit}.")
    return "\n".join(lines) + "\n"


_FIGURE = re.compile(r"[-−+±≤≥<]?\d|–?$")
"""How a figure begins; a dash or nothing stands for one that is missing."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table: columns of figures to the right, of words to the left; cells are escaped."""
    cells = [tuple(row) for row in rows]
    marks = ["---:" if column and all(_FIGURE.match(row[column]) for row in cells) else "---" for column in range(len(head))]
    return [f"| {' | '.join(row)} |" for row in (head, marks, *([escape(cell) for cell in row] for row in cells))]


def escape(text: str) -> str:
    """`text` as Markdown that shows it: names in it can be neither markup nor HTML nor break a table."""
    clean = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in "\\`*_[]|#~!@" else letter for letter in clean)


def _cost(report: Report) -> str:
    cost, latency = report.cost, f"algorithmic latency {report.model.algorithmic_ms:g} ms."
    if (delay := report.delay) is not None:
        parts = f"algorithmic {delay.algorithmic_ms:g}, buffers {delay.buffers_ms:g}"
        latency = f"total delay {delay.total_ms:g} ms ({parts})."
    if cost is None:
        return f"Instructions were not counted; {latency}"
    per_mac = "" if cost.instructions_per_mac is None else f", {cost.instructions_per_mac:.3f} per MAC"
    worst = f"Worst frame {cost.worst_instructions:,} instructions (exact), mean {cost.mean_instructions:,.0f}"
    return f"{worst}{per_mac}; {latency}"


def _energy(energy: EnergyRow) -> str:
    figures = f"{energy.milliamps:.2f} mA at {energy.volts:g} V, {energy.frame_uj:.1f} µJ a frame"
    on = [f"{cell.hours:.0f} h on {escape(cell.title)}" for cell in energy.hours if cell.cell in SHOWN_CELLS]
    return f"Supply, estimated ±{100 * energy.error:.0f} %: {'; '.join([figures, *on])}."


def _budget(budget: BudgetRow) -> tuple[str, ...]:
    used = f"{budget.used:,.0f}" if budget.unit == "bytes" else f"{budget.used:.2f}"
    error = f" ±{100 * budget.error:.0f} %" if budget.error else ""
    return (budget.name, used + error, f"{_limit(budget)} {budget.unit}", "✅" if budget.ok else "❌", budget.basis)


def _value(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _limit(budget: BudgetRow) -> str:
    return f"{budget.limit:,.0f}" if budget.unit == "bytes" else f"{budget.limit:g}"
