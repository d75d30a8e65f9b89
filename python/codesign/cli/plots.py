# SPDX-License-Identifier: Apache-2.0
"""Plots on the terminal, and into files by the endings of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.cli.console import say, stderr
from codesign.drawing.plots import BarPlot, LinePlot, svg_of, text_of

ENDINGS = (".svg", ".png")


def check_plot(path: Path | None) -> None:
    """Look whether a plot can be written there, before the work.

    Raises:
        InputError: another ending than .svg and .png.
        ToolError: .png, and matplotlib is not installed.
    """
    if path is None:
        return
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"cannot write {path}: no plot ends in '{path.suffix}'", hint="name a .svg or .png file")
    if path.suffix.lower() == ".png":
        from codesign.proof.report.plots import load_figure

        load_figure()


def show_plot(plot: BarPlot | LinePlot) -> None:
    """Draw on a terminal; elsewhere nothing, for nobody looks there."""
    if stderr.is_terminal:
        for line in text_of(plot, min(stderr.width, 100)):
            say(line)


def write_plot(path: Path, plot: BarPlot | LinePlot) -> None:
    """Write a .svg or .png file.

    Raises:
        InputError: the ending is another, or the file cannot be written.
        ToolError: .png, and matplotlib is not installed.
    """
    check_plot(path)
    if path.suffix.lower() == ".svg":
        with replace_file(path) as temporary:
            temporary.write_text(svg_of(plot), encoding="utf-8")
        return
    from codesign.proof.report.plots import load_figure, save

    figure = load_figure()(figsize=(9, 1 + 0.3 * len(plot.bars) if isinstance(plot, BarPlot) else 2.2 * len(plot.lines)))
    _draw_bars(figure, plot) if isinstance(plot, BarPlot) else _draw_lines(figure, plot)
    figure.set_layout_engine("tight")
    save(figure, path)


def _draw_bars(figure: Any, plot: BarPlot) -> None:
    from codesign.proof.report.plots import plain

    axes = figure.subplots()
    shown = [(plain(bar.label), bar.value, bar) for bar in reversed(plot.bars) if bar.value is not None]
    below = [0.0 if bar.low is None else value - bar.low for _, value, bar in shown]
    above = [0.0 if bar.high is None else bar.high - value for _, value, bar in shown]
    axes.barh([label for label, _, _ in shown], [value for _, value, _ in shown], xerr=[below, above])
    axes.set(title=plain(plot.title), xlabel=plot.unit)


def _draw_lines(figure: Any, plot: LinePlot) -> None:
    from codesign.proof.report.plots import plain

    for axes, line in zip(figure.subplots(len(plot.lines), 1, squeeze=False)[:, 0], plot.lines, strict=True):
        axes.plot(*zip(*line.points, strict=True), ".-")
        axes.set(title=plain(line.label), xlabel=plot.x)
        axes.grid(alpha=0.3)
