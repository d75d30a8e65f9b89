# SPDX-License-Identifier: Apache-2.0
"""One training from its recipe and recordings to its checkpoints, wherever it runs: alone, or as a member of a team."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from codesign.base.progress import Progress, silent
from codesign.learning.data import Folders
from codesign.learning.distill.source import batch_source
from codesign.learning.train.checkpoint import Checkpoint, resume
from codesign.learning.train.device import device_named
from codesign.learning.train.float_task import float_task
from codesign.learning.train.initial_weights import initial_weights
from codesign.learning.train.log import Log
from codesign.learning.train.loop import LAST, PhaseRun, train
from codesign.learning.train.memory import keep_freed_memory
from codesign.learning.train.recipe import Recipe
from codesign.learning.train.source import data_of, validation_pairs
from codesign.learning.train.team import Team
from codesign.learning.train.validation import Judged, Validation


@dataclass(frozen=True)
class TrainingJob:
    """Train `recipe` on `recordings` into `folder`; paths in [distill] are taken from `beside`, the recipe's folder.

    `initial` is a network to begin with, None for random weights. `log` is the folder of TensorBoard's events.
    """

    recipe: Recipe
    recordings: Folders
    folder: Path
    beside: Path
    log: Path
    initial: Path | None = None
    device: str = "auto"


def run_training(
    job: TrainingJob, team: Team | None = None, show: Progress = silent, say: Callable[[str], None] = lambda line: None
) -> Checkpoint:
    """Train to the end; from the folder's `last.pt` on where there is one.

    Raises:
        InputError: recordings, recipe or checkpoint cannot be used, or a batch has fewer rows than the team members.
        ToolError: a package is missing.
        ValidationError: training diverged.
    """
    plan, team = job.recipe, team or Team()
    keep_freed_memory()
    where, last = device_named(job.device), job.folder / LAST
    rows = team.rows(plan.train.batch)
    before = resume(last, plan, "train") if last.exists() else None
    start = initial_weights(job.initial) if job.initial else None
    task = float_task(plan, start)
    data = data_of(plan, job.recordings, show)
    if before is not None:
        say(f"going on from step {before.step:,} of {plan.train.steps:,}")
    elif start is not None and start.sizes != task.sizes:
        units, of = (", ".join(map(str, sizes.units)) for sizes in (task.sizes, start.sizes))
        say(f"beginning with {units} units of the {of} of {job.initial}: those of the largest weights")
    if team.rank == 0:
        for note in data.notes:
            say(note)
        score: Callable[[nn.Module], Judged] = Validation(
            *validation_pairs(data, plan), where, plan.config.sample_rate, plan.train.select
        )
        log = Log(say, job.log, plan.model_dump_json(indent=2))
    else:
        score, log = _unheard, Log()
    run = PhaseRun(plan, plan.train, job.folder, where, score, show, log=log, team=team)
    return train(task, batch_source(data, plan, plan.train, job.beside, rows), run, before)


def _unheard(module: nn.Module) -> Judged:
    """What members other than the first say of a network: nothing."""
    return Judged(0.0)
