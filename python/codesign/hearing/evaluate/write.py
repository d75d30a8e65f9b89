"""An evaluation as CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pydantic import TypeAdapter

from codesign.base.errors import InputError
from codesign.base.output_file import replace_file
from codesign.hearing.evaluate.bootstrap import Interval
from codesign.hearing.evaluate.evaluation import Evaluation
from codesign.hearing.evaluate.measures import Measure
from codesign.proof.report.summary import table

SCHEMA_VERSION = 1


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
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    keys = [measure.key for measure in evaluation.measures]
    writer.writerow(["item", "system", *keys])
    for row in evaluation.scores:
        values = [row.values.get(key) for key in keys]
        # A leading =, +, - or @ of a name would be a formula in a spreadsheet.
        names = [f"'{name}" if name[:1] in ("=", "+", "-", "@") else name for name in (row.item, row.system)]
        writer.writerow([*names, *("" if value is None else f"{value:.6g}" for value in values)])
    return buffer.getvalue()


def render_json(evaluation: Evaluation) -> str:
    """schema_version, kind and the evaluation."""
    body = TypeAdapter(Evaluation).dump_json(evaluation, indent=1).decode("utf-8")
    return f'{{\n "schema_version": {SCHEMA_VERSION},\n "kind": "evaluate",\n "evaluation": {body}\n}}\n'


def render_markdown(evaluation: Evaluation) -> str:
    """Means, differences and what is missing."""
    lines = [*table(head(evaluation, "system"), mean_rows(evaluation)), ""]
    if rows := difference_rows(evaluation):
        lines += [*table(head(evaluation, f"minus {evaluation.baseline}, paired", difference=True), rows), ""]
    lines += [f"{len(evaluation.items)} items; in brackets 95 % intervals of {evaluation.resamples:,} bootstrap resamples.", ""]
    lines += [f"{system.saturation}." for system in evaluation.systems if system.saturation and system.saturation.any()]
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
