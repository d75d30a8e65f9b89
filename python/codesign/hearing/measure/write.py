# SPDX-License-Identifier: Apache-2.0
"""Figures of a hearing aid as a page with curves, or as JSON."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup
from pydantic import TypeAdapter

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.proof.aid import AidFigures, rows_of
from codesign.proof.report.charts.aid import aid_curves
from codesign.proof.report.page import page_environment, source

SCHEMA_VERSION = 1
ENDINGS = (".html", ".json")


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
    environment = page_environment("codesign.proof.report")
    return environment.get_template("aid_page.html.j2").render(
        aid=figures,
        aid_rows=rows_of(figures),
        aid_curves=aid_curves(figures),
        style=Markup(source(environment, "style.css")),  # noqa: S704 - our own file
    )
