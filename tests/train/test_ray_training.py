# SPDX-License-Identifier: Apache-2.0
"""Trainings on a Ray cluster of this machine: one worker's losses from two, a lost worker, a run that goes on."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")
pytest.importorskip("ray.train", reason="no Ray Train: pip install 'codesign[cluster]'")

from small import RECIPE, small_recipe

from codesign.base.errors import InputError, ToolError
from codesign.learning import ray_training
from codesign.learning.data import Folders
from codesign.learning.ray_training import Cluster, train_on_ray
from codesign.learning.train.checkpoint import load
from codesign.learning.training_run import TrainingJob, run_training
from training_folders import noise_folder, speech_folder

pytestmark = pytest.mark.slow
STEPS = 8
TEXT = RECIPE.replace("steps = 6", f"steps = {STEPS}", 1).replace("batch = 2", "batch = 5", 1) + "[mixing]\nrooms = 0.0\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    speech_folder(folder / "speech", voices=12)
    noise_folder(folder / "noise")
    os.environ["CODESIGN_CACHE"] = str(folder / "cache")
    yield Folders(folder / "speech", folder / "noise")
    del os.environ["CODESIGN_CACHE"]


def job_in(folder, corpus, text=TEXT):
    folder.mkdir(exist_ok=True)
    return TrainingJob(small_recipe(text), corpus, folder, folder, folder / "log", device="cpu")


def cluster_in(folder, workers=2):
    return Cluster("local", workers, workers, 1.0, 0.0, str(folder))


def test_two_workers_of_which_one_is_lost_make_what_one_makes(corpus, tmp_path):
    alone = run_training(job_in(tmp_path / "alone", corpus))
    seen = []

    def say(line):
        if not seen:
            seen.append(line)
            os.kill(workers()[0], signal.SIGKILL)

    together = train_on_ray(job_in(tmp_path / "both", corpus), cluster_in(tmp_path / "both"), say=say)
    assert together.step == alone.step == STEPS
    assert seen
    for name, value in alone.average.items():
        assert together.average[name].numpy() == pytest.approx(value.numpy(), abs=5e-3), name
    assert load(tmp_path / "both" / "last.pt").step == STEPS
    assert (tmp_path / "both" / "best.pt").is_file()


def workers():
    """Processes of Ray Train's workers on this machine."""
    found = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if place.name.isdigit() and b"TrainWorker" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


def test_what_a_worker_raises_is_the_commands(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_training, "LOST_TIMES", 0)
    job = job_in(tmp_path / "run", Folders(tmp_path / "nowhere", tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere is not a folder"):
        train_on_ray(job, cluster_in(tmp_path / "run", workers=1))


def test_too_few_workers_and_no_cluster_are_one_line(corpus, tmp_path):
    job = job_in(tmp_path / "run", corpus)
    with pytest.raises(ToolError, match="room for"):
        train_on_ray(job, cluster_in(tmp_path / "run", workers=1000))
    with pytest.raises(ToolError, match=r"no Ray cluster at '127\.0\.0\.1:9'"):
        train_on_ray(job, Cluster("127.0.0.1:9", 1, 1, 1.0, 0.0, str(tmp_path)))
