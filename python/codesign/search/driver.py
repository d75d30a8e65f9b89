# SPDX-License-Identifier: Apache-2.0
"""A search: ask for values, cost their shape, train what fits piece by piece, tell what came of it.

Only this process knows the study; jobs are functions of their arguments that can be made again. So a lost worker costs the
piece it was at, and a search that was killed goes on with the trials that ran.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codesign.base.errors import InputError, ValidationError
from codesign.base.progress import Progress, silent
from codesign.learning.data import Folders
from codesign.learning.train.recipe import Recipe
from codesign.search.executor import LOST_TIMES, Executor, Outcome
from codesign.search.figures import FIGURES, QUALITIES
from codesign.search.halving import Losses, goes_on
from codesign.search.shape_cost import ShapeCost, best_board, shape_cost
from codesign.search.space import Space, Values
from codesign.search.starts import finished_start, nearest, read_starts
from codesign.search.study import TrialStudy, costs_of, rungs_of, values_of
from codesign.search.train_job import TrainJob, train_until

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

COSTS, TRIALS = "costs", "trials"
"""Folders of a search: what shapes cost, and what trials trained."""


@dataclass(frozen=True)
class Material:
    """What a search works with: its folder, boards in order of preference, recordings (none where nothing is trained)."""

    folder: Path
    boards: tuple[str, ...]
    recordings: Folders
    device: str = "auto"


@dataclass
class _Running:
    """A trial between ask and tell."""

    trial: Trial
    values: Values
    recipe: Recipe
    cost: ShapeCost | None = None
    steps: int = 0
    lost: int = 0
    job: tuple[Any, ...] = field(default=())


class Search:
    """One search in a folder. `say` gets a line for each trial that ended."""

    def __init__(
        self,
        space: Space,
        material: Material,
        study: TrialStudy,
        executor: Executor,
        show: Progress = silent,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.space, self.material, self.study, self.executor, self.show, self.say = space, material, study, executor, show, say
        self._jobs: dict[Future[Outcome], _Running] = {}
        self._starts = read_starts(space.starts) if space.starts else ()

    def run(self) -> None:
        """Go on until as many networks are trained, or as many shapes costed, as the space says.

        Raises:
            InputError: recordings cannot be used.
            ToolError: a tool is missing.
            ValidationError: nothing fits.
        """
        for trial, values in self.study.running():
            self._begin(trial, values)
        while True:
            self._show()
            while len(self._jobs) < self.executor.slots and self._wants_more():
                self._begin(self.study.ask(), None)
            if not self._jobs:
                break
            done, _ = wait(self._jobs, return_when=FIRST_COMPLETED)
            for future in done:
                self._end(self._jobs.pop(future), future.result())
        self._check_found()

    def _wants_more(self) -> bool:
        trials, settings = self.study.trials(), self.space.settings
        if len(trials) >= settings.most_candidates:
            return False
        trained = sum(1 for trial in trials if rungs_of(trial) and trial.state.is_finished())
        return not settings.trials or trained + len(self._jobs) < settings.trials

    def _begin(self, trial: Trial, values: Values | None) -> None:
        values = self.study.values(trial) if values is None else values
        try:
            recipe = self.space.recipe(values)
        except InputError as error:
            self._give_up(trial, f"no recipe: {error.message}")
            return
        twin = next(
            (other for other in self.study.trials() if other.number < trial.number and values_of(other) == values), None
        )
        if twin is not None:
            self.study.prune(trial, f"the same as trial {twin.number}")
            return
        running = _Running(trial, values, recipe)
        costs = self.material.folder / COSTS
        costs.mkdir(parents=True, exist_ok=True)
        limits, boards = dict(self.space.limits), self.material.boards
        self._submit(running, shape_cost, recipe.model_dump_json(), self.space.activations(values), boards, limits, str(costs))

    def _submit(self, running: _Running, *job: Any) -> None:
        running.job = job
        self._jobs[self.executor.submit(*job)] = running

    def _end(self, running: _Running, outcome: Outcome) -> None:
        """What follows from a job that ended."""
        if outcome.lost:
            self._made_again(running, outcome.lost)
        elif isinstance(outcome.error, ValidationError):
            self._fail(running.trial, outcome.error.message)
        elif outcome.error is not None:
            raise outcome.error
        elif running.cost is None:
            self._costed(running, outcome.value)
        else:
            self._trained(running, outcome.value)

    def _made_again(self, running: _Running, how: str) -> None:
        running.lost += 1
        if running.lost > LOST_TIMES:
            self._fail(running.trial, f"its job {how} {running.lost} times")
            return
        self.say(f"trial {running.trial.number}: its job {how}; it is made again")
        self._submit(running, *running.job)

    def _costed(self, running: _Running, costs: tuple[ShapeCost, ...]) -> None:
        best = best_board(costs)
        self.study.set_costs(running.trial, costs, best)
        if not best.fits:
            self.study.prune(running.trial, why_not(best))
            return
        running.cost = best
        if not self.space.settings.trials:
            wanted = self.space.settings.objectives
            if set(wanted) <= set(best.figures):
                self.study.complete(running.trial, best.figures)
            else:
                self.study.prune(running.trial, "costed only")
            return
        self._train(running)

    def _train(self, running: _Running) -> None:
        """The next piece of a trial's training."""
        running.steps = next(stop for stop in self.space.stops(running.recipe) if stop > running.steps)
        job = TrainJob(
            recipe_json=running.recipe.model_dump_json(),
            recordings=self.material.recordings,
            folder=str(trial_folder(self.material.folder, running.trial.number)),
            steps=running.steps,
            measures=tuple(name for name in self.space.settings.objectives if name in QUALITIES),
            beside=str(self.space.recipe_folder),
            start=str(self._start_of(running) or ""),
            device=self.material.device,
        )
        self._submit(running, train_until, job)

    def _trained(self, running: _Running, scores: dict[str, float]) -> None:
        assert running.cost is not None
        trial, steps = running.trial, running.steps
        others = [
            losses for other in self.study.trials() if (losses := self._losses(other, steps)) and other.number != trial.number
        ]
        self.study.set_rung(trial, steps, scores)
        figures = {**running.cost.figures, **scores}
        shown = ", ".join(
            f"{FIGURES[name].title} {FIGURES[name].show(figures[name])} {FIGURES[name].unit}".rstrip()
            for name in self.space.settings.objectives
        )
        if steps == running.recipe.train.steps:
            self.study.complete(trial, figures)
            self.say(f"trial {trial.number}: {shown}")
        elif goes_on(self._of_figures(figures), others, self.space.settings.keep):
            self._train(running)
        else:
            self.study.prune(trial, f"stopped after {steps:,} steps: others are ahead")
            self.say(f"trial {trial.number}: stopped after {steps:,} steps: {shown}")

    def _losses(self, trial: FrozenTrial, steps: int) -> Losses | None:
        """A trial's objectives at a rung, None where it did not reach it."""
        scores = rungs_of(trial).get(steps)
        if scores is None:
            return None
        return self._of_figures({**best_board(costs_of(trial)).figures, **scores})

    def _of_figures(self, figures: dict[str, float]) -> Losses:
        return tuple(FIGURES[name].loss(figures[name]) for name in self.space.settings.objectives)

    def _start_of(self, running: _Running) -> Path | None:
        """What the trial begins with: the nearest of the space's networks and, where it is `warm`, of trials that were trained
        to their ends.
        """
        starts = list(self._starts)
        for other in self.study.trials() if self.space.settings.warm else ():
            last = trial_folder(self.material.folder, other.number) / "last.pt"
            if other.state.name == "COMPLETE" and other.number < running.trial.number and last.is_file():
                starts.insert(0, finished_start(self.space.recipe(values_of(other)), last))
        return nearest(running.recipe, starts)

    def _give_up(self, trial: Trial, why: str) -> None:
        nowhere = ShapeCost("", {}, {}, why)
        self.study.set_costs(trial, (nowhere,), nowhere)
        self.study.prune(trial, why)

    def _fail(self, trial: Trial, why: str) -> None:
        self.study.fail(trial, why)
        self.say(f"trial {trial.number} failed: {why}")

    def _show(self) -> None:
        trials, settings = self.study.trials(), self.space.settings
        trained = sum(1 for trial in trials if rungs_of(trial) and trial.state.is_finished())
        training = sum(1 for running in self._jobs.values() if running.cost is not None)
        over = sum(1 for trial in trials if trial.state.name == "PRUNED" and not rungs_of(trial))
        said = f"{trained} trained, {training} training, {len(trials)} shapes, {over} of them over budget"
        done, total = (trained, settings.trials) if settings.trials else (len(trials), settings.most_candidates)
        self.show(f"search: {said}", done, total)

    def _check_found(self) -> None:
        """Raise ValidationError when no shape fits."""
        found = [costs for trial in self.study.trials() if (costs := costs_of(trial))]
        if any(best_board(costs).fits for costs in found):
            return
        nearest = min((best_board(costs) for costs in found), key=lambda cost: cost.violation, default=None)
        closest = f"; the nearest: {why_not(nearest)}" if nearest is not None else ""
        raise ValidationError(
            f"none of {len(self.study.trials())} shapes fits{closest}", hint="give a larger board or limits, or smaller sizes"
        )


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial trains."""
    return folder / TRIALS / str(number)


def why_not(cost: ShapeCost) -> str:
    """Why a shape does not fit, in words."""
    if cost.reason:
        return cost.reason
    over = [
        f"{name.replace('_ms', '').replace('_', ' ')} by {100 * value:.0f} %"
        for name, value in cost.excess.items()
        if value > 0
    ]
    return f"over the limits of {cost.board}: {', '.join(over)}"


def check_material(space: Space, material: Material) -> None:
    """Look at what a search needs before it begins.

    Raises:
        InputError: trials are to be trained and there are no recordings, or a network to begin with cannot be used.
        ToolError: torch, an emulator or a compiler is missing.
    """
    from codesign.firmware.boards import load_board
    from codesign.firmware.machines import bare_machine
    from codesign.learning.train.device import need_torch

    need_torch()
    proves = bool(space.settings.trials and space.settings.finalists)
    for machine in (bare_machine(load_board(board)) for board in material.boards):
        machine.check_tools(profile=True)
        if proves:
            machine.check_tools()
    read_starts(space.starts)
    given = material.recordings
    folders = (given.speech, given.noise, given.pairs, given.rooms)
    if space.settings.trials and not any(folders):
        raise InputError("trials are trained", hint="give --speech and --noise, or --pairs, or --shapes to cost shapes only")
    for folder in folders:
        if isinstance(folder, Path) and not folder.is_dir():
            raise InputError(f"{folder} is no folder", hint="give a folder of WAV or FLAC recordings")
