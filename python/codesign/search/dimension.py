# SPDX-License-Identifier: Apache-2.0
"""One key of a recipe that is searched: its values, and under which other values it is searched at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from codesign.base.errors import InputError

HINT = "docs/search.md shows a space"
_KEYS = ("from", "to", "step", "log", "choices", "when")
MAX_CHOICES = 200


class Suggests(Protocol):
    """What chooses values: a trial of Optuna, or chance."""

    def suggest_categorical(self, name: str, choices: Any) -> Any: ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int: ...

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float: ...


@dataclass(frozen=True)
class Dimension:
    """The key `key` of a recipe (table.key, or table.key.0 for an item of a list) over `choices`, or over low … high."""

    key: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def suggest(self, trial: Suggests) -> Any:
        """A value, chosen by `trial`."""
        if self.choices:  # as text: Optuna stores no lists
            return json.loads(trial.suggest_categorical(self.key, [json.dumps(choice) for choice in self.choices]))
        if isinstance(self.low, int) and isinstance(self.high, int):
            step = 1 if self.log else int(self.step or 1)
            return trial.suggest_int(self.key, self.low, self.high, step=step, log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)

    def parameter(self, value: Any) -> Any:
        """A value as Optuna's parameter of this key."""
        return json.dumps(value) if self.choices else value

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether the key is searched beside the `values` that were chosen before it."""
        return all(values.get(key) in wanted for key, wanted in self.when.items())


def dimension_of(key: str, given: Any, where: str) -> Dimension:
    """The dimension that a space's [space] gives a key.

    Raises:
        InputError: it is none; `where` and the key are named.
    """
    if isinstance(given, list):
        given = {"choices": given}
    if not isinstance(given, dict):
        raise InputError(f"{where}: space.{key}: must be a list of values or a table with from and to", hint=HINT)
    if unknown := [name for name in given if name not in _KEYS]:
        raise InputError(f"{where}: space.{key}.{unknown[0]}: means nothing ({', '.join(_KEYS)})", hint=HINT)
    when = _when(given.get("when", {}), f"{where}: space.{key}.when")
    if "choices" in given:
        return _choice(key, given, when, f"{where}: space.{key}")
    return _range(key, given, when, f"{where}: space.{key}")


def _choice(key: str, given: dict[str, Any], when: Mapping[str, tuple[Any, ...]], where: str) -> Dimension:
    choices = given["choices"]
    if others := [name for name in ("from", "to", "step", "log") if name in given]:
        raise InputError(f"{where}: choices and {others[0]} do not go together", hint=HINT)
    if not isinstance(choices, list) or not 1 <= len(choices) <= MAX_CHOICES:
        raise InputError(f"{where}: choices must be a list of 1 to {MAX_CHOICES} values", hint=HINT)
    try:
        texts = [json.dumps(choice) for choice in choices]
    except TypeError:
        raise InputError(f"{where}: a choice is a date or time", hint=HINT) from None
    if len(set(texts)) != len(texts):
        raise InputError(f"{where}: a choice is there twice", hint=HINT)
    return Dimension(key, tuple(choices), when=when)


def _range(key: str, given: dict[str, Any], when: Mapping[str, tuple[Any, ...]], where: str) -> Dimension:
    for name in ("from", "to"):
        if name not in given:
            raise InputError(f"{where}: has no '{name}'", hint=HINT)
    for name in ("from", "to", "step"):
        if name in given and (isinstance(given[name], bool) or not isinstance(given[name], int | float)):
            raise InputError(f"{where}.{name}: must be a number", hint=HINT)
    low, high, step, log = given["from"], given["to"], given.get("step"), given.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"{where}.log: must be true or false", hint=HINT)
    if low > high:
        raise InputError(f"{where}: from {low} is above to {high}", hint=HINT)
    if step is not None and (step <= 0 or (isinstance(low, int) and isinstance(high, int) and not isinstance(step, int))):
        raise InputError(f"{where}.step: must be above 0, and whole where from and to are", hint=HINT)
    if log and (low <= 0 or step is not None):
        raise InputError(f"{where}.log: needs from above 0 and no step", hint=HINT)
    if isinstance(low, float) != isinstance(high, float):
        low, high = float(low), float(high)
    if step is not None:
        high = low + (high - low) // step * step  # the last value that is reached
    return Dimension(key, (), low, high, step, log, when)


def _when(given: Any, where: str) -> Mapping[str, tuple[Any, ...]]:
    if not isinstance(given, dict):
        raise InputError(f"{where}: must be a table of other keys and the values they must have", hint=HINT)
    return {key: tuple(value) if isinstance(value, list) else (value,) for key, value in given.items()}
