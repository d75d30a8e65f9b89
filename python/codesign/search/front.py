# SPDX-License-Identifier: Apache-2.0
"""What a search found: every trial with its figures, and the front: trials that no other is better than in everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from codesign.base.errors import InputError
from codesign.base.files.output_file import replace_file
from codesign.search.figures import FIGURES
from codesign.search.halving import front_of
from codesign.search.shape_cost import best_board
from codesign.search.study import TrialStudy, costs_of, rungs_of, stopped_of, values_of

SCHEMA_VERSION = 1
JSON_NAME = "pareto.json"
State = Literal["trained", "costed", "stopped", "does not fit", "repeated", "failed", "running"]


@dataclass(frozen=True)
class Proven:
    """A finalist's quantized network: its file, beside pareto.json, and what `codesign verify` says of its image.

    `si_sdr_db` is of the quantized network on the validation mixtures, computed by the firmware's own C.
    """

    model: str
    board: str
    ok: bool
    failed: tuple[str, ...]
    si_sdr_db: float
    worst_ms: float | None
    flash: int | None
    ram: int | None


@dataclass(frozen=True)
class TrialResult:
    """A trial. `figures` are by the names of FIGURES, on `board`; `fits_on` are all boards that it fits."""

    number: int
    state: State
    values: Mapping[str, Any]
    figures: Mapping[str, float]
    board: str
    fits_on: tuple[str, ...]
    steps: int
    reason: str
    on_front: bool = False
    proven: Proven | None = None


@dataclass(frozen=True)
class Front:
    """All trials of a search, by number."""

    space: str
    objectives: tuple[str, ...]
    boards: tuple[str, ...]
    trials: tuple[TrialResult, ...]

    @property
    def best(self) -> tuple[TrialResult, ...]:
        """The front, best by the first objective first."""
        first = self.objectives[0]
        return tuple(
            sorted((one for one in self.trials if one.on_front), key=lambda one: FIGURES[first].loss(one.figures[first]))
        )

    def trial(self, number: int) -> TrialResult:
        """The trial of a number.

        Raises:
            InputError: there is none.
        """
        for one in self.trials:
            if one.number == number:
                return one
        raise InputError(f"no trial {number}", hint="codesign search show lists them")


def collect(study: TrialStudy, boards: tuple[str, ...], proven: Mapping[int, Proven]) -> Front:
    """What the study holds now."""
    objectives = study.space.settings.objectives
    found = [_found(trial, proven.get(trial.number)) for trial in study.trials()]
    ended = [one for one in found if one.state in ("trained", "costed") and set(objectives) <= set(one.figures)]
    losses = [tuple(FIGURES[name].loss(one.figures[name]) for name in objectives) for one in ended]
    best = {ended[index].number for index in front_of(losses)}
    marked = tuple(TrialResult(**{**vars(one), "on_front": one.number in best}) for one in found)
    return Front(study.space.path.stem, objectives, boards, marked)


def _found(trial: Any, proven: Proven | None) -> TrialResult:
    costs, rungs = costs_of(trial), rungs_of(trial)
    best = best_board(costs) if costs else None
    steps = max(rungs, default=0)
    figures = {**(best.figures if best else {}), **(rungs[steps] if rungs else {})}
    fits_on = tuple(cost.board for cost in costs if cost.fits)
    return TrialResult(
        number=trial.number,
        state=_state(trial.state.name, bool(rungs), bool(fits_on), bool(costs)),
        values=values_of(trial),
        figures=figures,
        board=best.board if best else "",
        fits_on=fits_on,
        steps=steps,
        reason=stopped_of(trial),
        proven=proven,
    )


def _state(name: str, trained: bool, fits: bool, costed: bool) -> State:
    if name == "COMPLETE":
        return "trained" if trained else "costed"
    if name == "PRUNED":
        return "stopped" if trained else "costed" if fits else "does not fit" if costed else "repeated"
    return "failed" if name == "FAIL" else "running"


def write_front(folder: Path, front: Front) -> Path:
    """Write pareto.json into the search's folder."""
    path = folder / JSON_NAME
    body = TypeAdapter(Front).dump_json(front, indent=1).decode("utf-8")
    with replace_file(path) as temporary:
        temporary.write_text(f'{{\n "schema_version": {SCHEMA_VERSION},\n "kind": "search",\n "front": {body}\n}}\n', "utf-8")
    return path


def read_front(folder: Path) -> Front:
    """What `write_front` wrote.

    Raises:
        InputError: there is no search in the folder, or its file is damaged.
    """
    path, hint = folder / JSON_NAME, "give the folder of a search"
    try:
        document = TypeAdapter(dict[str, Any]).validate_json(path.read_bytes())
        return TypeAdapter(Front).validate_python(document["front"])
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=hint) from error
    except (ValueError, KeyError) as error:
        raise InputError(f"{path} is no result of a search", hint=hint) from error
