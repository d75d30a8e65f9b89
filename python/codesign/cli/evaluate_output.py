# SPDX-License-Identifier: Apache-2.0
"""What codesign evaluate found: its files, its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesign.base.errors import CodesignError
from codesign.base.words import counted
from codesign.cli.console import cells, emit_json, say, stderr, table
from codesign.cli.plots import show_plot, write_plot
from codesign.drawing.plots import Bar, BarPlot
from codesign.hearing.evaluate import Evaluation, write_evaluation
from codesign.hearing.evaluate.scoring import Signals
from codesign.hearing.evaluate.write import MAX_NOTES, difference_rows, head, mean_rows


def write_files(
    result: Evaluation, outputs: Sequence[Path], plots: Path | None, drawn: dict[str, Signals]
) -> list[CodesignError]:
    """Write what can be written, and why the rest cannot."""
    problems: list[CodesignError] = []
    for path in outputs:
        try:
            write_evaluation(path, result)
        except CodesignError as error:
            problems.append(error)
    if plots is not None:
        from codesign.hearing.evaluate.plots import write_plots

        try:
            write_plots(plots, result, drawn)
            for key, plot in mean_plots(result).items():
                write_plot(plots / f"means_{key}.svg", plot)
        except CodesignError as error:
            problems.append(error)
    return problems


def print_evaluation(result: Evaluation, *, json: bool) -> None:
    """Everything that was found, for people or as JSON."""
    if json:
        emit_json("evaluate", evaluation=result)
    else:
        _print(f"{counted(len(result.items), 'item')}, means and 95 % intervals", head(result, "system"), mean_rows(result))
        if result.differences:
            titles = head(result, "system", difference=True)
            _print(f"Minus {result.baseline}, pair by pair", titles, difference_rows(result))
        for plot in mean_plots(result).values():
            show_plot(plot)
    for subject in result.systems:
        if subject.saturation and subject.saturation.any():
            say(str(subject.saturation))
    for absent in result.absent:
        say(f"{absent.measure} is missing: {absent.reason}")
    for note in result.notes[:MAX_NOTES]:
        say(note)
    if len(result.notes) > MAX_NOTES:
        say(f"… and {counted(len(result.notes) - MAX_NOTES, 'more note')}; --json has them all")


def mean_plots(result: Evaluation) -> dict[str, BarPlot]:
    """A plot of the systems' means with their intervals for each measure, by the measure's key."""
    found = {}
    for measure in result.measures:
        means = [mean for mean in result.means if mean.measure == measure.key]
        bars = tuple(Bar(mean.system, mean.over.mean, mean.over.low, mean.over.high) for mean in means)
        if bars:
            found[measure.key] = BarPlot(f"{measure.name}, means and 95 % intervals", measure.unit, bars)
    return found


def say_written(outputs: Sequence[Path], plots: Path | None, keep: Path | None) -> None:
    """Name the files that were written, those of a folder by a pattern."""
    pictures = [] if plots is None else [f"{plots}/*.png", f"{plots}/*.svg"]
    recordings = [] if keep is None else [f"{keep}/*/*.wav"]
    if paths := [*map(str, outputs), *pictures, *recordings]:
        say(f"wrote {', '.join(paths)}")


def _print(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Intervals stand below their means: beside them the table would be wider than a terminal."""
    shown = table(title, *titles)
    for row in rows:
        shown.add_row(*cells(row[0]), *map(_two_lines, row[1:]))
    stderr.print(shown)


def _two_lines(cell: str) -> str:
    return "\n".join(cells(*cell.split(" ", 1)))
