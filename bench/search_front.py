# SPDX-License-Identifier: Apache-2.0
"""The front of a search against that of a random search of the same time, over seeds, by hypervolume.

    python bench/search_front.py SPACE --speech SPEECH --noise NOISE -o FOLDER [--seeds 3] [--json FILE]

One job runs at a time, in this process, on one thread, mixing included: all that a search does counts. The search is the
space's own. The random search draws shapes uniformly, costs them by the same images, trains each that fits to its end, and has
as many seconds of processor time as the search took. Run it with OMP_NUM_THREADS=1.
Hypervolume is what a front dominates up to the reference point, the worst value of each objective in any run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from codesign.learning.data import Batches, Folders
from codesign.learning.train import source
from codesign.search.driver import Material, Search
from codesign.search.executor import Executor, Outcome
from codesign.search.figures import FIGURES
from codesign.search.front import collect
from codesign.search.space import Space, read_space
from codesign.search.study import TrialStudy


class OutOfTimeError(Exception):
    """The random search has had its time."""


class Here(Executor):
    """Jobs in this process; none is begun after `seconds` of processor time."""

    slots = 1

    def __init__(self, seconds: float = float("inf")) -> None:
        self._end = time.process_time() + seconds

    def submit(self, function, *arguments) -> Future[Outcome]:
        if time.process_time() > self._end:
            raise OutOfTimeError
        result: Future[Outcome] = Future()
        result.set_result(Outcome(function(*arguments)))
        return result

    def close(self) -> None:
        pass


def search(space: Space, folder: Path, recordings: Folders, board: str, seconds: float) -> dict:
    """Objectives of what was trained to its end, and the processor time it took."""
    folder.mkdir(parents=True, exist_ok=True)
    material = Material(folder, (board,), recordings, "cpu")
    study = TrialStudy(folder, space)
    begun = time.process_time(), time.monotonic()
    with contextlib.suppress(OutOfTimeError):
        Search(space, material, study, Here(seconds), say=lambda line: print(f"  {line}", file=sys.stderr, flush=True)).run()
    used = time.process_time() - begun[0], time.monotonic() - begun[1]
    front = collect(study, (board,), {})
    trained = [one for one in front.trials if one.state in ("trained", "stopped")]
    points = [[one.figures[name] for name in front.objectives] for one in trained if one.state == "trained"]
    return {
        "points": points,
        "shapes": len(front.trials),
        "trained": len(points),
        "stopped": len(trained) - len(points),
        "processor_s": round(used[0], 1),
        "wall_s": round(used[1], 1),
    }


def hypervolume(points: list[list[float]], objectives: tuple[str, ...], worst: np.ndarray, best: np.ndarray) -> float:
    """Of losses scaled to 0 … 1 between the best and the worst value of each objective in any run."""
    from optuna._hypervolume import compute_hypervolume

    losses = (losses_of(points, objectives) - best) / (worst - best)
    return float(compute_hypervolume(np.minimum(losses, 1.0), np.ones(len(objectives))))


def losses_of(points: list[list[float]], objectives: tuple[str, ...]) -> np.ndarray:
    return np.array([[FIGURES[name].loss(value) for name, value in zip(objectives, point, strict=True)] for point in points])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", type=Path)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--noise", type=Path, required=True)
    parser.add_argument("--board", default="nrf5340dk")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--sampler", default="", help="of the search, in place of the space's")
    parser.add_argument("--without-random", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    source.Batches = partial(Batches, process=False)
    recordings, runs = Folders(given.speech, given.noise), []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        space = read_space(given.space)
        space = replace(space, settings=space.settings.model_copy(update={"seed": seed, "finalists": 0}))
        chance = replace(space, settings=space.settings.model_copy(update={"sampler": "random", "keep": 1.0, "trials": 1000}))
        if given.sampler:
            space = replace(space, settings=space.settings.model_copy(update={"sampler": given.sampler}))
        mine = search(space, given.output / f"search-{seed}", recordings, given.board, float("inf"))
        runs.append({"seed": seed, "kind": "search", **mine})
        if given.without_random:
            print(json.dumps(runs[-1]), file=sys.stderr, flush=True)
            continue
        other = search(chance, given.output / f"random-{seed}", recordings, given.board, mine["processor_s"])
        runs.append({"seed": seed, "kind": "random", **other})
        print(f"seed {seed}: {runs[-2:]}", file=sys.stderr, flush=True)
    objectives = space.settings.objectives
    everything = np.concatenate([losses_of(run["points"], objectives) for run in runs])
    worst, best = everything.max(axis=0), everything.min(axis=0)
    for run in runs:
        run["hypervolume"] = round(hypervolume(run["points"], objectives, worst, best), 4)
        print(
            f"{run['kind']:7} seed {run['seed']}: hypervolume {run['hypervolume']:.3f}, {run['trained']} trained, "
            f"{run['stopped']} stopped early, {run['shapes']} shapes, {run['processor_s']:.0f} s of processor time"
        )
    if given.json:
        given.json.write_text(json.dumps({"objectives": objectives, "runs": runs}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
