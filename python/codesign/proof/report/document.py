# SPDX-License-Identifier: Apache-2.0
"""A report as JSON, as cli/schemas/report.schema.json describes it."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from codesign.proof.report.content import Report

_ADAPTER = TypeAdapter(Report)


def render_json(report: Report) -> str:
    """The report's document; the schema `report` describes it.

    Raises:
        ValueError: a figure is not finite, which JSON cannot hold.
    """
    return json.dumps(_ADAPTER.dump_python(report), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
