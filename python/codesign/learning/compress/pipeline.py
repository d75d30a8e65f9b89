# SPDX-License-Identifier: Apache-2.0
"""The phases of a recipe one after the other: prune, recover, skip, quantize."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from codesign.base.errors import InputError
from codesign.learning.compress.budget import Target
from codesign.learning.compress.cost import NetworkCost, average_macs, cost_of, float_bytes
from codesign.learning.compress.fake_quantizing import FakeQuantizeTask
from codesign.learning.compress.pruning import PruneTask, rebuild
from codesign.learning.compress.quantizing import QuantizeTask, calibrated
from codesign.learning.compress.skip import SkipTask
from codesign.learning.families.family import Sizes
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.train.checkpoint import Checkpoint, resume, save
from codesign.learning.train.float_task import FloatTask
from codesign.learning.train.initial_weights import initial_weights
from codesign.learning.train.log import Log
from codesign.learning.train.loop import BatchSource, PhaseRun, Task, train
from codesign.learning.train.recipe import Phase, PhaseName, Recipe
from codesign.learning.train.validation import Judged


@dataclass
class PhaseContext:
    """What the phases work with: where batches come from, where things go, who is told."""

    folder: Path
    device: torch.device
    batches: Callable[[Phase], BatchSource]
    validate: Callable[[nn.Module], Judged] | None = None
    show: Callable[[str, int, int], None] = lambda what, done, total: None
    say: Callable[[str], None] = lambda line: None


@dataclass(frozen=True)
class Compressed:
    """What came of it. `updates` is the share of frames that updated at the end of training; 1 without a skip gate."""

    checkpoint: Path
    sizes: Sizes
    before: NetworkCost
    after: NetworkCost
    float_bytes_before: int
    updates: float
    average_macs: float = field(default=0.0)


def compress(recipe: Recipe, source: Path, target: Target | None, context: PhaseContext) -> Compressed:
    """Run the recipe's phases from the checkpoint or ONNX model `source`, each in a folder of its own below `context.folder`.

    Phases that are done are not done again, one that was interrupted goes on.

    Raises:
        InputError: the recipe has no phase, or `source` is of another front end.
        ValidationError: a budget that no network meets, or training diverged.
    """
    state = initial_weights(source)
    if state.recipe.config != recipe.config:
        raise InputError(f"{source} was trained with another front end than the recipe's", hint="give it the same [front_end]")
    before, before_bytes = cost_of(state.sizes), float_bytes(state.sizes)
    phases: list[tuple[PhaseName, Phase | None]] = [
        ("prune", recipe.prune),
        ("recover", recipe.recover),
        ("skip", recipe.skip),
        ("quantize", recipe.quantize),
    ]
    if not any(settings for _, settings in phases):
        raise InputError("the recipe compresses nothing", hint="it has no phase but [train]; docs/training.md")
    if recipe.skip is not None and not isinstance(state.sizes, LstmSizes):
        raise InputError(
            f"[skip] is for networks of the family lstm, this one is {state.sizes.family}", hint="leave [skip] out"
        )
    if recipe.prune is not None and target is None:
        raise InputError("pruning needs a budget", hint="give --board, or bytes and macs in [prune]")
    for name, settings in phases:
        if settings is not None:
            state = _phase(name, settings, recipe, state, target, context)
    final = context.folder / "last.pt"
    save(state, final)
    share = float(state.progress.get("task", {}).get("penalty", {}).get("mean", 1.0)) if state.sizes.skips else 1.0
    after = cost_of(state.sizes)
    return Compressed(final, state.sizes, before, after, before_bytes, share, average_macs(state.sizes, share))


def _phase(
    name: PhaseName, settings: Phase, recipe: Recipe, state: Checkpoint, target: Target | None, context: PhaseContext
) -> Checkpoint:
    folder = context.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.pt"
    before = resume(last, recipe, name) if last.exists() else None
    batches = context.batches(settings)
    task = _task(name, recipe, state, target, batches)
    if before is None or before.step < settings.steps:
        log = Log(lambda line: context.say(f"{name} {line}"), folder / "log", recipe.model_dump_json(indent=2))
        # A network whose units come and go is not what a validation of its weights would judge.
        validate = None if name == "prune" else context.validate
        run = PhaseRun(recipe, settings, folder, context.device, validate, context.show, log=log)
        before = train(task, batches, run, before)
    return _result(task, before, target, folder)


def _task(name: PhaseName, recipe: Recipe, state: Checkpoint, target: Target | None, batches: BatchSource) -> Task:
    weights = state.network
    if recipe.prune is not None and name == "prune":
        assert target is not None
        return PruneTask(recipe, recipe.prune, state.sizes, weights, target)
    if name == "recover":
        return FloatTask(name, recipe, state.sizes, weights)
    if recipe.skip is not None and name == "skip" and isinstance(state.sizes, LstmSizes):
        return SkipTask(recipe, recipe.skip, state.sizes, weights)
    assert recipe.quantize is not None
    signals: list[Tensor] = []
    with batches.batches(0) as source:
        for _ in range(recipe.quantize.calibration_batches):
            signals += [torch.from_numpy(signal) for signal in next(source)[0]]
    if not isinstance(state.sizes, LstmSizes):
        return FakeQuantizeTask(recipe, state.sizes, weights, signals)
    result = QuantizeTask(recipe, state.sizes, weights, calibrated(state.sizes, weights, recipe.config, signals))
    if "penalty" in (learned := state.progress.get("task", {})):
        result.penalty.restore(learned["penalty"])  # λ goes on: from its first value updates would rise again
    return result


def _result(task: Task, state: Checkpoint, target: Target | None, folder: Path) -> Checkpoint:
    """The checkpoint that the next phase starts from; a pruned network is rebuilt and kept as rebuilt.pt."""
    if not isinstance(task, PruneTask):
        return state
    task.module.load_state_dict(state.average)
    sizes, weights = rebuild(task.module.cpu(), target)
    tensors = {f"network.{key}": value for key, value in weights.items()}
    rebuilt = Checkpoint(state.recipe, task.phase, sizes, state.step, tensors, tensors)
    save(rebuilt, folder / "rebuilt.pt")
    return rebuilt
