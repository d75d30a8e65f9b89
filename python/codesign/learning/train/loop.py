# SPDX-License-Identifier: Apache-2.0
"""The training loop that every phase shares: batches, gradient, average, validation, checkpoints, logs."""

from __future__ import annotations

import copy
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from codesign.base.errors import ValidationError
from codesign.base.progress import Progress, silent
from codesign.learning.families.family import Sizes, States
from codesign.learning.train import checkpoint
from codesign.learning.train.checkpoint import Checkpoint
from codesign.learning.train.interrupt import Interrupt
from codesign.learning.train.log import Log
from codesign.learning.train.network import EnhancerModule
from codesign.learning.train.recipe import Phase, PhaseName, Recipe
from codesign.learning.train.team import Team
from codesign.learning.train.validation import Judged

Signals = npt.NDArray[np.float32]
SLOWEST = 0.01
"""Learning rate at the end, as a part of the highest."""
SAVE_SECONDS = 120.0
WEIGHT_LIMIT = 1.0
"""Largest weight of a matrix: keeps the int8 grid fine."""
MAX_BAD_STEPS = 20
LAST, BEST = "last.pt", "best.pt"
SEEN = ("running_mean", "running_var")


class BatchSource(Protocol):
    """Where mixtures come from. Batch k is a function of k alone, so that a resumed run sees what it would have seen."""

    def batches(self, first: int) -> AbstractContextManager[Iterator[tuple[Signals, ...]]]:
        """(noisy, clean) or (noisy, clean, taught), each float32 [batch, samples], from batch number `first` on."""
        ...


class Task(ABC):
    """What one phase trains: a module, a loss, and what happens between steps."""

    phase: PhaseName
    module: EnhancerModule
    sizes: Sizes

    @abstractmethod
    def loss(
        self, noisy: Tensor, clean: Tensor, states: States | None, taught: Tensor | None = None
    ) -> tuple[Tensor, States, dict[str, float]]:
        """Scalar to minimise, states after the batch (with history), and figures for the log.

        Where a teacher heard the batch, `taught` is what it made of it.
        """

    def parameters(self) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters with the factor of the learning rate that they are trained at."""
        return [(list(self.module.parameters()), 1.0)]

    def after_step(self, step: int, rate: float) -> None:  # noqa: B027 - most phases need nothing here
        """Called when the optimizer moved the parameters."""

    def progress(self) -> dict[str, Any]:
        """What a checkpoint must hold besides parameters: tensors, numbers, text."""
        return {}

    def restore(self, progress: dict[str, Any]) -> None:  # noqa: B027
        """Undo `progress`."""


@dataclass
class PhaseRun:
    """Where and how a phase runs. `validate` judges the averaged module."""

    recipe: Recipe
    settings: Phase
    folder: Path
    device: torch.device
    validate: Callable[[nn.Module], Judged] | None = None
    show: Progress = silent
    stop_after: int | None = None
    log: Log = field(default_factory=Log)
    team: Team = field(default_factory=Team)


def train(task: Task, batches: BatchSource, run: PhaseRun, checkpoint: Checkpoint | None = None) -> Checkpoint:
    """Train `task` to the end of its phase, saving `last.pt` (and `best.pt` by validation) in the run's folder.

    The loss of step k depends on parameters, `checkpoint` and k only: going on from one gives what an uninterrupted run gives.

    Ctrl-C ends the step that runs, saves `last.pt` and is raised again as KeyboardInterrupt; a second one ends it at once.

    Raises:
        ValidationError: the loss is not finite for many steps.
        InputError: a checkpoint cannot be written; the one before is still there then.
    """
    return _Loop(task, run, checkpoint).train(batches)


class _Loop:
    def __init__(self, task: Task, run: PhaseRun, checkpoint: Checkpoint | None) -> None:
        self.task, self.run, self.settings, self.team = task, run, run.settings, run.team
        self.module = task.module.to(run.device)
        if checkpoint is not None:
            self.module.load_state_dict(checkpoint.current)
        self.average = copy.deepcopy(self.module).eval()
        self.team.joined(self.module)
        self.module.network.part = self.team.part(self.settings.batch)
        groups = task.parameters()
        self.factors = [factor for _, factor in groups]
        self.optimizer = torch.optim.AdamW(
            [{"params": parameters} for parameters, _ in groups],
            lr=0.0,
            weight_decay=self.settings.weight_decay,
            betas=(0.9, 0.98),
        )
        self.step, self.states, self.best, self.waited, self.loss = 0, None, -math.inf, 0, math.nan
        if checkpoint is not None:
            self.average.load_state_dict(checkpoint.average)
            self.optimizer.load_state_dict(checkpoint.optimizer)
            self.step = checkpoint.step
            self._restore(checkpoint.progress)

    states: States | None

    def train(self, batches: BatchSource) -> Checkpoint:
        settings, saved, bad = self.settings, time.monotonic(), 0
        last = min(settings.steps, self.run.stop_after or settings.steps)
        with batches.batches(self.step) as source, Interrupt() as interrupt:
            while self.step < last and not self._is_done():
                asked, due = self.team.any(interrupt.asked, time.monotonic() - saved > SAVE_SECONDS)
                if asked or due:
                    self._save(LAST)
                    saved = time.monotonic()
                if asked:
                    raise KeyboardInterrupt
                finite = self._one(*(torch.from_numpy(signals).to(self.run.device) for signals in next(source)))
                bad = 0 if finite else bad + 1
                if bad >= MAX_BAD_STEPS:
                    raise ValidationError(
                        f"training diverged: {bad} steps without a finite gradient before step {self.step}",
                        hint="lower learning_rate in the recipe and resume",
                    )
                if self.run.validate and (self.step % settings.validate_every == 0 or self.step == settings.steps):
                    self._validate()
                self.run.show(f"{self.task.phase}: loss {self.loss:.4g}", self.step, settings.steps)
        return self._save(LAST)

    def _one(self, noisy: Tensor, clean: Tensor, *taught: Tensor) -> bool:
        self._learn()
        torch.manual_seed(self.run.recipe.seed * 1_000_003 + self.step)  # dropout and carrying depend on the step alone
        rate = learning_rate(self.settings, self.step)
        for group, factor in zip(self.optimizer.param_groups, self.factors, strict=True):
            group["lr"] = rate * factor
        before = self.states if torch.rand(()) < self.settings.carry else None
        loss, after, figures = self.task.loss(noisy, clean, before, *taught)
        self.states = after.detach()
        self.optimizer.zero_grad()
        share = 1.0 if self.team.size == 1 else len(noisy) / self.settings.batch
        self.loss = self.team.backward(loss, self.module.parameters(), share)
        norm = torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.settings.gradient_clip)
        finite = bool(torch.isfinite(norm)) and math.isfinite(self.loss)
        if finite:
            self.optimizer.step()
        else:
            self.states = None
        with torch.no_grad():
            for name, parameter in self.module.named_parameters():
                if parameter.dim() == 2 and name.startswith("network."):
                    parameter.clamp_(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        self.task.after_step(self.step, rate)
        self._average()
        self.step += 1
        self.run.log.step(self.step, {"loss": self.loss, "norm": float(norm), "rate": rate, **figures})
        return finite

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.settings.average, 1 - 1 / (self.step + 1))
        for mean, parameter in zip(self.average.parameters(), self.module.parameters(), strict=True):
            mean.lerp_(parameter, 1 - keep)
        for (name, held), buffer in zip(self.average.named_buffers(), self.module.buffers(), strict=True):
            if name.endswith(SEEN):
                held.lerp_(buffer, 1 - keep)  # what normalizations have seen goes with the weights that they saw it under
            else:
                held.copy_(buffer)

    def _learn(self) -> None:
        """Training mode; normalizations go by what they have seen once their share of the steps is over."""
        self.module.train()
        if self.step >= self.settings.normalize * self.settings.steps:
            for module in self.module.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def _validate(self) -> None:
        assert self.run.validate is not None
        judged = self.run.validate(self.average)
        self.run.log.validation(self.step, judged)
        score = self.team.told(judged.score)
        if score > self.best:
            self.best, self.waited = score, 0
            self._save(BEST)
        else:
            self.waited += 1

    def _is_done(self) -> bool:
        return 0 < self.settings.patience <= self.waited

    def _save(self, name: str) -> Checkpoint:
        result = Checkpoint(
            self.run.recipe,
            self.task.phase,
            self.task.sizes,
            self.step,
            {k: v.cpu().clone() for k, v in self.average.state_dict().items()},
            {k: v.cpu().clone() for k, v in self.module.state_dict().items()},
            self.optimizer.state_dict(),
            self._progress(),
        )
        if self.team.rank == 0:
            checkpoint.save(result, self.run.folder / name)
        if name == LAST:
            self.team.wrote(self.run.folder)
        return result

    def _progress(self) -> dict[str, Any]:
        result: dict[str, Any] = {"task": self.task.progress(), "best": self.best, "waited": self.waited}
        if self.states is not None:
            result["states"] = self.team.gathered(self.states.tensors())
        return result

    def _restore(self, progress: dict[str, Any]) -> None:
        self.task.restore(progress["task"])
        self.best, self.waited = float(progress["best"]), int(progress["waited"])
        if "states" in progress:
            self.states = self.task.module.network.states_of(
                {name: value[self.team.rows(len(value))].to(self.run.device) for name, value in progress["states"].items()}
            )


def learning_rate(settings: Phase, step: int) -> float:
    """Linear warm-up, then half a cosine down to 1 % at the last step."""
    falling = max(SLOWEST, 0.5 * (1 + math.cos(math.pi * step / settings.steps)))
    return settings.learning_rate * min(1.0, (step + 1) / settings.warmup) * falling
