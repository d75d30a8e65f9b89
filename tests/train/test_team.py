# SPDX-License-Identifier: Apache-2.0
"""Two processes that train together compute what one does: the same batches, losses and weights."""

from __future__ import annotations

import contextlib
import math
import socket

import pytest

torch = pytest.importorskip("torch", reason="no torch: pip install 'codesign[train]'")

from small import RECIPE, Tones, small_recipe

from codesign.base.errors import InputError
from codesign.learning.data.training import RowsOf
from codesign.learning.train.checkpoint import load, resume
from codesign.learning.train.float_task import float_task
from codesign.learning.train.log import Log
from codesign.learning.train.loop import PhaseRun, train
from codesign.learning.train.team import DistributedTeam, Team
from codesign.learning.train.validation import Judged

STEPS = 6
TOLERANCE = 2e-3
"""Of losses, in parts of one: recurrent layers train in bfloat16, in which sums of other sizes round otherwise."""
CONV = """
name = "conv"
[front_end]
n_fft = 128
window = 128
hop = 64
n_mels = 16
feature = "erb_magnitude"
[network]
family = "conv-recurrent"
channels = [4, 8]
hidden = 8
encoder = [1]
decoder = [1]
across = 4
over = 8
[train]
steps = 6
batch = 3
seconds = 0.1
validate_every = 3
"""
RECIPES = {
    "lstm": RECIPE.replace("batch = 2", "batch = 5", 1),
    "gru": RECIPE.replace("batch = 2", "batch = 5", 1).replace("lstm = [16, 12]", 'family = "gru"\ngru = [16]'),
    "conv": CONV,
}


class Losses(Log):
    def __init__(self):
        super().__init__()
        self.found = []

    def step(self, step, figures):
        self.found.append(figures["loss"])


class Parts(Tones):
    """Rows of the batches."""

    def __init__(self, settings, rows):
        super().__init__(settings)
        self.rows = rows

    @contextlib.contextmanager
    def batches(self, first):
        with super().batches(first) as source:
            yield (tuple(signals[self.rows] for signals in batch) for batch in source)


def trained(text, folder, team, start=None, stop_after=None):
    torch.set_num_threads(1)
    recipe, log = small_recipe(text), Losses()
    folder.mkdir(exist_ok=True)
    where = PhaseRun(
        recipe, recipe.train, folder, torch.device("cpu"), lambda module: Judged(1.0), stop_after=stop_after, log=log, team=team
    )
    source = Parts(recipe.train, team.rows(recipe.train.batch))
    return train(float_task(recipe), source, where, start), log.found


def member(rank, port, folder, results):
    from torch import distributed

    distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    wrote = []
    for name, text in RECIPES.items():
        team = DistributedTeam(wrote.append)
        trained(text, folder / name, team, stop_after=3)
        distributed.barrier()
        result, losses = trained(
            text, folder / name, team, start=resume(folder / name / "last.pt", small_recipe(text), "train")
        )
        results.put((rank, name, losses, {key: value.numpy() for key, value in result.current.items()}, len(wrote)))
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What two processes compute that stop after half of the steps and go on: (rank, recipe) → losses, weights."""
    context = torch.multiprocessing.get_context("spawn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder, results = tmp_path_factory.mktemp("team"), context.Queue()
    processes = [context.Process(target=member, args=(rank, port, folder, results)) for rank in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=600) for _ in range(2 * len(RECIPES))]
    for process in processes:
        process.join(60)
    return folder, {(rank, name): rest for rank, name, *rest in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_lose_what_one_does(made, tmp_path, name):
    _, found = made
    alone, losses = trained(RECIPES[name], tmp_path, Team())
    for rank in range(2):
        theirs, weights, _ = found[rank, name]
        assert len(theirs) == STEPS // 2
        assert theirs == pytest.approx(losses[STEPS // 2 :], rel=TOLERANCE)
        for key, value in alone.current.items():
            assert torch.allclose(torch.from_numpy(weights[key]), value, atol=5e-3), key
    assert all((found[0, name][1][key] == found[1, name][1][key]).all() for key in alone.current if "running" not in key)


@pytest.mark.slow
def test_one_writes_and_all_are_told(made):
    folder, found = made
    assert [count for (_, name), (_, _, count) in found.items() if name == "conv"] == [2 * len(RECIPES)] * 2
    last = load(folder / "lstm" / "last.pt")
    assert last.step == STEPS
    assert {len(value) for value in last.progress["states"].values()} == {5}  # the states of all rows
    assert math.isfinite(last.progress["best"])


class Counted:
    """Mixture n is n."""

    length, position = 1, 0

    def batch(self, size):
        import numpy as np

        found = np.arange(self.position, self.position + size)[:, None]
        self.position += size
        return found, found


def test_rows_of_batches_are_those_of_the_whole_batch():
    parts = [RowsOf(Counted(), first, 7) for first in (0, 3)]
    for part in parts:
        part.position = 14
    drawn = [[*parts[0].batch(3)[0][:, 0], *parts[1].batch(4)[0][:, 0]] for _ in range(2)]
    assert drawn == [list(range(14, 21)), list(range(21, 28))]


def test_more_members_than_rows_are_refused():
    team = Team()
    team.size = 3
    assert [range(7)[team.rows(7)] for team.rank in range(3)] == [range(2), range(2, 4), range(4, 7)]
    with pytest.raises(InputError, match="a batch of 2 for 3 workers"):
        team.rows(2)
