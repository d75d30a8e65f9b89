# SPDX-License-Identifier: Apache-2.0
"""An evaluation as CSV, JSON and Markdown."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.base.intervals import Interval
from codesign.base.words import counted
from codesign.hearing.evaluate.evaluation import Evaluation
from codesign.hearing.evaluate.journal import csv_lines
from codesign.hearing.evaluate.measures import Measure
from codesign.proof.report.summary import escape, table

SCHEMA_VERSION = 1
MAX_NOTES = 5
"""Notes that people are shown."""


def output_format(path: Path) -> str:
    """The ending that says what to write.

    Raises:
        InputError: another one.
    """
    if path.suffix.lower() not in _RENDERERS:
        raise InputError(f"cannot write {path}: '{path.suffix}' is not written", hint=f"endings: {', '.join(_RENDERERS)}")
    return path.suffix.lower()


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write one file by its ending: .csv (every file), .json (everything) or .md (means and differences).

    Raises:
        InputError: another ending, or the folder is missing or not writable.
    """
    text = _RENDERERS[output_format(path)](evaluation)
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def render_csv(evaluation: Evaluation) -> str:
    """One line an item and system; a value that is not to be had is empty."""
    return csv_lines(evaluation.measures, evaluation.scores)


def render_json(evaluation: Evaluation) -> str:
    """schema_version, kind and the evaluation."""
    body = TypeAdapter(Evaluation).dump_json(evaluation, indent=1).decode("utf-8")
    return f'{{\n "schema_version": {SCHEMA_VERSION},\n "kind": "evaluate",\n "evaluation": {body}\n}}\n'


def render_markdown(evaluation: Evaluation) -> str:
    """Means, differences, the first notes and what is missing."""
    lines = [*table(head(evaluation, "system"), mean_rows(evaluation)), ""]
    if rows := difference_rows(evaluation):
        lines += [*table(head(evaluation, f"minus {evaluation.baseline}, paired", difference=True), rows), ""]
    lines += [f"{counted(len(evaluation.items), 'item')}; in brackets 95 % intervals by Student's t.", ""]
    lines += [f"{escape(str(s.saturation))}.\n" for s in evaluation.systems if s.saturation and s.saturation.any()]
    lines += [f"{escape(note)}.\n" for note in evaluation.notes[:MAX_NOTES]]
    if (left := len(evaluation.notes) - MAX_NOTES) > 0:
        lines.append(f"… and {counted(left, 'more note')}; the JSON document has them all.\n")
    lines += [f"{absent.measure} is missing: {absent.reason}." for absent in evaluation.absent]
    return "\n".join(lines).rstrip() + "\n"


def head(evaluation: Evaluation, first: str, *, difference: bool = False) -> list[str]:
    """Column titles."""
    return [first, *(f"{m.name}, {m.unit}" if m.unit else m.name for m in _shown(evaluation, difference))]


def mean_rows(evaluation: Evaluation) -> list[list[str]]:
    """A row a system: means with their intervals."""
    found = {(mean.system, mean.measure): mean.over for mean in evaluation.means}
    names = [system.name for system in evaluation.systems]
    return [[name, *(_cell(found.get((name, m.key)), m) for m in evaluation.measures)] for name in names]


def difference_rows(evaluation: Evaluation) -> list[list[str]]:
    """A row a system: differences to the baseline."""
    found = {(row.system, row.measure): row.over for row in evaluation.differences}
    names = [system.name for system in evaluation.systems if system.name != evaluation.baseline]
    shown = _shown(evaluation, difference=True)
    return [[name, *(_cell(found.get((name, m.key)), m, signed=True) for m in shown)] for name in names]


def _shown(evaluation: Evaluation, difference: bool) -> list[Measure]:
    """The difference of two improvements is that of the figures themselves."""
    return [measure for measure in evaluation.measures if not (difference and measure.key == "si_sdri")]


def _cell(over: Interval | None, measure: Measure, *, signed: bool = False) -> str:
    if over is None:
        return "–"
    form = f"{'+' if signed else ''}.{measure.digits}f"
    if over.low is None or over.high is None:
        return f"{over.mean:{form}}"
    return f"{over.mean:{form}} [{over.low:{form}}, {over.high:{form}}]"


_RENDERERS = {".csv": render_csv, ".json": render_json, ".md": render_markdown}
