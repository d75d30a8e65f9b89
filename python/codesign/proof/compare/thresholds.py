# SPDX-License-Identifier: Apache-2.0
"""How much worse each figure may get, from TOML."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codesign.base.errors import InputError
from codesign.base.toml import parse_toml, read_toml
from codesign.proof.report.content import Metric

_HINT = "see docs/compare.md"
_DEFAULT = "default"

DEFAULTS = """\
[default]
percent = 1.0

["check.*"]
percent = 0

[stack]
percent = 0
absolute = 64

["part.*"]
percent = 5
absolute = 256
required = false

["layer.*"]
percent = 2
absolute = 100
required = false

["quality.*.si_sdr"]
percent = 0
absolute = 0.1

["quality.*.estoi"]
percent = 0
absolute = 0.005
"""
"""What holds without a file, and below every file."""


class Threshold(BaseModel):
    """A figure may get worse by the larger of `percent` of its base and `absolute`, in its own unit.

    `required`: that it is gone from the new document is a failure too. `ignore`: shown, never a failure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    percent: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 0.0
    absolute: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 0.0
    required: bool = True
    ignore: bool = False

    def allowed(self, base: float) -> float:
        """How much worse than `base` a figure may be."""
        return max(abs(base) * self.percent / 100.0, self.absolute)


Rows = tuple[tuple[str, Threshold], ...]


@dataclass(frozen=True)
class Thresholds:
    """Layers of (pattern, threshold) pairs, the user's file before DEFAULTS; patterns are names with * and ?."""

    layers: tuple[Rows, ...]

    def of(self, metric: Metric) -> Threshold:
        """The threshold of the first layer with a pattern for it, there the most exact: the name itself, else the longest.

        Where none has one, the first layer's [default].
        """
        for rows in self.layers:
            found = [(pattern, row) for pattern, row in rows if pattern != _DEFAULT and _matches(metric.name, pattern)]
            if found:
                return max(found, key=lambda item: _exactness(item[0]))[1]
        return next(row for rows in self.layers for pattern, row in rows if pattern == _DEFAULT)


def default_thresholds() -> Thresholds:
    """DEFAULTS."""
    return Thresholds((_rows(parse_toml(DEFAULTS, "DEFAULTS", _HINT), "DEFAULTS"),))


def read_thresholds(path: Path) -> Thresholds:
    """The thresholds of a TOML file on top of DEFAULTS; every table is named after a figure or a pattern.

    Raises:
        InputError: not readable, not TOML, or a table with an unknown or impossible key.
    """
    return Thresholds((_rows(read_toml(path, _HINT), str(path)), *default_thresholds().layers))


def _rows(document: Mapping[str, Any], where: str) -> Rows:
    rows = []
    for name, table in document.items():
        try:
            rows.append((name, Threshold.model_validate(table)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join((name, *map(str, first["loc"])))
            quoted = (
                f'; write ["{name}.…"] with quotes' if first["type"] == "extra_forbidden" and isinstance(table, dict) else ""
            )
            raise InputError(f"{where}: {key}: {first['msg']}{quoted}", hint=_HINT) from error
    return tuple(rows)


def _matches(name: str, pattern: str) -> bool:
    # Names hold brackets and such: only * and ? have a meaning.
    return fnmatch.fnmatchcase(name, re.sub(r"\[", "[[]", pattern))


def _exactness(pattern: str) -> tuple[bool, int]:
    literal = len(pattern) - pattern.count("*") - pattern.count("?")
    return literal == len(pattern), literal
