# SPDX-License-Identifier: Apache-2.0
"""The figures of a JSON document that codesign wrote: a report, a baseline, or what verify, demo, build or size print."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from codesign.base.errors import InputError, one_line
from codesign.base.reading import read_limited
from codesign.firmware.size import Footprint, Group
from codesign.proof import Verdict
from codesign.proof.report.content import Metric
from codesign.proof.report.metrics import footprint_metrics, verdict_metrics

SCHEMA_VERSION: Literal[1] = 1
MAX_BYTES = 64 * 2**20
_KINDS = "report, baseline, verify, demo, build and size documents"


@dataclass(frozen=True)
class Figures:
    """What is compared, and (name, value) pairs that tell where it comes from: model, board, compiler, commit."""

    origin: tuple[tuple[str, str], ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class _Baseline:
    schema_version: Literal[1]
    kind: Literal["baseline"]
    origin: dict[str, str]
    metrics: tuple[Metric, ...]


def read_figures(path: Path) -> Figures:
    """Read a document.

    Raises:
        InputError: not readable, not JSON, not one of codesign's documents, of another schema_version, or damaged.
    """
    try:
        document = json.loads(read_limited(path, MAX_BYTES, "name a document that codesign wrote: report -o FILE.json"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint=f"compare reads {_KINDS}") from error
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        found = document.get("schema_version") if isinstance(document, dict) else None
        hint = f"compare reads {_KINDS}, schema_version {SCHEMA_VERSION}"
        raise InputError(f"{path}: schema_version is {found!r}", hint=hint)
    try:
        figures = _figures(document)
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {_reason(error)}", hint="write it again") from error
    if figures is None:
        raise InputError(f"{path}: kind is {document.get('kind')!r}", hint=f"compare reads {_KINDS}")
    if bad := [metric.name for metric in figures.metrics if not math.isfinite(metric.value)]:
        raise InputError(f"{path}: {bad[0]} is not finite", hint="write it again")
    return figures


def render_baseline(figures: Figures) -> str:
    """The document that keeps nothing but the figures: small enough to be committed."""
    document = _Baseline(SCHEMA_VERSION, "baseline", dict(figures.origin), figures.metrics)
    plain: dict[str, Any] = TypeAdapter(_Baseline).dump_python(document)
    rows = ",\n  ".join(json.dumps(metric, ensure_ascii=False, allow_nan=False) for metric in plain.pop("metrics"))
    head = json.dumps(plain, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{head},\n "metrics": [\n  {rows}\n ]\n}}\n'


def _figures(document: Mapping[str, Any]) -> Figures | None:
    match document.get("kind"):
        case "baseline":
            baseline = TypeAdapter(_Baseline).validate_python(document)
            return Figures(tuple(baseline.origin.items()), baseline.metrics)
        case "report":
            metrics = TypeAdapter(tuple[Metric, ...]).validate_python(document["metrics"])
            origin = document["provenance"]
            names = {
                "model": f"{document['model']['name']} {document['model']['sha256'][:12]}",
                "board": f"{document['target']['name']} in {document['target']['emulator']}",
                "compiler": origin["compiler"],
                "commit": origin["commit"],
            }
            return Figures(_origin(names), metrics)
        case "verify" | "demo":
            verdict = TypeAdapter(Verdict).validate_python(_with_nan(document["verdict"]))
            board = f"{verdict.board} in {verdict.emulator}"
            return Figures(
                _origin({"model": verdict.model, "board": board, "compiler": verdict.compiler}), verdict_metrics(verdict)
            )
        case "build" | "size":
            footprint = TypeAdapter(Footprint).validate_python(document["footprint"])
            groups = TypeAdapter(tuple[Group, ...]).validate_python(document["groups"])
            return Figures(_origin({"compiler": document.get("compiler", "")}), footprint_metrics(footprint, groups))
        case _:
            return None


def _with_nan(verdict: Mapping[str, Any]) -> Mapping[str, Any]:
    """A verdict whose qualities have the numbers that JSON could not hold."""
    rows = [{name: math.nan if value is None else value for name, value in row.items()} for row in verdict.get("quality", ())]
    return {**verdict, "quality": rows}


def _origin(names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, one_line(str(value))) for name, value in names.items() if value)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, _path(first['loc'])))}: {first['msg']}"
    return f"{type(error).__name__} {error}"


def _path(location: Sequence[object]) -> Sequence[object]:
    return location or ("document",)
