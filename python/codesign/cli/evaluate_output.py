# SPDX-License-Identifier: Apache-2.0
"""What codesign evaluate found: its files, its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesign.base.errors import CodesignError
from codesign.cli.console import cells, emit_json, say, stderr, table
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
        except CodesignError as error:
            problems.append(error)
    return problems


def print_evaluation(result: Evaluation, *, json: bool) -> None:
    """Everything that was found, for people or as JSON."""
    if json:
        emit_json("evaluate", evaluation=result)
    else:
        _print(f"{len(result.items)} items, means and 95 % intervals", head(result, "system"), mean_rows(result))
        if result.differences:
            titles = head(result, "system", difference=True)
            _print(f"Minus {result.baseline}, pair by pair", titles, difference_rows(result))
    for subject in result.systems:
        if subject.saturation and subject.saturation.any():
            say(str(subject.saturation))
    for absent in result.absent:
        say(f"{absent.measure} is missing: {absent.reason}")
    for note in result.notes[:MAX_NOTES]:
        say(note)
    if len(result.notes) > MAX_NOTES:
        say(f"… and {len(result.notes) - MAX_NOTES} more notes; --json has them all")


def say_written(paths: Sequence[str]) -> None:
    if paths:
        say(f"wrote {', '.join(paths)}")


def _print(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Intervals stand below their means: beside them the table would be wider than a terminal."""
    shown = table(title, *titles)
    for row in rows:
        shown.add_row(*cells(row[0]), *map(_two_lines, row[1:]))
    stderr.print(shown)


def _two_lines(cell: str) -> str:
    return "\n".join(cells(*cell.split(" ", 1)))
