# SPDX-License-Identifier: Apache-2.0
"""An analysis as a page, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.base.words import counted
from codesign.hearing.listen.analysis import SCALE, ListenerAnalysis, SystemDifference, SystemScore
from codesign.hearing.listen.plot import score_chart
from codesign.proof.report.page import page_environment, source
from codesign.proof.report.summary import escape, table

SCHEMA_VERSION = 1
_SCORES = ("system", "condition", "listeners", "mean", "95 % low", "95 % high")
_PAIRS = ("pair", "listeners", "difference", "90 % low", "90 % high", "margin", "p equivalence", "p difference", "equivalent")


def write_analysis(path: Path, analysis: ListenerAnalysis) -> None:
    """Write one file by its ending: .html, .md, .csv (the scores) or .json.

    Raises:
        InputError: another ending, or the folder is missing or not writable.
    """
    renderers = {".html": render_page, ".md": render_markdown, ".csv": render_csv, ".json": render_json}
    if path.suffix.lower() not in renderers:
        raise InputError(f"cannot write {path}: '{path.suffix}' is not written", hint=f"endings: {', '.join(renderers)}")
    text = renderers[path.suffix.lower()](analysis)
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def render_json(analysis: ListenerAnalysis) -> str:
    """schema_version, kind and the analysis."""
    adapter = TypeAdapter(ListenerAnalysis)
    head = f'{{\n "schema_version": {SCHEMA_VERSION},\n "kind": "listen-analysis",\n "analysis": '
    return head + adapter.dump_json(analysis, indent=1).decode("utf-8") + "\n}\n"


def render_csv(analysis: ListenerAnalysis) -> str:
    """One line a system and condition."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_SCORES)
    for row in score_rows(analysis):
        # A leading =, +, - or @ that is no number would be a formula in a spreadsheet.
        writer.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") and not _is_number(cell) else cell for cell in row])
    return buffer.getvalue()


def render_markdown(analysis: ListenerAnalysis) -> str:
    """Tables and the answer in words."""
    lines = [f"### {escape(analysis.title)}", "", *(f"- {escape(text)}" for text in facts(analysis)), ""]
    lines += [*table(_SCORES, score_rows(analysis)), ""]
    if analysis.comparisons:
        lines += [*table(_PAIRS, pair_rows(analysis)), ""]
    lines += [escape(answer(comparison)) + "\n" for comparison in analysis.comparisons]
    return "\n".join(lines)


def render_page(analysis: ListenerAnalysis) -> str:
    """A page without anything from outside."""
    environment = page_environment("codesign.hearing.listen")
    report = page_environment("codesign.proof.report")
    return environment.get_template("analysis.html.j2").render(
        analysis=analysis,
        style=Markup(source(report, "style.css")),  # noqa: S704 - our own file
        chart=score_chart(analysis),
        facts=facts(analysis),
        scores=(_SCORES, score_rows(analysis)),
        pairs=(_PAIRS, pair_rows(analysis)),
        answers=[answer(comparison) for comparison in analysis.comparisons],
    )


def facts(analysis: ListenerAnalysis) -> list[str]:
    """Who counts, and what the numbers mean."""
    low, high = SCALE[analysis.test_kind]
    what = "preference over the unprocessed recording" if analysis.test_kind == "preference" else "MUSHRA score"
    scale = f"{what}, {low:g} to {high:g}".replace("-", "−")
    counts = f"{counted(analysis.listeners, 'listener')} count{'s' if analysis.listeners == 1 else ''}"
    return [
        f"{counts}, {len(analysis.excluded)} screened out, {counted(len(analysis.refused), 'file')} refused",
        f"Score: {scale}; mean over listeners of each listener's mean, 95 % t interval within the scale",
        f"Screening: {analysis.rule}",
        *analysis.notes,
    ]


def score_rows(analysis: ListenerAnalysis) -> list[tuple[str, ...]]:
    """Cells of the table of scores."""
    return [_score(row) for row in analysis.scores]


def pair_rows(analysis: ListenerAnalysis) -> list[tuple[str, ...]]:
    """Cells of the table of comparisons."""
    return [_pair(row) for row in analysis.comparisons]


def answer(comparison: SystemDifference) -> str:
    """What a comparison says, in words."""
    names, found = f"{comparison.first} and {comparison.second}", comparison.result
    if found.equivalent is None or found.p is None:
        return f"{names}: one listener says nothing about the others."
    if found.equivalent:
        return f"{names} are equivalent: the difference is within ±{found.margin:g} (two one-sided tests, p = {_p(found.p)})."
    different = found.p_difference is not None and found.p_difference < 0.05
    said = "they differ" if different else "nor that they differ"
    shown = f"It is not shown that {names} are within ±{found.margin:g} of each other (p = {_p(found.p)})"
    return f"{shown}; {said} (p = {_p(found.p_difference)})."


def _score(row: SystemScore) -> tuple[str, ...]:
    mean = row.score
    return (row.system, row.condition or "all", str(mean.n), _number(mean.mean), _number(mean.low), _number(mean.high))


def _pair(row: SystemDifference) -> tuple[str, ...]:
    found = row.result
    verdict = "–" if found.equivalent is None else "yes" if found.equivalent else "not shown"
    values = (_number(found.difference), _number(found.low), _number(found.high), f"{found.margin:g}")
    return (f"{row.first} − {row.second}", str(found.n), *values, _p(found.p), _p(found.p_difference), verdict)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
