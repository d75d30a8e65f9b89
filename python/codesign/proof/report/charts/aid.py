# SPDX-License-Identifier: Apache-2.0
"""The curves of a hearing aid: gain and output over frequency, output over time at a step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from codesign.drawing.svg import WIDTH, chart, element, text
from codesign.proof.aid import AidFigures, CurvePoint

_LEFT, _TOP, _HEIGHT = 70.0, 26.0, 240.0


def aid_curves(figures: AidFigures) -> tuple[tuple[str, Markup], ...]:
    """Each curve after what it shows."""
    gain, output = (
        _curve(title, points, unit, logarithmic=True)
        for title, points, unit in (
            ("Gain at 60 dB SPL", figures.gain, "dB"),
            ("Output at 90 dB SPL", figures.output, "dB SPL"),
        )
    )
    steps = _curve("Output while the input goes 55, 80, 55 dB SPL", figures.steps, "dB SPL", logarithmic=False)
    return ("Gain", gain), ("Maximum output", output), ("Attack and release", steps)


def _curve(title: str, points: Sequence[CurvePoint], unit: str, *, logarithmic: bool) -> Markup:
    values = [max(point.value, -60.0) for point in points]
    low, high = 10 * math.floor(min(values) / 10), 10 * math.floor(max(values) / 10) + 10
    ends = (points[0].at, points[-1].at)

    def across(at: float) -> float:
        share = math.log(at / ends[0]) / math.log(ends[1] / ends[0]) if logarithmic else (at - ends[0]) / (ends[1] - ends[0])
        return _LEFT + share * (WIDTH - _LEFT - 20)

    def up(value: float) -> float:
        return _TOP + (high - value) / (high - low) * _HEIGHT

    drawn = []
    for value in range(int(low), int(high) + 1, 10 if high - low <= 80 else 20):
        drawn.append(element("line", x1=_LEFT, y1=up(value), x2=WIDTH - 20, y2=up(value), class_="grid"))
        drawn.append(text(_LEFT - 8, up(value) + 4, f"{value}", "end", class_="axis"))
    marks = [f for f in (250, 500, 1000, 2000, 4000, 8000) if ends[0] <= f <= ends[1]] if logarithmic else _times(ends[1])
    for at in marks:
        drawn.append(element("line", x1=across(at), y1=_TOP, x2=across(at), y2=_TOP + _HEIGHT, class_="grid"))
        drawn.append(text(across(at), _TOP + _HEIGHT + 18, f"{at:g}", "middle", class_="axis"))
    way = "L".join(f"{across(point.at):.1f} {up(value):.1f}" for point, value in zip(points, values, strict=True))
    drawn.append(element("path", d=f"M{way}", class_="curve"))
    drawn.append(text(_LEFT, _TOP - 6, unit, class_="axis"))
    unit_across = "Hz" if logarithmic else "ms"
    drawn.append(text(WIDTH - 20, _TOP + _HEIGHT + 36, unit_across, "end", class_="axis"))
    described = f"{unit} over {unit_across}: {min(values):.1f} to {max(values):.1f} {unit}"
    return chart(title, described, _TOP + _HEIGHT + 44, *drawn)


def _times(end: float) -> list[float]:
    return [float(at) for at in range(0, int(end) + 1, 500)]
