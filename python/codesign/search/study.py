# SPDX-License-Identifier: Apache-2.0
"""The trials of a search in Optuna's storage: what was tried, what is tried next, what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from codesign.base.errors import InputError, one_line
from codesign.firmware.doctor import missing
from codesign.search.figures import FIGURES
from codesign.search.journal import journal_file
from codesign.search.shape_cost import ShapeCost, best_board
from codesign.search.space import Space
from codesign.search.surface import Known, Surface

if TYPE_CHECKING:
    from optuna.study import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

NAME = "search"
JOURNAL = "journal.log"
STARTUP = 8
"""Trials by chance before the sampler learns."""
_VALUES, _COSTS, _RUNGS, _STOPPED = "values", "costs", "rungs", "stopped"
_NO_IMAGE = 10.0
"""How far a network that cannot be built counts as over each limit."""


class TrialStudy:
    """Trials by number. Only one process asks and tells; what it wrote outlives it."""

    def __init__(self, folder: Path, space: Space, storage: str = "") -> None:
        self.space = space
        self._surface = Surface(space)
        self._optuna = optuna = load_optuna()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        directions = ["maximize" if FIGURES[name].higher_is_better else "minimize" for name in space.settings.objectives]
        try:
            store = storage or optuna.storages.JournalStorage(journal_file(folder / JOURNAL))
            self._study: OptunaStudy = optuna.create_study(
                storage=store, study_name=NAME, directions=directions, load_if_exists=True
            )
            known = self._study.user_attrs.get("space")
        except InputError:
            raise
        except ValueError as error:  # another number of objectives
            raise InputError(f"{folder} is of another space: {one_line(str(error))}", hint="choose another folder") from error
        except Exception as error:  # of whatever database
            raise InputError(f"cannot open {storage or folder / JOURNAL}: {one_line(str(error), 160)}") from error
        if known is None:
            self._study.set_user_attr("space", space.identity())
            self._study.set_metric_names(list(space.settings.objectives))
        elif known != space.identity():
            raise InputError(
                f"{folder} is of another space than {space.path}: recipe, [space], [limits] or objectives changed",
                hint="give the space that it began with, or another folder",
            )

    def ask(self) -> Trial:
        """A new trial; with the same trials before it, always the same."""
        self._study.sampler = self._sampler(self.trials())
        return self._study.ask()

    def values(self, trial: Trial) -> dict[str, Any]:
        """What a trial of `ask` tries, drawn and written down."""
        values = self.space.draw(trial)
        trial.set_user_attr(_VALUES, json.dumps(values))
        return values

    def running(self) -> list[tuple[Trial, dict[str, Any] | None]]:
        """Trials that a search which ended left half-done, with their values (None: none were drawn)."""
        found = []
        for trial in self._study.get_trials(deepcopy=False, states=(self._optuna.trial.TrialState.RUNNING,)):
            drawn = trial.user_attrs.get(_VALUES)
            self._study.sampler = self._sampler([other for other in self.trials() if other.number < trial.number])
            live = self._optuna.trial.Trial(self._study, trial._trial_id)
            found.append((live, None if drawn is None else json.loads(drawn)))
        return found

    def set_costs(self, trial: Trial, costs: Sequence[ShapeCost], best: ShapeCost) -> None:
        """Write down what a shape costs; the sampler learns from how far it is over its limits."""
        trial.set_user_attr(_COSTS, json.dumps([asdict(cost) for cost in costs]))
        known = self._frozen(trial).constraints  # of a search that was killed; Optuna warns of what is set twice
        limits = ("flash", "ram", "worst_ms", "delay_ms", *(f"limit {name}" for name in self.space.limits))
        for name in (name for name in limits if name not in known):
            trial.set_constraint(name, min(_NO_IMAGE, best.excess.get(name, _NO_IMAGE)))

    def set_rung(self, trial: Trial, steps: int, scores: Mapping[str, float]) -> None:
        """Write down the scores after `steps`."""
        rungs = rungs_of(self._frozen(trial)) | {steps: dict(scores)}
        trial.set_user_attr(_RUNGS, json.dumps({str(step): found for step, found in rungs.items()}))

    def complete(self, trial: Trial, figures: Mapping[str, float]) -> None:
        """End a trial with its objectives."""
        self._study.tell(trial, [figures[name] for name in self.space.settings.objectives])

    def prune(self, trial: Trial, why: str) -> None:
        """End a trial that does not fit, or that others are ahead of."""
        trial.set_user_attr(_STOPPED, why)
        self._study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)

    def fail(self, trial: Trial, why: str) -> None:
        """End a trial that gave nothing."""
        trial.set_user_attr(_STOPPED, why)
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)

    def trials(self) -> list[FrozenTrial]:
        """All trials so far, by number."""
        return self._study.get_trials(deepcopy=False)

    def _frozen(self, trial: Trial) -> FrozenTrial:
        return next(found for found in self.trials() if found.number == trial.number)

    def _sampler(self, trials: Sequence[FrozenTrial]) -> Any:
        """A sampler whose choices depend on seed and trials alone: one that goes on is one that was never stopped."""
        settings, samplers = self.space.settings, self._optuna.samplers
        seed = (settings.seed * 1_000_003 + len(trials)) % 2**32
        if settings.sampler in ("random", "surface"):
            chance = samplers.RandomSampler(seed=seed)
            chosen = self._surface.choose(known_of(self.space, trials)) if settings.sampler == "surface" else None
            return samplers.PartialFixedSampler(self.space.parameters(chosen), chance) if chosen else chance
        if settings.sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=max(8, settings.trials // 4))
        return samplers.TPESampler(
            seed=seed,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=STARTUP,
        )


def load_optuna() -> Any:
    """Optuna, which takes a second to import.

    Raises:
        ToolError: it is not installed.
    """
    import warnings

    try:
        import optuna
    except ImportError as error:
        raise missing("optuna") from error
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    return optuna


def values_of(trial: FrozenTrial) -> dict[str, Any]:
    """What a trial tried."""
    values: dict[str, Any] = json.loads(trial.user_attrs.get(_VALUES, "{}"))
    return values


def costs_of(trial: FrozenTrial) -> tuple[ShapeCost, ...]:
    """What its shape costs on each board; empty where it was not reached."""
    return tuple(ShapeCost(**cost) for cost in json.loads(trial.user_attrs.get(_COSTS, "[]")))


def rungs_of(trial: FrozenTrial) -> dict[int, dict[str, float]]:
    """Scores by steps of training."""
    return {int(step): scores for step, scores in json.loads(trial.user_attrs.get(_RUNGS, "{}")).items()}


def known_of(space: Space, trials: Sequence[FrozenTrial]) -> list[Known]:
    """What trials say to the sampler `surface`. A stopped one counts with its last scores and the median of what others gained
    after that rung, one that failed as the worst.
    """
    wanted = space.settings.objectives
    found = list[Known]()
    for trial in trials:
        costs, rungs, losses = costs_of(trial), rungs_of(trial), None
        best, whole = best_board(costs) if costs else None, trial.state.name == "COMPLETE"
        if best is not None and (rungs or whole):
            last = max(rungs, default=0)
            figures = {**best.figures, **rungs.get(last, {})}
            gained = {} if whole else _gained(trials, last)
            losses = tuple(FIGURES[name].loss(figures[name] + gained.get(name, 0.0)) for name in wanted)
        excess = None if best is None else max(best.excess.values(), default=_NO_IMAGE)
        found.append(Known(values_of(trial), losses, excess, whole, trial.state.name == "RUNNING"))
    scored = [one.losses for one in found if one.losses is not None]
    if not scored:
        return found
    worst = tuple(map(max, zip(*scored, strict=True)))
    failed = [trial.state.name == "FAIL" for trial in trials]
    return [replace(one, losses=worst) if lost else one for one, lost in zip(found, failed, strict=True)]


def _gained(trials: Sequence[FrozenTrial], rung: int) -> dict[str, float]:
    """By how much scores of trials that were trained to their ends rose after a rung, in the median."""
    ended = [rungs for trial in trials if trial.state.name == "COMPLETE" and rung in (rungs := rungs_of(trial))]
    names = ended[0][rung] if ended else ()
    return {name: median(rungs[max(rungs)][name] - rungs[rung][name] for rungs in ended) for name in names}


def stopped_of(trial: FrozenTrial) -> str:
    """Why a trial ended early, "" where it did not."""
    return str(trial.user_attrs.get(_STOPPED, ""))
