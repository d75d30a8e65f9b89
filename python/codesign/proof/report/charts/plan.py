# SPDX-License-Identifier: Apache-2.0
"""The memory plan: which buffer lies where during which stage of a frame."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from codesign.base.words import counted
from codesign.drawing.svg import WIDTH, chart, element, fitting, text, ticks
from codesign.proof.report.content import BufferRow, PlanTable

_LEFT, _TOP, _HEIGHT = 70.0, 8.0, 400.0
_STRAIGHT, _SLANTED = 24.0, 70.0  # room for the names of the stages


def plan_chart(plan: PlanTable) -> Markup:
    """Stages to the right, the arena's bytes upwards."""
    column = (WIDTH - _LEFT) / max(1, len(plan.stages))
    scale = _HEIGHT / plan.bytes
    drawn: list[Markup] = []
    for value in ticks(plan.bytes, 6):
        y = _TOP + _HEIGHT - value * scale
        drawn.append(element("line", x1=_LEFT, y1=y, x2=WIDTH, y2=y, class_="grid"))
        drawn.append(text(_LEFT - 6, y + 4, f"{value:,.0f}", "end", class_="axis"))
    for index, buffer in enumerate(plan.buffers):
        for first, last in runs(buffer.stages):
            drawn += _box(buffer, index, first, last, column, scale)
    slanted = any(fitting(name, column) != name for name in plan.stages)
    for index, name in enumerate(plan.stages):
        x, y = _LEFT + (index + 0.5) * column, _TOP + _HEIGHT + 16
        if slanted:
            drawn.append(text(x, y, fitting(name, 110), "end", class_="axis", transform=f"rotate(-30 {x:.1f} {y:.1f})"))
        else:
            drawn.append(text(x, y, name, "middle", class_="axis"))
    description = (
        f"{counted(len(plan.buffers), 'buffer')} in {plan.bytes:,} bytes over {counted(len(plan.stages), 'stage')} of a frame; "
        f"{plan.lower_bound:,} bytes are alive at once at most. The table has all."
    )
    return chart("Memory plan", description, _TOP + _HEIGHT + (_SLANTED if slanted else _STRAIGHT), *drawn)


def runs(stages: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First and last of every run of consecutive numbers."""
    ordered = sorted(stages)
    start = 0
    for index, stage in enumerate(ordered):
        if index + 1 == len(ordered) or ordered[index + 1] != stage + 1:
            yield ordered[start], stage
            start = index + 1


def _box(buffer: BufferRow, index: int, first: int, last: int, column: float, scale: float) -> Iterator[Markup]:
    x, width = _LEFT + first * column + 1, (last - first + 1) * column - 2
    height = max(1.0, buffer.bytes * scale - 1)
    y = _TOP + _HEIGHT - (buffer.offset + buffer.bytes) * scale
    kind = "persistent" if buffer.persistent else "passing"
    title = f"{buffer.name}: {buffer.bytes:,} bytes at {buffer.offset:,}" + (
        ", kept between frames" if buffer.persistent else ""
    )
    shape = {"x": x, "y": y, "width": width, "height": height}
    yield element("rect", element("title", title), class_=f"part c{index % 8} {kind}", **shape)
    if height >= 13 and (name := fitting(f"{buffer.name} {buffer.bytes:,}", width - 8, 11)):
        yield text(x + 4, y + height / 2 + 4, name, class_="small")
