# SPDX-License-Identifier: Apache-2.0
"""Plots of few numbers, bars and lines, as SVG files and as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from codesign.drawing.svg import WIDTH, chart, element, fitting, short_number, text, ticks

_COLOURS = ("#0a5c99", "#b45309", "#17693a", "#8a2be2", "#a3161d", "#565b66")
_STYLE = (
    "svg{background:#fff}text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:#1b1d22}.axis{fill:#565b66}"
    ".title{font-weight:600;font-size:15px}.grid{stroke:#d4d7dd}.whisker{stroke:#1b1d22;stroke-width:1.5}path{fill:none;stroke-width:2}"
)
_LEFT, _RIGHT, _TOP, _ROW, _PANEL = 250.0, 110.0, 40.0, 26.0, 170.0
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LABEL, _ROWS = 24, 8  # letters of a label, and rows of a panel, on a terminal


@dataclass(frozen=True)
class Bar:
    """One figure; `low` and `high` are its interval, where it has one. A value of None has no bar."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class BarPlot:
    """Figures of one unit, one below the other."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Curve:
    """A curve: points (x, y) by ascending x."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LinePlot:
    """Curves over one x, a panel each: their units differ."""

    title: str
    x: str
    lines: tuple[Curve, ...]


def svg_of(plot: BarPlot | LinePlot) -> str:
    """The plot as a file that stands alone."""
    drawn = _bars_svg(plot) if isinstance(plot, BarPlot) else _lines_svg(plot)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'


def text_of(plot: BarPlot | LinePlot, width: int) -> list[str]:
    """The plot as lines of at most `width` letters."""
    return _bars_text(plot, width) if isinstance(plot, BarPlot) else _lines_text(plot, width)


def _reach(plot: BarPlot) -> tuple[float, float]:
    """Least and largest figure that is shown, 0 always."""
    found = [0.0, *(v for bar in plot.bars for v in (bar.value, bar.low, bar.high) if v is not None and math.isfinite(v))]
    low, high = min(found), max(found)
    return (low, high) if high > low else (low, low + 1.0)


def _bars_svg(plot: BarPlot) -> Markup:
    low, high = _reach(plot)
    scale = (WIDTH - _LEFT - _RIGHT) / (high - low)

    def at(value: float) -> float:
        return _LEFT + (value - low) * scale

    height = _TOP + _ROW * len(plot.bars) + 8
    drawn = [element("style", Markup(_STYLE)), text(8, 22, plot.title, class_="title")]  # noqa: S704 - ours
    drawn.append(element("line", x1=at(0), y1=_TOP - 6, x2=at(0), y2=height - 6, class_="grid"))
    for index, bar in enumerate(plot.bars):
        y = _TOP + _ROW * index
        drawn.append(text(_LEFT - 10, y + 13, fitting(bar.label, _LEFT - 20, 13), "end"))
        if bar.value is None:
            drawn.append(text(at(0) + 6, y + 13, "–", class_="axis"))
            continue
        said = f"{_number(bar.value)} {plot.unit}".strip()
        shape = {"x": min(at(0), at(bar.value)), "y": y, "width": abs(at(bar.value) - at(0)), "height": 17.0}
        drawn.append(element("rect", element("title", f"{bar.label}: {said}"), fill=_COLOURS[0], **shape))
        end = max(at(0), at(bar.value))
        if bar.low is not None and bar.high is not None:
            drawn.append(element("line", x1=at(bar.low), y1=y + 8.5, x2=at(bar.high), y2=y + 8.5, class_="whisker"))
            end = max(end, at(bar.high))
        drawn.append(text(end + 6, y + 13, said, class_="axis"))
    return chart(plot.title, f"{len(plot.bars)} figures in {plot.unit or 'no unit'}.", height, *drawn)


def _lines_svg(plot: LinePlot) -> Markup:
    first, last = _span([x for line in plot.lines for x, _ in line.points])
    left, wide = 80.0, WIDTH - 80.0 - 24.0
    height = _TOP + _PANEL * len(plot.lines) + 24
    drawn = [element("style", Markup(_STYLE)), text(8, 22, plot.title, class_="title")]  # noqa: S704 - ours
    for index, line in enumerate(plot.lines):
        top, tall = _TOP + _PANEL * index + 18, _PANEL - 44
        low, high = _span([y for _, y in line.points])
        drawn.append(text(left, top - 6, line.label))
        for value in (low, (low + high) / 2, high):
            y = top + tall * (high - value) / (high - low)
            drawn.append(element("line", x1=left, y1=y, x2=left + wide, y2=y, class_="grid"))
            drawn.append(text(left - 6, y + 4, _number(value), "end", class_="axis"))
        places = [
            f"{left + wide * (x - first) / (last - first):.1f} {top + tall * (high - y) / (high - low):.1f}"
            for x, y in line.points
        ]
        drawn.append(element("path", d="M" + "L".join(places), stroke=_COLOURS[index % len(_COLOURS)]))
        if len(places) == 1:  # a path of one point is nothing to see
            across, down = places[0].split()
            drawn.append(element("circle", cx=across, cy=down, r=3, fill=_COLOURS[index % len(_COLOURS)]))
    for value in (tick for tick in ticks(last, 6) if tick >= first):
        drawn.append(
            text(left + wide * (value - first) / (last - first), height - 22, short_number(value), "middle", class_="axis")
        )
    drawn.append(text(left + wide / 2, height - 6, plot.x, "middle", class_="axis"))
    return chart(plot.title, f"{len(plot.lines)} curves over {plot.x}.", height, *drawn)


def _bars_text(plot: BarPlot, width: int) -> list[str]:
    low, high = _reach(plot)
    label = min(_LABEL, max((len(bar.label) for bar in plot.bars), default=1))
    room = max(8, width - label - 14)
    zero = round(room * -low / (high - low))
    found = [plot.title]
    for bar in plot.bars:
        name = (bar.label if len(bar.label) <= label else f"{bar.label[: label - 1]}…").rjust(label)
        if bar.value is None:
            found.append(f"{name} –")
            continue
        said = f"{_number(bar.value)} {plot.unit}".strip()
        eighths = round(8 * room * abs(bar.value) / (high - low))
        if bar.value < 0:
            blocks = min(zero, max(1, round(eighths / 8)))
            found.append(f"{name} {' ' * (zero - blocks)}{'█' * blocks} {said}")
        else:
            part = _EIGHTHS[eighths % 8].strip()
            found.append(f"{name} {' ' * zero}{'█' * (eighths // 8)}{part or ('▏' if eighths == 0 else '')} {said}")
    return found


def _lines_text(plot: LinePlot, width: int) -> list[str]:
    found = [plot.title]
    for line in plot.lines:
        low, high = _span([y for _, y in line.points])
        first, last = _span([x for x, _ in line.points])
        wide = max(8, width - 12)
        grid = [[" "] * wide for _ in range(_ROWS)]
        for x, y in line.points:
            column = round((wide - 1) * (x - first) / (last - first))
            grid[round((_ROWS - 1) * (high - y) / (high - low))][column] = "•"
        found.append(line.label)
        for index, row in enumerate(grid):
            value = _number(high) if index == 0 else _number(low) if index == _ROWS - 1 else ""
            found.append(f"{value:>9} │{''.join(row)}".rstrip())
        found.append(f"{'':>9} └ {plot.x} {short_number(first)} to {short_number(last)}")
    return found


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Least and largest value, apart at any rate."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _number(value: float) -> str:
    return f"{value:.4g}"
