# SPDX-License-Identifier: Apache-2.0
"""A comparison as Markdown for a pull request."""

from __future__ import annotations

from codesign.proof.compare.difference import Comparison, Row
from codesign.proof.report.summary import escape, table

_MARKS = {"failed": "❌ too much", "worse": "worse, allowed", "better": "✅ better", "gone": "gone", "new": "new", "same": ""}


def render_comparison(comparison: Comparison) -> str:
    """What changed, failures first; figures that did not change are counted."""
    failed = len(comparison.failed)
    lines = [f"### Comparison: {f'❌ {failed} beyond the thresholds' if failed else '✅ within the thresholds'}", ""]
    base, new = dict(comparison.base), dict(comparison.new)
    for name in dict.fromkeys([*base, *new]):
        before, after = base.get(name, "–"), new.get(name, "–")
        lines.append(f"- {escape(name)}: {escape(after)}" + ("" if before == after else f" (base: {escape(before)})"))
    lines.append("")
    rows = [
        (row.name, number(row, row.base), number(row, row.new), change(row), allowed(row), _MARKS[row.verdict])
        for row in comparison.changed
    ]
    if rows:
        lines += [*table(("figure", "base", "new", "change", "allowed", "verdict"), rows), ""]
    same = sum(row.verdict == "same" for row in comparison.rows)
    lines.append(f"{same} of {len(comparison.rows)} figures are unchanged.")
    return "\n".join(lines) + "\n"


def number(row: Row, value: float | None) -> str:
    """A figure as people read it."""
    if value is None:
        return "–"
    if row.unit == "passed":
        return "passed" if value else "FAILED"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def change(row: Row) -> str:
    """+1,234 (+0.5 %)."""
    if row.change is None or row.unit == "passed":
        return ""
    absolute = f"{row.change:+,.0f}" if abs(row.change) >= 100 else f"{row.change:+.3g}"
    return absolute if row.percent is None else f"{absolute} ({row.percent:+.2f} %)"


def allowed(row: Row) -> str:
    """How much worse it may be."""
    if row.base is None or row.unit == "passed":
        return ""
    return f"{row.allowed:,.0f}" if row.allowed >= 100 else f"{row.allowed:.3g}"
