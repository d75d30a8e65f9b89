# SPDX-License-Identifier: Apache-2.0
"""TOML files of bounded size and depth: board cards, recipes, thresholds."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codesign.base.errors import InputError
from codesign.base.reading import read_limited

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
_MAX_DOTS = 256  # in a line: tomllib takes cubic time for a key of thousands of parts


def read_toml(path: Path, hint: str) -> dict[str, Any]:
    """The tables of a TOML file; `hint` is what an error says to do.

    Raises:
        InputError: as `parse_toml`, or the file cannot be read.
    """
    data = read_limited(path, MAX_BYTES, hint)
    try:
        text = data.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}", hint=hint) from error
    return parse_toml(text, str(path), hint)


def parse_toml(text: str, where: str, hint: str) -> dict[str, Any]:
    """The tables in `text`, which came from `where`.

    Every number is finite and within TOML's 64 bits, no text holds a NUL, nothing is nested deeper than `MAX_DEPTH`.

    Raises:
        InputError: not TOML, or one of these does not hold; names `where` and the key or line.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"{where}: more than {MAX_BYTES:,} characters", hint=hint)
    dotted = next((n for n, line in enumerate(text.split("\n"), 1) if line.count(".") > _MAX_DOTS), 0)
    if dotted:
        raise InputError(f"{where}: line {dotted} has more than {_MAX_DOTS} dots", hint=hint)
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}", hint=hint) from None
    except ValueError as error:  # of tomllib, or of int() for thousands of digits
        reason = "a number of thousands of digits" if "int_max_str_digits" in str(error) else error
        raise InputError(f"{where} is not TOML: {reason}", hint=hint) from error
    _check(document, where, hint)
    return document


def toml_text(tables: Mapping[str, Any]) -> str:
    """TOML of tables of texts, numbers, truth values, lists and tables; None is left out."""
    keys = [f"{_key(name)} = {_value(value)}\n" for name, value in tables.items() if not isinstance(value, Mapping | None)]
    text = "".join(keys)
    for name, value in tables.items():
        if isinstance(value, Mapping):
            inner = [f"{_key(key)} = {_value(one)}\n" for key, one in value.items() if one is not None]
            text += f"\n[{_key(name)}]\n{''.join(inner)}"
    return text


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)  # texts, numbers and truth values of JSON are TOML's


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def _check(document: dict[str, Any], where: str, hint: str) -> None:
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while waiting:
        keys, value = waiting.pop()
        problem = _problem(value) or (_TOO_DEEP if len(keys) > MAX_DEPTH else "")
        if problem:
            raise InputError(f"{where}: {'.'.join(keys)}: {problem}", hint=hint)
        if isinstance(value, dict):
            waiting += [((*keys, key), inner) for key, inner in value.items()]
            if any("\0" in key for key in value):
                raise InputError(f"{where}: {'.'.join(keys) or 'a key'}: a NUL character in a key", hint=hint)
        elif isinstance(value, list):
            waiting += [((*keys, str(index)), inner) for index, inner in enumerate(value)]


def _problem(value: object) -> str:
    """What is wrong with one value, "" if nothing is."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "a whole number beyond 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if isinstance(value, str) and "\0" in value:
        return "a NUL character in the text"
    return ""
