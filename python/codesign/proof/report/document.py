# SPDX-License-Identifier: Apache-2.0
"""A report as JSON, and the JSON Schema that describes it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from codesign.proof.report.content import Report

_ADAPTER = TypeAdapter(Report)


def render_json(report: Report) -> str:
    """The report's document; docs/report.schema.json describes it.

    Raises:
        ValueError: a figure is not finite, which JSON cannot hold.
    """
    return json.dumps(_ADAPTER.dump_python(report), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the report's document."""
    schema = _ADAPTER.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "codesign report"}
