# SPDX-License-Identifier: Apache-2.0
"""Cost and error over the frames of the proof signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from codesign.base.words import counted
from codesign.drawing.svg import WIDTH, chart, element, fitting, short_number, text, text_width, ticks
from codesign.proof.report.content import FrameCost, FrameSeries, Segment

_LEFT, _RIGHT = 70.0, 10.0
_PLOT = WIDTH - _LEFT - _RIGHT
_SMALL, _ROW = 11.0, 13.0  # size of the segments' names, and of their rows


_FLAT = 0.03
"""Frames that differ by less than this share of the worst one are a flat line: a sentence says all of it."""


def is_flat(trace: FrameSeries) -> bool:
    """Whether a chart of instructions per frame would show a flat line: none was skipped and none is much cheaper."""
    return bool(trace.high) and not any(trace.skipped) and min(trace.low) >= (1.0 - _FLAT) * max(trace.high)


def cost_chart(trace: FrameSeries, cost: FrameCost) -> Markup:
    """Instructions of the counted frames: lowest to highest of every column, the mean, the worst and the limit."""
    frames = max(1, trace.counted_frames or trace.frames)
    names = _placed(trace.segments, frames)
    top_y, height = _top(names), 240.0
    limit_fits = cost.limit_instructions <= 4 * cost.worst_instructions  # a far limit would flatten everything else
    highest = 1.15 * max(cost.worst_instructions, cost.limit_instructions if limit_fits else 0)
    scale = height / highest

    def at(value: float) -> float:
        return top_y + height - value * scale

    width = _PLOT * trace.per_column / frames
    drawn = [*_grid(ticks(highest), at), *_segments(names, frames, top_y, height, _seconds(cost))]
    for index, (low, high, mean) in enumerate(zip(trace.low, trace.high, trace.mean, strict=True)):
        x, wide = _LEFT + index * width, min(width, _LEFT + _PLOT - (_LEFT + index * width))
        span = max(1.5, (high - low) * scale)
        first = index * trace.per_column
        title = f"frame {first:,}, {first * _seconds(cost):.2f} s: {low:,} to {high:,} instructions, mean {mean:,.0f}"
        drawn.append(element("rect", element("title", title), x=x, y=at(high), width=wide, height=span, class_="span"))
        drawn.append(element("rect", x=x, y=at(mean) - 1, width=wide, height=2.0, class_="mean"))
    for index, count in enumerate(trace.skipped[: len(trace.high)]):
        shape = {"x": _LEFT + index * width, "y": top_y + height + 3, "width": max(0.6, width), "height": 6.0}
        if count:  # the more of a column's frames were skipped, the darker
            drawn.append(element("rect", class_="skip", fill_opacity=count / trace.per_column, **shape))
    if not trace.high:
        drawn.append(
            text(_LEFT + _PLOT / 2, top_y + height / 2, "the emulator counts no single frames", "middle", class_="axis")
        )
    drawn.append(_level(at(cost.mean_instructions), "mean-line", f"mean {cost.mean_instructions:,.0f}", below=True))
    if trace.worst_frame is not None:
        worst_x = _LEFT + (trace.worst_frame + 0.5) * _PLOT / frames
        drawn.append(element("circle", cx=worst_x, cy=at(cost.worst_instructions), r=5, class_="worst"))
    drawn.append(_level(at(cost.worst_instructions), "worst-line", f"worst {cost.worst_instructions:,}"))
    if limit_fits:
        y = at(cost.limit_instructions)  # its label at the left: at the right are those of worst and mean, maybe as high
        drawn.append(element("line", x1=_LEFT, y1=y, x2=_LEFT + _PLOT, y2=y, class_="limit-line"))
        drawn.append(text(_LEFT + 4, y - 5, f"limit, {cost.limit_ms:g} ms (estimate)", class_="label"))
    else:
        drawn.append(
            text(WIDTH - _RIGHT - 4, top_y + 12, f"limit {short_number(cost.limit_instructions)}, above", "end", class_="label")
        )
    drawn.append(text(_LEFT + _PLOT / 2, top_y + height + 38, "seconds of the proof signal", "middle", class_="axis"))
    description = (
        f"Instructions of {cost.counted_frames} counted frames: mean {cost.mean_instructions:,.0f}, worst "
        f"{cost.worst_instructions:,}; {sum(trace.skipped)} of all {trace.frames} frames skipped their network step."
    )
    return chart("Instructions per frame", description, top_y + height + 44, *drawn)


def difference_chart(trace: FrameSeries, hop_ms: float) -> Markup:
    """Largest difference between the emulated image and the reference, LSB."""
    frames = max(1, trace.frames)
    names = _placed(trace.segments, frames)
    top_y, height = _top(names), 90.0
    highest = max(1, *trace.difference, 1) * 1.1
    width = _PLOT * trace.per_column / frames

    def at(value: float) -> float:
        return top_y + height - value * height / highest

    drawn = [*_grid(ticks(highest, 2), at), *_segments(names, frames, top_y, height, hop_ms / 1000)]
    drawn += [
        element("rect", x=_LEFT + i * width, y=at(v), width=max(0.8, width), height=at(0) - at(v), class_="error")
        for i, v in enumerate(trace.difference)
        if v
    ]
    drawn.append(element("line", x1=_LEFT, y1=at(0), x2=_LEFT + _PLOT, y2=at(0), class_="mean-line"))
    drawn.append(text(_LEFT + _PLOT / 2, top_y + height + 38, "seconds of the proof signal", "middle", class_="axis"))
    largest = max(trace.difference, default=0)
    found = "no sample differs" if largest == 0 else f"largest difference {largest} LSB"
    return chart(
        "Emulated image against the reference, LSB", f"{counted(trace.frames, 'frame')}: {found}.", top_y + height + 44, *drawn
    )


def _seconds(cost: FrameCost) -> float:
    return cost.hop_ms / 1000


def _grid(values: Sequence[float], at: Callable[[float], float]) -> list[Markup]:
    drawn = []
    for value in values:
        drawn.append(element("line", x1=_LEFT, y1=at(value), x2=_LEFT + _PLOT, y2=at(value), class_="grid"))
        drawn.append(text(_LEFT - 6, at(value) + 4, short_number(value), "end", class_="axis"))
    return drawn


@dataclass(frozen=True)
class _Name:
    """The name of a segment that starts at `x`, `row` rows above the plot, and where it is written."""

    name: str
    x: float
    at: float
    row: int


def _placed(segments: Sequence[Segment], frames: int) -> list[_Name]:
    """Names in as many rows as they need: short segments have long names, and no name may lie on another."""
    ends: list[float] = []
    found = []
    for segment in segments:
        if segment.start >= frames:
            continue
        x = _LEFT + segment.start * _PLOT / frames
        name = fitting(segment.name, _PLOT / 2, _SMALL)
        width = text_width(name, _SMALL)
        at = min(x + 3, WIDTH - width)
        row = next((row for row, end in enumerate(ends) if end < at), len(ends))
        ends[row : row + 1] = [at + width + 6]
        found.append(_Name(name, x, at, row))
    return found


def _top(names: Sequence[_Name]) -> float:
    """Where the plot begins below the names."""
    return 26.0 + _ROW * max((name.row for name in names), default=0)


def _segments(names: Sequence[_Name], frames: int, top: float, height: float, seconds: float) -> list[Markup]:
    """Where the parts of the proof signal begin, their names above, and seconds below."""
    drawn = []
    for name in names:
        y = top - 3 - _ROW * name.row
        drawn.append(element("line", x1=name.x, y1=y - 9, x2=name.x, y2=top + height, class_="segment"))
    for name in names:
        drawn.append(text(name.at, top - 3 - _ROW * name.row, name.name, class_="small over"))
    for value in ticks(frames * seconds, 8):
        drawn.append(text(_LEFT + value / seconds * _PLOT / frames, top + height + 22, f"{value:g}", "middle", class_="axis"))
    return drawn


def _level(y: float, kind: str, label: str, *, below: bool = False) -> Markup:
    line = element("line", x1=_LEFT, y1=y, x2=_LEFT + _PLOT, y2=y, class_=kind)
    return element("g", line, text(_LEFT + _PLOT - 4, y + 15 if below else y - 5, label, "end", class_="label"))
