# SPDX-License-Identifier: Apache-2.0
"""Figures of a hearing aid as a page with curves, or as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.drawing.svg import WIDTH, chart, element, text
from codesign.hearing.measure.figures import AidFigures, CurvePoint
from codesign.proof.report.page import page_environment, source

SCHEMA_VERSION = 1
ENDINGS = (".html", ".json")
_LEFT, _TOP, _HEIGHT = 70.0, 26.0, 240.0


def check_output(path: Path) -> None:
    """Raises InputError for an ending that is not written."""
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"cannot write {path}: '{path.suffix}' is not written", hint=f"endings: {', '.join(ENDINGS)}")


def write_figures(path: Path, figures: AidFigures) -> None:
    """Write one file by its ending.

    Raises:
        InputError: another ending, or the folder is missing or not writable.
    """
    check_output(path)
    rendered = render_json(figures) if path.suffix.lower() == ".json" else render_page(figures)
    with replace_file(path) as temporary:
        temporary.write_text(rendered, encoding="utf-8", newline="")


def render_json(figures: AidFigures) -> str:
    """schema_version, kind and the figures."""
    head = f'{{\n "schema_version": {SCHEMA_VERSION},\n "kind": "measure",\n "figures": '
    return head + TypeAdapter(AidFigures).dump_json(figures, indent=1).decode("utf-8") + "\n}\n"


def render_page(figures: AidFigures) -> str:
    """A page without anything from outside."""
    gain, output = (
        _curve(title, points, unit, logarithmic=True)
        for title, points, unit in (
            ("Gain at 60 dB SPL", figures.gain, "dB"),
            ("Output at 90 dB SPL", figures.output, "dB SPL"),
        )
    )
    steps = _curve("Output while the input goes 55, 80, 55 dB SPL", figures.steps, "dB SPL", logarithmic=False)
    return (
        page_environment("codesign.hearing.measure")
        .get_template("measure.html.j2")
        .render(
            figures=figures,
            rows=rows_of(figures),
            curves=(("Gain", gain), ("Maximum output", output), ("Attack and release", steps)),
            style=Markup(source(page_environment("codesign.proof.report"), "style.css")),  # noqa: S704 - our own file
        )
    )


def rows_of(figures: AidFigures) -> list[tuple[str, str]]:
    """What was measured, line by line: name and value."""
    loudest, delay = figures.highest_output, figures.delay
    harmonics = [
        (
            f"distortion at {each.frequency:g} Hz, {each.spl:g} dB SPL",
            "none" if each.percent is None else f"{each.percent:.2f} %",
        )
        for each in figures.distortion
    ]
    return [
        ("gain at 60 dB SPL, mean of 1000, 1600 and 2500 Hz", f"{figures.average_gain:.1f} dB"),
        ("largest output at 90 dB SPL (OSPL90)", f"{loudest.value:.1f} dB SPL at {loudest.at:g} Hz"),
        *harmonics,
        ("equivalent input noise", _or_none(figures.input_noise, "dB SPL", "none: silence stays silent")),
        ("attack, 55 to 80 dB SPL at 1600 Hz, within 2 dB", _or_none(figures.attack_ms, "ms", "not steady")),
        ("release, 80 to 55 dB SPL at 1600 Hz, within 2 dB", _or_none(figures.release_ms, "ms", "not steady")),
        ("delay, input to output", f"{delay.total_ms:.2f} ms{'' if delay.measured else ' (by the chain)'}"),
        ("of it in the chain", f"{delay.algorithmic_ms:.2f} ms"),
    ]


def _or_none(value: float | None, unit: str, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.1f} {unit}"


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
    drawn.append(element("path", d=f"M{way}", class_="mean-line", fill="none"))
    drawn.append(text(_LEFT, _TOP - 6, unit, class_="axis"))
    unit_across = "Hz" if logarithmic else "ms"
    drawn.append(text(WIDTH - 20, _TOP + _HEIGHT + 36, unit_across, "end", class_="axis"))
    described = f"{unit} over {unit_across}: {min(values):.1f} to {max(values):.1f} {unit}"
    return chart(title, described, _TOP + _HEIGHT + 44, *drawn)


def _times(end: float) -> list[float]:
    return [float(at) for at in range(0, int(end) + 1, 500)]
