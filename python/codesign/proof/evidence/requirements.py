# SPDX-License-Identifier: Apache-2.0
"""Requirements and known anomalies, read from TOML files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codesign.base.errors import InputError
from codesign.base.toml import read_toml

_HINT = "see docs/evidence.md"

Id = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*-\d+$", max_length=40)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Id
    title: Text


class Requirement(_Entry):
    """What the software shall do, and the tests that show it: `path/to/test_file.py::test_name`, or a whole file."""

    text: Text
    tests: Annotated[tuple[Text, ...], Field(min_length=1, strict=False)]


class Anomaly(_Entry):
    """What is known to be otherwise than one would expect: what it does, and what to do about it."""

    effect: Text
    remedy: Text


_One = TypeVar("_One", bound=_Entry)


def read_requirements(path: Path) -> tuple[Requirement, ...]:
    """The `[[requirement]]` tables of a TOML file.

    Raises:
        InputError: not readable, no TOML, a key that is none, no table, or an id twice.
    """
    return _read(path, "requirement", Requirement)


def read_anomalies(path: Path) -> tuple[Anomaly, ...]:
    """The `[[anomaly]]` tables of a TOML file.

    Raises:
        InputError: as read_requirements.
    """
    return _read(path, "anomaly", Anomaly)


def _read(path: Path, table: str, kind: type[_One]) -> tuple[_One, ...]:
    document = read_toml(path, _HINT)
    if set(document) != {table} or not isinstance(document[table], list):
        raise InputError(f"{path}: it holds [[{table}]] tables and nothing else", hint=_HINT)
    found: list[_One] = []
    for index, entry in enumerate(document[table], 1):
        try:
            found.append(kind.model_validate(entry))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(map(str, (f"{table} {index}", *problem["loc"])))
            raise InputError(f"{path}: {where}: {problem['msg']}", hint=_HINT) from error
    twice = [name for name, times in Counter(entry.id for entry in found).items() if times > 1]
    if twice:
        raise InputError(f"{path}: the id {twice[0]} stands there twice", hint=_HINT)
    return tuple(found)
