# SPDX-License-Identifier: Apache-2.0
"""A search as one HTML page, drawn like a report: the first objective against each other figure, and all trials in a table."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from codesign.base.files.output_file import replace_file
from codesign.base.words import counted
from codesign.drawing.svg import WIDTH, chart, element, text, ticks
from codesign.proof.report.page import csp_hash, page_environment, source
from codesign.search.figures import FIGURES
from codesign.search.front import Front, TrialResult

PAGE = "pareto.html"
_LEFT, _RIGHT, _TOP, _HEIGHT = 70.0, 20.0, 28.0, 300.0
_PLOT = WIDTH - _LEFT - _RIGHT
_SHOWN = ("worst_ms", "delay_ms", "flash", "energy_uj")


def write_page(folder: Path, front: Front) -> Path:
    """Write pareto.html into the search's folder."""
    environment = page_environment("codesign.search")
    report = page_environment("codesign.proof.report")
    style = source(report, "style.css") + source(environment, "front.css")
    pictures = [picture for name in _axes(front) if (picture := front_chart(front, name)) is not None]
    page = environment.get_template("front.html.j2").render(
        front=front,
        measures=FIGURES,
        names=[name for name in FIGURES if any(name in one.figures for one in front.trials)],
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=csp_hash(style),
        pictures=pictures,
        states=sorted({one.state for one in front.trials}),
    )
    path = folder / PAGE
    with replace_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def front_chart(front: Front, against: str) -> Markup | None:
    """The first objective over the figure `against`, a dot a trial, the front joined; None with fewer than two such trials."""
    first = front.objectives[0]
    shown = [
        one
        for one in front.trials
        if first in one.figures and against in one.figures and one.state in ("trained", "stopped", "costed")
    ]
    if len(shown) < 2 or len({one.figures[against] for one in shown}) < 2:
        return None
    low, high = _span([one.figures[first] for one in shown])
    right = 1.08 * max(one.figures[against] for one in shown)

    def x(one: TrialResult) -> float:
        return _LEFT + one.figures[against] / right * _PLOT

    def y(value: float) -> float:
        return _TOP + _HEIGHT * (high - value) / (high - low)

    drawn = []
    for value in ticks(right):
        at = _LEFT + value / right * _PLOT
        drawn.append(element("line", x1=at, y1=_TOP, x2=at, y2=_TOP + _HEIGHT, class_="grid"))
        drawn.append(text(at, _TOP + _HEIGHT + 18, f"{value:,.6g}", "middle", class_="axis"))
    for step in range(5):
        value = low + (high - low) * step / 4
        drawn.append(element("line", x1=_LEFT, y1=y(value), x2=_LEFT + _PLOT, y2=y(value), class_="grid"))
        drawn.append(text(_LEFT - 6, y(value) + 4, FIGURES[first].show(value), "end", class_="axis"))
    best = sorted((one for one in shown if one.on_front), key=x)
    if len(best) > 1:
        points = " ".join(f"{x(one):.1f},{y(one.figures[first]):.1f}" for one in best)
        drawn.append(element("polyline", points=points, class_="front-line"))
    for one in sorted(shown, key=lambda one: one.on_front):
        said = f"trial {one.number}, {one.state}: " + ", ".join(
            f"{FIGURES[name].title} {FIGURES[name].show(value)} {FIGURES[name].unit}".rstrip()
            for name, value in one.figures.items()
        )
        kind = "on-front" if one.on_front else "stopped" if one.state == "stopped" else "behind"
        dot = element(
            "circle", element("title", said), cx=x(one), cy=y(one.figures[first]), r=6.0 if one.on_front else 4.0, class_=kind
        )
        drawn.append(dot)
        if one.on_front:
            drawn.append(text(x(one) + 9, y(one.figures[first]) + 4, str(one.number), class_="label"))
    up = FIGURES[first]
    drawn.append(text(_LEFT, _TOP - 12, f"{up.title}, {up.unit}".rstrip(", "), class_="axis"))
    across = FIGURES[against]
    drawn.append(
        text(_LEFT + _PLOT / 2, _TOP + _HEIGHT + 38, f"{across.title}, {across.unit}".rstrip(", "), "middle", class_="axis")
    )
    title = f"{FIGURES[first].title} against {across.title}"
    return chart(title, f"{counted(len(shown), 'trial')}, {len(best)} of them on the front.", _TOP + _HEIGHT + 46, *drawn)


def _axes(front: Front) -> list[str]:
    """What the first objective is drawn against: the other objectives, then other figures of interest."""
    return list(dict.fromkeys([*front.objectives[1:], *(name for name in _SHOWN if name != front.objectives[0])]))


def _span(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or max(1.0, abs(high)) * 0.05
    return low - room, high + room
