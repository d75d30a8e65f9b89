# SPDX-License-Identifier: Apache-2.0
"""A training on a Ray cluster: Ray Train's workers are the members of a team, its storage keeps the checkpoints.

Ray starts the workers, gives them a process group, and starts them again when one is lost; what they do is run_training's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from codesign.base.cluster import join, need_slots, reason_of
from codesign.base.errors import CodesignError, InputError, ToolError, ValidationError, one_line
from codesign.base.files.output_file import replace_file
from codesign.base.progress import Progress, silent
from codesign.learning.data.training import check_recordings
from codesign.learning.train.checkpoint import Checkpoint, load
from codesign.learning.train.loop import BEST, LAST
from codesign.learning.training_run import TrainingJob, run_training

NAME = "ray"
LOST_TIMES = 5
"""How often workers may be lost before the training is given up."""
POLL_SECONDS = 1.0
START_SECONDS = "600"
"""That workers may take to import torch, as Ray's environment has it: a minute, its own default, is short on a busy machine."""
KEPT = 2
"""Checkpoints in Ray's storage."""


@dataclass(frozen=True)
class Cluster:
    """Where a training runs: `workers` of `cpus` and `gpus` each, at least `least` of them; `storage`, a folder that all
    machines see or a URL, keeps the checkpoints.
    """

    address: str
    workers: int
    least: int
    cpus: float
    gpus: float
    storage: str


def train_on_ray(
    job: TrainingJob, cluster: Cluster, show: Progress = silent, say: Callable[[str], None] = lambda line: None
) -> Checkpoint:
    """Train on a cluster; from the checkpoint on that is the furthest, of Ray's storage or `last.pt` in the job's folder.

    Raises:
        ToolError: no Ray, no cluster, too few workers in it, or workers were lost too often.
        InputError, ValidationError: as run_training, from whichever worker.
    """
    check_recordings(job.recordings)
    ray = join(cluster.address)
    try:
        need_slots(ray, cluster.least, cluster.cpus, cluster.gpus, "take fewer --ray-workers, or smaller shares for each")
        return _fitted(ray, job, cluster, show, say)
    finally:
        ray.shutdown()


def _fitted(ray: Any, job: TrainingJob, cluster: Cluster, show: Progress, say: Callable[[str], None]) -> Checkpoint:
    try:
        from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
    except ImportError as error:
        raise ToolError(f"Ray Train is not installed: {one_line(str(error), 160)}", hint="pip install 'ray[train]'") from error
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", START_SECONDS)
    notes = ray.remote(num_cpus=0)(_Notes).remote()
    workers: Any = cluster.workers if cluster.least == cluster.workers else (cluster.least, cluster.workers)
    trainer = TorchTrainer(
        _member,
        train_loop_config={"job": job, "notes": notes, "before": _files(job.folder), "threads": max(1, int(cluster.cpus))},
        scaling_config=ScalingConfig(
            num_workers=workers,
            use_gpu=cluster.gpus > 0,
            resources_per_worker={"CPU": cluster.cpus, **({"GPU": cluster.gpus} if cluster.gpus else {})},
        ),
        run_config=RunConfig(
            name=NAME,
            storage_path=cluster.storage,
            failure_config=FailureConfig(max_failures=LOST_TIMES),
            checkpoint_config=CheckpointConfig(num_to_keep=KEPT),
        ),
    )
    with _told(ray, notes, show, say):
        try:
            result = trainer.fit()
            failure = result.error
        except Exception as error:  # of whatever part of Ray
            result, failure = None, error
    raised = ray.get(notes.raised.remote())
    if isinstance(raised, ValidationError) or (failure is not None and raised is not None):
        raise raised
    if failure is not None:
        raise ToolError(
            f"workers were lost {LOST_TIMES + 1} times: {reason_of(failure)}",
            hint="give the command again: it goes on from the last checkpoint",
        ) from failure
    assert result is not None
    if result.checkpoint is not None:
        with result.checkpoint.as_directory() as folder:
            _take(Path(folder), job.folder)
    return load(job.folder / LAST)


class _Notes:
    """An actor that the workers tell how it goes, and what they raised."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._progress: tuple[str, int, int] | None = None
        self._raised: CodesignError | None = None

    def say(self, line: str) -> None:
        self._lines.append(line)

    def show(self, what: str, done: int, total: int) -> None:
        self._progress = (what, done, total)

    def fail(self, error: CodesignError) -> None:
        self._raised = error

    def raised(self) -> CodesignError | None:
        return self._raised

    def news(self) -> tuple[list[str], tuple[str, int, int] | None]:
        lines, self._lines = self._lines, []
        return lines, self._progress


@contextlib.contextmanager
def _told(ray: Any, notes: Any, show: Progress, say: Callable[[str], None]) -> Iterator[None]:
    """Pass on what the workers tell while the block runs."""
    ended = threading.Event()

    def look() -> None:
        lines, progress = ray.get(notes.news.remote())
        for line in lines:
            say(line)
        if progress is not None:
            show(*progress)

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            with contextlib.suppress(Exception):  # the cluster may be gone: fit says so
                look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(Exception):
            look()


def _member(config: dict[str, Any]) -> None:
    """What each worker does."""
    import ray
    import torch
    from ray import train as ray_train

    from codesign.learning.train.team import DistributedTeam

    torch.set_num_threads(config["threads"])
    notes, before, rank = config["notes"], config["before"], ray_train.get_context().get_world_rank()
    job: TrainingJob = config["job"]
    with tempfile.TemporaryDirectory(prefix="codesign-train-") as name:
        folder = Path(name)
        for file, content in before.items():
            (folder / file).write_bytes(content)
        if (kept := ray_train.get_checkpoint()) is not None:
            with kept.as_directory() as place:
                _take_further(Path(place), folder)

        def say(line: str) -> None:
            notes.say.remote(line)

        def show(what: str, done: int, total: int) -> None:
            if not rank:
                notes.show.remote(what, done, total)

        try:
            run_training(replace(job, folder=folder), DistributedTeam(partial(_report, rank)), show, say)
        except ValidationError as error:  # of all members at the same step: to start them again would end there again
            ray.get(notes.fail.remote(error))
        except CodesignError as error:
            ray.get(notes.fail.remote(error))
            raise


def _report(rank: int, folder: Path) -> None:
    """Tell Ray of new checkpoints in `folder`: every member takes part in a report, member 0's has the files."""
    from ray import train as ray_train

    if rank:
        ray_train.report({})
        return
    with tempfile.TemporaryDirectory(prefix="codesign-report-") as report:
        for file in (LAST, BEST):
            if (folder / file).exists():
                shutil.copyfile(folder / file, Path(report) / file)
        try:
            ray_train.report({}, checkpoint=ray_train.Checkpoint.from_directory(report))
        except OSError as error:
            raise InputError(
                f"cannot write a checkpoint to Ray's storage: {error}",
                hint="free some space, or choose another --ray-storage",
            ) from error


def _files(folder: Path) -> dict[str, bytes]:
    """Checkpoints of a run in a folder."""
    return {name: (folder / name).read_bytes() for name in (LAST, BEST) if (folder / name).exists()}


def _take_further(source: Path, target: Path) -> None:
    """Take the checkpoints of `source` unless those of `target` are further."""
    last = target / LAST
    if not last.exists() or load(source / LAST).step >= load(last).step:
        _take(source, target)


def _take(source: Path, target: Path) -> None:
    for name in (LAST, BEST):
        if (source / name).exists():
            with replace_file(target / name) as temporary:
                shutil.copyfile(source / name, temporary)


def storage_in(folder: Path, given: str) -> str:
    """Where Ray keeps checkpoints: `given`, or the run's folder."""
    return given if "://" in given else os.path.abspath(given or folder)  # noqa: PTH100 - links stay as they are
