# SPDX-License-Identifier: Apache-2.0
"""codesign compare: what grew or slowed between two reports."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.base.files.output_file import check_files, replace_file
from codesign.cli.console import cells, emit_json, say, stderr, table


class TableFormat(StrEnum):
    table = "table"
    md = "md"
    json = "json"


def command(
    base: Annotated[Path, typer.Argument(help="JSON of report, verify, demo, build or size, or a baseline.")],
    new: Annotated[Path, typer.Argument(help="The same of the state to judge.")],
    thresholds: Annotated[Path | None, typer.Option("--thresholds", "-t", help="TOML; see docs/compare.md.")] = None,
    form: Annotated[TableFormat, typer.Option("--format", help="table on stderr; md or json on stdout.")] = TableFormat.table,
    update: Annotated[bool, typer.Option("--update", help="Make the new figures the base: rewrite BASE, exit 0.")] = False,
) -> None:
    """Compare two sets of figures; exit code 1 when one is worse than its threshold allows.

    Example: codesign compare before.json demo/report.json --thresholds thresholds.toml --format md
    """
    from codesign.proof.compare import compare, default_thresholds, read_figures, read_thresholds
    from codesign.proof.compare.figures import render_baseline
    from codesign.proof.compare.summary import allowed, change, number, render_comparison

    if update:
        check_files([base], [new, *([thresholds] if thresholds else [])])
    limits = read_thresholds(thresholds) if thresholds else default_thresholds()
    after = read_figures(new)
    # A first baseline has nothing to be compared with.
    before = read_figures(base) if base.exists() or not update else after
    comparison = compare(before, after, limits)
    if update:
        with replace_file(base) as temporary:
            temporary.write_text(render_baseline(after), encoding="utf-8")
    match form:
        case TableFormat.md:
            print(render_comparison(comparison), end="")
        case TableFormat.json:
            emit_json("compare", ok=comparison.ok, comparison=comparison)
        case TableFormat.table:
            rows = table("What changed", "figure", "base", "new", "change", "allowed", "")
            for row in comparison.changed:
                percent = change(row) if row.percent is None else f"{row.percent:+.1f} %"
                values = (number(row, row.base), number(row, row.new), percent, allowed(row), row.verdict)
                rows.add_row(*cells(row.name, *values))
            if comparison.changed:
                stderr.print(rows)
    same = sum(row.verdict == "same" for row in comparison.rows)
    say(f"{len(comparison.rows)} figures: {len(comparison.failed)} beyond the thresholds, {same} unchanged")
    for row in comparison.failed if form is not TableFormat.table else ():
        say(f"too much: {row.name} {number(row, row.base)} → {number(row, row.new)}, allowed {allowed(row) or 'none'}")
    if update:
        say(f"wrote {base}: {len(after.metrics)} figures")
    elif not comparison.ok:
        raise typer.Exit(1)
