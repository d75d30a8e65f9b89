# SPDX-License-Identifier: Apache-2.0
"""A report into files, by the ending of their names; each appears complete or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.proof.report.content import Report
from codesign.proof.report.document import render_json
from codesign.proof.report.page import render_page
from codesign.proof.report.sound import PlayedSound
from codesign.proof.report.summary import render_summary

ENDINGS = {".html": "html", ".htm": "html", ".json": "json", ".md": "md"}


def report_format(path: Path) -> str:
    """The format, "html", "json" or "md", that the ending of a file asks for.

    Raises:
        InputError: another ending.
    """
    try:
        return ENDINGS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"cannot write {path}: no report ends in '{path.suffix}'", hint="name a .html, .json or .md file"
        ) from None


def render(report: Report, form: str, sounds: Sequence[PlayedSound] = ()) -> str:
    """The report as "html", "json" or "md"; only a page has sounds."""
    match form:
        case "html":
            return render_page(report, sounds)
        case "json":
            return render_json(report)
        case _:
            return render_summary(report)


def write_report(path: Path, report: Report, sounds: Sequence[PlayedSound] = ()) -> None:
    """Write one file.

    Raises:
        InputError: the ending is unknown, or the folder is missing or not writable.
    """
    text = render(report, report_format(path), sounds)
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
