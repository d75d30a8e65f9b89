# SPDX-License-Identifier: Apache-2.0
"""Base and new figures side by side, judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from codesign.proof.compare.figures import Figures
from codesign.proof.compare.thresholds import Thresholds
from codesign.proof.report.content import Metric

Outcome = Literal["failed", "worse", "better", "same", "gone", "new"]


@dataclass(frozen=True)
class Row:
    """One figure. `base` or `new` is None where only one document has it; `allowed` is how much worse it may be.

    failed: worse than allowed, or gone though required; worse: but within what is allowed.
    """

    name: str
    unit: str
    base: float | None
    new: float | None
    allowed: float
    verdict: Outcome

    @property
    def change(self) -> float | None:
        """New − base."""
        return None if self.base is None or self.new is None else self.new - self.base

    @property
    def percent(self) -> float | None:
        """The change in percent of the base, None where that has no meaning."""
        return None if self.change is None or not self.base else 100.0 * self.change / abs(self.base)


@dataclass(frozen=True)
class Comparison:
    """All figures of both documents: those of the base in its order, then the new ones."""

    base: tuple[tuple[str, str], ...]
    new: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is worse than allowed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Row, ...]:
        """What is worse than allowed."""
        return tuple(row for row in self.rows if row.verdict == "failed")

    @property
    def changed(self) -> tuple[Row, ...]:
        """Rows that differ, failures first."""
        order = {"failed": 0, "worse": 1, "gone": 2, "new": 3, "better": 4}
        return tuple(sorted((row for row in self.rows if row.verdict in order), key=lambda row: order[row.verdict]))


def compare(base: Figures, new: Figures, thresholds: Thresholds) -> Comparison:
    """Judge `new` by `base`. Direction (less or more is better) is the base's."""
    found = {metric.name: metric for metric in new.metrics}
    rows = [_row(metric, found.get(metric.name), thresholds) for metric in base.metrics]
    known = {metric.name for metric in base.metrics}
    rows += [Row(m.name, m.unit, None, m.value, 0.0, "new") for m in new.metrics if m.name not in known]
    return Comparison(base.origin, new.origin, tuple(rows))


def _row(base: Metric, new: Metric | None, thresholds: Thresholds) -> Row:
    threshold = thresholds.of(base)
    allowed = threshold.allowed(base.value)
    if new is None:
        verdict: Outcome = "failed" if threshold.required and not threshold.ignore else "gone"
        return Row(base.name, base.unit, base.value, None, allowed, verdict)
    worse = (new.value - base.value) * (1 if base.better == "less" else -1)
    # Rounding of the last bit is no change: figures in ms come from a division.
    slack = 1e-9 * max(abs(base.value), abs(new.value))
    if abs(worse) <= slack:
        verdict = "same"
    elif worse < 0:
        verdict = "better"
    else:
        verdict = "failed" if worse > allowed + slack and not threshold.ignore else "worse"
    return Row(base.name, base.unit, base.value, new.value, allowed, verdict)
