# SPDX-License-Identifier: Apache-2.0
"""What listeners answered, checked: files come from other machines."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from codesign.base.errors import InputError, one_line
from codesign.base.reading import read_limited
from codesign.hearing.listen.design import Key, Kind

MAX_BYTES = 256 * 1024
MAX_KEY_BYTES = 64 * 2**20
_KEY_HINT = "codesign listen make writes it beside the test"
"""Of one result: 1000 pages need about 100 KiB."""

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]{1,20}$")]
Listener = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Preference(_Strict):
    """An answer to a page of two: score −3…3, positive prefers the stimulus shown as B (`right`)."""

    trial: Identifier
    left: Identifier
    right: Identifier
    score: Annotated[int, Field(ge=-3, le=3)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


class Rating(_Strict):
    """An answer to a MUSHRA page: scores 0…100 by stimulus."""

    trial: Identifier
    scores: dict[Identifier, Annotated[int, Field(ge=0, le=100)]]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


class Result(_Strict):
    """One listener's session; `finished` is "" while it is not complete."""

    schema_version: Literal[1]
    kind: Literal["listen-result"]
    test: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    test_kind: Kind
    listener: Listener
    started: Annotated[str, Field(max_length=40)]
    finished: Annotated[str, Field(max_length=40)]
    answers: Annotated[tuple[Preference | Rating, ...], Field(max_length=5000, strict=False)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wanted = Preference if self.test_kind == "preference" else Rating
        if not all(isinstance(answer, wanted) for answer in self.answers):
            raise ValueError(f"answers do not belong to a {self.test_kind} test")
        trials = [answer.trial for answer in self.answers]
        if len(set(trials)) != len(trials):
            raise ValueError("a page is answered twice")
        return self


@dataclass(frozen=True)
class Refused:
    """A file that could not be used, and why."""

    file: str
    reason: str


def parse_result(data: bytes) -> Result:
    """One result.

    Raises:
        InputError: too long, not JSON, or not a result.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"larger than {MAX_BYTES // 1024} KiB")
    try:
        return Result.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where + ': ' if where else ''}{re.sub('^Value error, ', '', first['msg'])}") from error


def read_results(folder: Path, key: Key) -> tuple[tuple[Result, ...], tuple[Refused, ...]]:
    """All results of a test among the .json files of `folder`; a damaged or foreign file is refused, the others are kept.

    Of several complete results by one listener the first finished counts: the others are refused by name.

    Raises:
        InputError: no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", hint="name the folder of results")
    good: list[tuple[Path, Result]] = []
    refused: list[Refused] = []
    for path in sorted(folder.glob("*.json")):
        try:
            with path.open("rb") as file:
                result = parse_result(file.read(MAX_BYTES + 1))
            _check(result, key)
            good.append((path, result))
        except (OSError, InputError) as error:
            refused.append(Refused(path.name, one_line(getattr(error, "message", "") or str(error))))
    good.sort(key=lambda pair: (pair[1].finished, pair[0].name))
    kept: dict[str, Result] = {}
    for path, result in good:
        if result.listener in kept:
            refused.append(Refused(path.name, f"listener {result.listener} has another result, finished earlier"))
        else:
            kept[result.listener] = result
    return tuple(kept[name] for name in sorted(kept)), tuple(refused)


def _check(result: Result, key: Key) -> None:
    if result.test != key.test or result.test_kind != key.test_kind:
        raise InputError(f"of another test, {result.test}")
    for answer in result.answers:
        trial = key.trials.get(answer.trial)
        shown: Sequence[str] = (answer.left, answer.right) if isinstance(answer, Preference) else tuple(answer.scores)
        if trial is None or sorted(trial.stimuli) != sorted(shown):
            raise InputError(f"page {answer.trial} is not of this test")
    if not result.finished or len(result.answers) != len(key.trials):
        raise InputError(f"not complete: {len(result.answers)} of {len(key.trials)} pages")


def read_key(path: Path) -> Key:
    """The key that `make` wrote.

    Raises:
        InputError: not readable or not a key.
    """
    try:
        return TypeAdapter(Key).validate_python(json.loads(read_limited(path, MAX_KEY_BYTES, _KEY_HINT)))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a test's key", hint=_KEY_HINT) from error
