# SPDX-License-Identifier: Apache-2.0
"""Tables of a chain, [compression], [[program]] and [beamformer]: from TOML, or JSON in metadata, to their classes and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from codesign.base.errors import InputError, one_line
from codesign.compiler.frontend.beamformer import Beamformer
from codesign.compiler.frontend.compressor import Compressor
from codesign.compiler.frontend.near import near
from codesign.compiler.frontend.programs import Program

Table = Compressor | Program | Beamformer
TABLES: Mapping[str, type[Table]] = {"compressor": Compressor, "programs": Program, "beamformer": Beamformer}
"""The keys of a chain that are tables, and what each table, or each of a list, is."""
_NAMES = {"compressor": "compression", "programs": "program", "beamformer": "beamformer"}
_WANTED: Mapping[type[Table], tuple[str, ...]] = {
    **{Compressor: ("frequencies", "levels", "gains"), Program: ("name",)},
    **{Beamformer: ("kind", "spacing")},
}
_OTHER_KINDS: Mapping[str, tuple[str, ...]] = {"delay_and_sum": ("null", "low")}
"""Keys of a beamformer that are of another kind than its own; what metadata has of them are the defaults."""
_HINT = "correct the table, see docs/hearing-aid-chain.md"
_VECTORS, _ROWS, _TEXTS, _SWITCHES = ("frequencies", "levels"), ("gains",), ("meter", "name", "kind"), ("makeup",)
_MOST_TEXT, _MOST = 2**16, 64


def read_table(key: str, value: object, where: str) -> Any:
    """The value of a chain's key: a Compressor, a Beamformer, or a tuple of Programs. A value that is one already comes back.

    Raises:
        InputError: no such table, one that lacks a key or has one that nobody knows, or a value that is none of its kind.
    """
    if isinstance(value, Compressor | Beamformer) or (
        isinstance(value, tuple) and all(isinstance(each, Program) for each in value)
    ):
        return value
    name = _NAMES[key]
    if isinstance(value, str):
        try:
            value = json.loads(value) if len(value) <= _MOST_TEXT else None
        except (ValueError, RecursionError):
            value = None
    if key != "programs":
        return _table(TABLES[key], name, value, where)
    if not isinstance(value, list) or len(value) > _MOST:
        raise InputError(f"{where} {name} is no list of tables", hint=_HINT)
    return tuple(_table(Program, f"{name} {number}", each, where) for number, each in enumerate(value, 1))


def plain(value: object) -> object:
    """A value of a chain in lists and dictionaries, without what it leaves to others."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(each) for key, each in asdict(value).items() if each not in (None, ())}
    return value


def _table(kind: type[Table], name: str, value: object, where: str) -> Table:
    if not isinstance(value, dict):
        raise InputError(f"{where} {name} is no table", hint=_HINT)
    known = {field.name: field for field in fields(kind)}
    for key in value:
        if key not in known:
            raise InputError(f"{where} {name}: {one_line(str(key), 40)} means nothing{near(key, known)}", hint=_HINT)
    of_others = _OTHER_KINDS.get(str(value.get("kind")), ()) if kind is Beamformer else ()
    for key in of_others:
        if value.get(key, known[key].default) != known[key].default:
            raise InputError(f"{where} {name}: {key} changes nothing with kind '{value['kind']}'", hint=f"leave {key} out")
    missing = [key for key in _WANTED[kind] if key not in value]
    if missing:
        raise InputError(f"{where} {name} has no {missing[0]}", hint=_HINT)
    return kind(**{key: _read(key, each, f"{where} {name}: {key}") for key, each in value.items()})


def _read(key: str, value: object, where: str) -> Any:
    if key in _TEXTS:
        if not isinstance(value, str):
            raise InputError(f"{where} is no text", hint=_HINT)
        return value
    if key in _SWITCHES:
        if not isinstance(value, bool):
            raise InputError(f"{where} is neither true nor false", hint=_HINT)
        return value
    if key in _VECTORS:
        return _numbers(value, where)
    if key in _ROWS:
        if not isinstance(value, list | tuple) or not value or len(value) > _MOST:
            raise InputError(f"{where} are no rows of numbers", hint=_HINT)
        return tuple(_numbers(row, where) for row in value)
    number = _number(value, where)
    if key == "strength":
        if number != int(number):
            raise InputError(f"{where} {number:g} is no whole number", hint=_HINT)
        return int(number)
    return number


def _numbers(value: object, where: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST:
        raise InputError(f"{where} holds no list of numbers", hint=_HINT)
    return tuple(_number(each, where) for each in value)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 or not math.isfinite(value):
        raise InputError(f"{where} holds {one_line(repr(value), 40)}, no number", hint=_HINT)
    return float(value)
