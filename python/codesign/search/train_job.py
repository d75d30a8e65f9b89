# SPDX-License-Identifier: Apache-2.0
"""One piece of a trial's training: up to a step, then scored. It can be made again at any time; nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.files.output_file import replace_file
from codesign.base.metrics import estoi, si_sdr
from codesign.firmware.doctor import missing
from codesign.hearing.evaluate.measures import pesq_wb
from codesign.learning.data import Folders, TrainingData, open_data
from codesign.learning.train.recipe import Recipe


@dataclass(frozen=True)
class TrainJob:
    """Train `recipe_json` in `folder` up to `steps` and score `measures`.

    `start` is a checkpoint to begin with, "" for random weights; `beside` is where paths in [distill] are taken from.
    """

    recipe_json: str
    recordings: Folders
    folder: str
    steps: int
    measures: tuple[str, ...]
    beside: str
    start: str = ""
    device: str = "auto"


Signals = npt.NDArray[np.float32]


def train_until(job: TrainJob) -> Mapping[str, float]:
    """The scores of the averaged network at `job.steps`, means over the validation mixtures, by the names of FIGURES.

    Raises:
        InputError: recordings, recipe or checkpoint cannot be used.
        ToolError: no torch, or no pesq where it is asked for.
        ValidationError: training diverged.
    """
    folder = Path(job.folder)
    scored = folder / f"score-{job.steps}.json"
    if scored.is_file():
        found: dict[str, float] = json.loads(scored.read_text(encoding="utf-8"))
        if set(job.measures) <= set(found):
            return found
    from codesign.learning.distill.source import batch_source
    from codesign.learning.train.checkpoint import resume
    from codesign.learning.train.device import device_named
    from codesign.learning.train.float_task import float_task
    from codesign.learning.train.initial_weights import initial_weights
    from codesign.learning.train.log import Log
    from codesign.learning.train.loop import PhaseRun, train

    recipe = Recipe.model_validate_json(job.recipe_json)
    folder.mkdir(parents=True, exist_ok=True)
    device, last = device_named(job.device), folder / "last.pt"
    before = resume(last, recipe, "train") if last.exists() else None
    task = float_task(recipe, initial_weights(Path(job.start)) if job.start else None)
    data = _data(job.recordings, recipe.config.sample_rate, recipe.seed)
    run = PhaseRun(recipe, recipe.train, folder, device, stop_after=job.steps, log=Log(lambda line: None, folder / "log"))
    result = train(task, batch_source(data, recipe, recipe.train, Path(job.beside)), run, before)
    task.module.load_state_dict(result.average)
    scores = _scores(task.module.eval(), *_mixtures(data, job.recordings, recipe), recipe.config.sample_rate, job.measures)
    with replace_file(scored) as temporary:
        temporary.write_text(json.dumps(scores), encoding="utf-8")
    return scores


@lru_cache(maxsize=2)
def _data(folders: Folders, sample_rate: int, seed: int) -> TrainingData:
    given = (folders.speech, folders.noise, folders.pairs, folders.rooms)
    return open_data(*given, sample_rate=sample_rate, seed=seed)


_KEPT: dict[str, tuple[Signals, Signals]] = {}
MOST_KEPT = 8
"""Sets of validation mixtures in a worker's memory, 12 MB each: trials of a search mostly share one."""


def _mixtures(data: TrainingData, folders: Folders, recipe: Recipe) -> tuple[Signals, Signals]:
    """The validation mixtures of a recipe, made once."""
    from codesign.learning.train.source import validation_pairs

    config = recipe.config
    key = repr((folders, config.sample_rate, config.hop, recipe.seed, recipe.mix_settings))
    if key not in _KEPT:
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = validation_pairs(data, recipe)
    return _KEPT[key]


def _scores(
    module: object,
    noisy: np.ndarray,
    clean: np.ndarray,
    sample_rate: int,
    measures: tuple[str, ...],  # type: ignore[type-arg]
) -> dict[str, float]:
    import torch

    assert isinstance(module, torch.nn.Module)
    device = next(module.parameters()).device
    with torch.no_grad():
        enhanced = module(torch.from_numpy(noisy).to(device))[0].cpu().numpy()
    pairs = [(one, other[: one.size]) for one, other in zip(enhanced, clean, strict=True)]
    scores = {"si_sdr_db": float(np.mean([si_sdr(one, other) for one, other in pairs]))}
    if "estoi" in measures:
        scores["estoi"] = float(np.mean([estoi(one, other, sample_rate) for one, other in pairs]))
    if "pesq_wb" in measures:
        try:
            scores["pesq_wb"] = float(np.mean([pesq_wb(one, other, sample_rate) for one, other in pairs]))
        except ImportError as error:
            raise missing("pesq") from error
    return scores
