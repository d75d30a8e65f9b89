# SPDX-License-Identifier: Apache-2.0
"""Search spaces: a recipe, the keys of it that are searched, what is wanted and what is allowed."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from codesign.base.errors import InputError
from codesign.base.toml import read_toml
from codesign.compiler.frontend.near import near
from codesign.compiler.quantize.calibrate import Activations
from codesign.learning.families.recipes import Table
from codesign.learning.train.recipe import Recipe, recipe_of, recipe_tables
from codesign.search.dimension import HINT, Dimension, Suggests, dimension_of
from codesign.search.figures import COSTS, FIGURES, QUALITIES

Values = Mapping[str, Any]
ACTIVATIONS = "activations"
"""A key that is no recipe's: how wide values of the quantized network are."""
_TRIES = 64


class Settings(Table):
    """How a space is searched. docs/search.md explains every key."""

    recipe: str = Field(min_length=1)
    objectives: tuple[str, ...] = Field(default=("si_sdr_db", "worst_ms"), strict=False, min_length=1, max_length=4)
    trials: int = Field(default=16, ge=0, le=100_000)
    candidates: int = Field(default=0, ge=0, le=1_000_000)
    sampler: Literal["surface", "tpe", "nsga2", "random"] = "surface"
    seed: int = Field(default=1, ge=0, lt=2**31)
    rungs: tuple[int, ...] = Field(default=(), strict=False)
    keep: float = Field(default=0.75, gt=0.0, le=1.0)
    finalists: int = Field(default=2, ge=0, le=100)
    start: tuple[str, ...] = Field(default=(), strict=False)
    warm: bool = False
    activations: Activations = "int8"

    @field_validator("start", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name in self.objectives:
            if name not in FIGURES:
                raise ValueError(f"'{name}' is not one of {', '.join(FIGURES)}{near(name, FIGURES)}")
        if len(set(self.objectives)) != len(self.objectives):
            raise ValueError("an objective is there twice")
        if self.trials and not any(name in QUALITIES for name in self.objectives):
            raise ValueError(f"trials are trained, but no objective is of training: name one of {', '.join(QUALITIES)}")
        if any(rung < 1 for rung in self.rungs) or list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError("rungs must be steps, each more than the one before")
        return self

    @property
    def most_candidates(self) -> int:
        """How many shapes are costed at most."""
        return self.candidates or max(200, 20 * self.trials)


@dataclass(frozen=True)
class Space:
    """A space from the file `path`: a recipe's tables with `dimensions` to vary, and limits beside the board's budget."""

    path: Path
    settings: Settings
    base: Mapping[str, Any]
    dimensions: tuple[Dimension, ...]
    limits: Mapping[str, float]

    @property
    def recipe_folder(self) -> Path:
        """Where paths in the recipe's [distill] are taken from."""
        return (self.path.parent / self.settings.recipe).parent

    @property
    def starts(self) -> tuple[Path, ...]:
        """Networks that trials may begin with."""
        return tuple(self.path.parent / name for name in self.settings.start)

    def draw(self, trial: Suggests) -> dict[str, Any]:
        """A value for each key that is searched beside those before it."""
        values: dict[str, Any] = {}
        for dimension in self.dimensions:
            if dimension.applies({**self._fixed(dimension), **values}):
                values[dimension.key] = dimension.suggest(trial)
        return values

    def recipe(self, values: Values) -> Recipe:
        """The recipe with `values` in it.

        Raises:
            InputError: they make no recipe, such as a hop that does not divide its window.
        """
        tables = copy.deepcopy(dict(self.base))
        family = values.get("network.family")
        if family is not None and tables.get("network", {}).get("family", "lstm") != family:
            tables["network"] = {"family": family}  # what the recipe says is of another family
        for key, value in values.items():
            if key != ACTIVATIONS:
                _put(tables, key, value, f"{self.path}: space.{key}")
        return recipe_of(tables, str(self.path))

    def parameters(self, values: Values) -> dict[str, Any]:
        """Values as Optuna's parameters."""
        return {one.key: one.parameter(values[one.key]) for one in self.dimensions if one.key in values}

    def activations(self, values: Values) -> Activations:
        """How wide the values of the quantized network are."""
        chosen: Activations = values.get(ACTIVATIONS, self.settings.activations)
        return chosen

    def stops(self, recipe: Recipe) -> tuple[int, ...]:
        """Steps of training after which a trial is scored: the rungs, then the end of [train]."""
        end = recipe.train.steps
        rungs = self.settings.rungs or (max(1, end // 8), max(1, end // 2))
        return (*sorted({rung for rung in rungs if rung < end}), end)

    def identity(self) -> str:
        """What must not change while a search goes on; how many trials it has, and which of them end it, may."""
        kept = self.settings.model_dump(mode="json", exclude={"trials", "candidates", "finalists", "recipe"})
        said = [repr(dimension) for dimension in self.dimensions]
        return json.dumps([kept, self.base, said, dict(self.limits)], sort_keys=True)

    def _fixed(self, dimension: Dimension) -> dict[str, Any]:
        """Values of the recipe for keys that `dimension` depends on."""
        found = {}
        for key in dimension.when:
            at: Any = self.base
            for part in key.split("."):
                at = at.get(part) if isinstance(at, dict) else None
            found[key] = "lstm" if at is None and key == "network.family" else at
        return found


def read_space(path: Path) -> Space:
    """The space in a TOML file.

    Raises:
        InputError: the file or its recipe cannot be read, a key has a mistake, or no values of it make a recipe.
    """
    tables = read_toml(path, HINT)
    keys, limits = tables.pop("space", {}), tables.pop("limits", {})
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        raise InputError(f"{path}: {_first(error)}", hint=HINT) from error
    if not isinstance(keys, dict) or not keys:
        raise InputError(f"{path}: [space] names no key of the recipe", hint=HINT)
    dimensions = tuple(dimension_of(key, given, str(path)) for key, given in _flat(keys))
    base = recipe_tables(path.parent / settings.recipe)
    recipe_of(base, str(path.parent / settings.recipe))
    space = Space(path, settings, base, dimensions, _limits(limits, path))
    _check_dimensions(space)
    return space


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "space"
    if first["type"] == "extra_forbidden":
        return f"{key}: means nothing{near(key, [*Settings.model_fields, 'space', 'limits'])}"
    return f"{key}: {first['msg'].removeprefix('Value error, ')}"


def _flat(tables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Keys with dots, whether they were written in quotes or as tables of tables."""
    found: list[tuple[str, Any]] = []
    for name, value in tables.items():
        key = f"{prefix}{name}"
        is_range = isinstance(value, dict) and bool({"from", "to", "choices"} & set(value))
        found += _flat(value, f"{key}.") if isinstance(value, dict) and not is_range else [(key, value)]
    return found


def _limits(given: Any, path: Path) -> dict[str, float]:
    if not isinstance(given, dict):
        raise InputError(f"{path}: limits: must be a table", hint=HINT)
    for name, value in given.items():
        if name not in COSTS:
            raise InputError(f"{path}: limits.{name}: is not one of {', '.join(COSTS)}{near(name, COSTS)}", hint=HINT)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise InputError(f"{path}: limits.{name}: must be a number above 0", hint=HINT)
    return {name: float(value) for name, value in given.items()}


def _check_dimensions(space: Space) -> None:
    """Raise InputError unless conditions name what is chosen before them and some values make a recipe."""
    known: set[str] = set()
    for dimension in space.dimensions:
        for key in dimension.when:
            later = key not in known and any(other.key == key for other in space.dimensions)
            if later or (key not in known and space._fixed(dimension)[key] is None):
                raise InputError(
                    f"{space.path}: space.{dimension.key}.when: '{key}' is no key of the recipe or of [space] above", hint=HINT
                )
        known.add(dimension.key)
        if dimension.key == ACTIVATIONS and not set(dimension.choices) <= {"int8", "int16", "auto"}:
            raise InputError(f"{space.path}: space.activations: int8, int16 or auto", hint=HINT)
    chance = Chance(space.settings.seed)
    for count in range(_TRIES):
        try:
            space.recipe(space.draw(chance))
        except InputError:
            if count == _TRIES - 1:
                raise
        else:
            return


class Chance:
    """Values by chance, with Optuna's words."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self._random.choice(choices)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        if log:
            return min(high, int(math.exp(self._random.uniform(math.log(low), math.log(high + 1)))))
        return self._random.randrange(low, high + 1, step)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        if log:
            return min(high, max(low, math.exp(self._random.uniform(math.log(low), math.log(high)))))
        if step is not None:
            return low + step * self._random.randint(0, round((high - low) / step))
        return self._random.uniform(low, high)


def _put(tables: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Set table.key, or item n of table.key.n.

    Raises:
        InputError: there is no such item, or the key goes through what is no table.
    """
    *path, last = key.split(".")
    at: Any = tables
    for part in path:
        if isinstance(at, dict):
            at = at.setdefault(part, {})
            continue
        at = None
    if isinstance(at, dict):
        at[last] = value
    elif isinstance(at, list) and last.isdecimal() and int(last) < len(at):
        at[int(last)] = value
    else:
        raise InputError(f"{where}: the recipe has no such item", hint="give the whole list as choices")
