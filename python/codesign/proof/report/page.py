# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from codesign.proof.aid import rows_of
from codesign.proof.judgement import quality_in_words
from codesign.proof.report.charts.aid import aid_curves
from codesign.proof.report.charts.bar import budget_bar, used_percent
from codesign.proof.report.charts.frames import cost_chart, difference_chart, is_flat
from codesign.proof.report.charts.plan import plan_chart
from codesign.proof.report.charts.stages import stages_chart
from codesign.proof.report.charts.treemap import treemap
from codesign.proof.report.content import BudgetRow, MemoryRow, Report
from codesign.proof.report.document import render_json
from codesign.proof.report.sound import PlayedSound


@dataclass(frozen=True)
class _BudgetRow:
    budget: BudgetRow
    used: str
    percent: str
    bar: Markup


@dataclass(frozen=True)
class _MemoryPicture:
    of: MemoryRow
    budget: BudgetRow | None
    picture: Markup


def render_page(report: Report, sounds: Sequence[PlayedSound] = ()) -> str:
    """The whole page. Every name in it is escaped, and a content security policy lets only the page's own script run."""
    environment = page_environment("codesign.proof.report")
    style, *scripts = (source(environment, name) for name in ("style.css", "player.js", "figures.js"))
    script = "\n".join(scripts)
    hop_ms = 1000 * report.model.hop / report.model.sample_rate
    budgets = {budget.name.lower(): budget for budget in report.budgets}
    return environment.get_template("page.html.j2").render(
        report=report,
        sounds=sounds,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own files
        figures=Markup(render_json(report).replace("<", "\\u003c")),  # noqa: S704 - JSON with its < escaped
        style_hash=csp_hash(style),
        script_hash=csp_hash(script),
        budgets=[_budget_row(budget) for budget in report.budgets],
        memories=[
            _MemoryPicture(memory, budgets.get(memory.kind), _treemap(memory)) for memory in report.memories if memory.used
        ],
        quality=quality_in_words(report.quality),
        plan_picture=plan_chart(report.plan),
        cost_picture=cost_chart(report.trace, report.cost) if report.cost and not is_flat(report.trace) else None,
        stages_picture=stages_chart(report.layers, report.target.clock_hz) if report.layers else None,
        difference_picture=difference_chart(report.trace, hop_ms) if any(report.trace.difference) else None,
        aid_rows=rows_of(report.aid) if report.aid else (),
        aid_curves=aid_curves(report.aid) if report.aid else (),
    )


def page_environment(package: str) -> jinja2.Environment:
    """Jinja for the HTML templates of a package: escaping everywhere, undefined names are errors."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["file_name"] = file_name
    return environment


def source(environment: jinja2.Environment, name: str) -> str:
    """The text of a file beside the templates, as it is."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def csp_hash(text: str) -> str:
    """The source expression by which a content security policy names an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def file_name(name: str) -> str:
    """`name` with nothing in it that a file name may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "recording"


def _treemap(memory: MemoryRow) -> Markup:
    return treemap(memory, 340.0 if memory.kind == "flash" else 200.0)


def _budget_row(budget: BudgetRow) -> _BudgetRow:
    error = f" ±{100 * budget.error:.0f} %" if budget.error else ""
    if budget.unit == "bytes":
        used = f"{budget.used:,.0f} of {budget.limit:,.0f} bytes"
    else:
        used = f"{budget.used:.2f}{error} of {budget.limit:g} {budget.unit}"
    return _BudgetRow(budget, used, f"{used_percent(budget):.0f} %", budget_bar(budget))
