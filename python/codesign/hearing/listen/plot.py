# SPDX-License-Identifier: Apache-2.0
"""Scores with their intervals, one line a system and condition."""

from __future__ import annotations

from markupsafe import Markup

from codesign.drawing.svg import WIDTH, chart, element, fitting, text
from codesign.hearing.listen.analysis import SCALE, ListenerAnalysis

_LEFT, _TOP, _ROW = 260.0, 10.0, 26.0


def score_chart(analysis: ListenerAnalysis) -> Markup:
    """Mean and 95 % interval of every row of the table of scores."""
    low, high = SCALE[analysis.test_kind]
    steps = 6 if analysis.test_kind == "preference" else 5
    bottom = _TOP + _ROW * len(analysis.scores)

    def at(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - 20)

    drawn = []
    for step in range(steps + 1):
        value = low + step * (high - low) / steps
        drawn.append(element("line", x1=at(value), y1=_TOP, x2=at(value), y2=bottom, class_="grid"))
        drawn.append(text(at(value), bottom + 18, f"{value:g}", "middle", class_="axis"))
    for index, row in enumerate(analysis.scores):
        y = _TOP + (index + 0.5) * _ROW
        name = row.system if not row.condition else f"{row.system}, {row.condition}"
        drawn.append(text(_LEFT - 12, y + 4, fitting(name, _LEFT - 20), "end", class_="label" if not row.condition else "axis"))
        if row.score.low is not None and row.score.high is not None:
            drawn.append(element("path", d=f"M{at(row.score.low):.1f} {y:.1f}H{at(row.score.high):.1f}", class_="whisker"))
        drawn.append(element("circle", cx=at(row.score.mean), cy=y, r=5, class_="mean"))
    described = "; ".join(f"{r.system} {r.condition or 'all'} {r.score.mean:.2f}" for r in analysis.scores)
    return chart("Scores", f"Mean and 95 % interval. {described}", bottom + 26, *drawn)
