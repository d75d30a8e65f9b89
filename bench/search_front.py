# SPDX-License-Identifier: Apache-2.0
"""The front of a search against that of a random search of the same time, over many seeds, by hypervolume.

    python bench/search_front.py tabulate SPACE --speech SPEECH --noise NOISE -o FOLDER
    python bench/search_front.py replay [SPACE TABLE] [--seeds 16]

`tabulate` costs every point of a space whose keys are all lists or ranges with steps, and trains what fits, up to each rung
and to the end: one training a point, so that what is compared stands on the same figures. It goes on where it was stopped.
`replay` lets the search itself run, its jobs answered from the table, and a random search: shapes drawn uniformly, each that
fits trained to its end, for as many seconds of processor time as the search took, by what the table's jobs took. TABLE is the
folder, or a file of its rows; without either it is the one beside this file. Hypervolume is what a front dominates up to the
worst values in the table, 1 for all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import Future
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from codesign.learning.data import Batches, Folders
from codesign.search.driver import Material, Search
from codesign.search.executor import Executor, Outcome
from codesign.search.figures import FIGURES, QUALITIES
from codesign.search.front import collect
from codesign.search.shape_cost import ShapeCost, shape_cost
from codesign.search.space import Space, read_space
from codesign.search.study import TrialStudy
from codesign.search.train_job import TrainJob, train_until

HERE = Path(__file__).with_suffix("")


def points(space: Space) -> list[dict]:
    """All values of a space."""
    ranges = [
        one.choices or [one.low + k * int(one.step or 1) for k in range(int((one.high - one.low) // (one.step or 1)) + 1)]
        for one in space.dimensions
    ]
    return [dict(zip([one.key for one in space.dimensions], found, strict=True)) for found in itertools.product(*ranges)]


def name_of(values: dict) -> str:
    return "_".join(str(value) for value in values.values()).replace(" ", "")


def tabulate(space: Space, folder: Path, recordings: Folders, board: str) -> None:
    """Write a file a point into `folder`."""
    import torch

    from codesign.learning.train import source

    torch.set_num_threads(1)
    source.Batches = partial(Batches, process=False)  # mixing counts, too
    measures = tuple(name for name in space.settings.objectives if name in QUALITIES)
    costs, rows = folder / "costs", points(space)
    costs.mkdir(parents=True, exist_ok=True)
    random.Random(1).shuffle(rows)
    for values in rows:
        kept = folder / f"{name_of(values)}.json"
        if kept.exists():
            continue
        recipe, begun = space.recipe(values), time.process_time()
        (cost,) = shape_cost(recipe.model_dump_json(), space.activations(values), (board,), space.limits, str(costs))
        row = {"values": values, "cost": asdict(cost), "cost_s": time.process_time() - begun, "scores": {}, "train_s": {}}
        trial, begun = folder / "trial", time.process_time()
        shutil.rmtree(trial, ignore_errors=True)
        for steps in space.stops(recipe) if cost.fits else ():
            start = str(space.starts[0]) if space.starts else ""
            job = TrainJob(recipe.model_dump_json(), recordings, str(trial), steps, measures, str(space.recipe_folder), start)
            row["scores"][steps] = train_until(job)
            row["train_s"][steps] = time.process_time() - begun
        kept.write_text(json.dumps(row), encoding="utf-8")
        print(kept.name, row["scores"], file=sys.stderr, flush=True)


class OutOfTimeError(Exception):
    """A search has had its time."""


class Table(Executor):
    """Jobs answered from a table; none is begun after `seconds` of what they took."""

    slots = 1

    def __init__(self, space: Space, rows: dict[str, dict], seconds: float = float("inf")) -> None:
        self.used, self._seconds, self._known = 0.0, seconds, set[str]()
        self._rows = {space.recipe(row["values"]).model_dump_json(): row for row in rows.values()}

    def submit(self, function, *arguments) -> Future[Outcome]:
        if self.used > self._seconds:
            raise OutOfTimeError
        result: Future[Outcome] = Future()
        result.set_result(Outcome(self._train(*arguments) if function is train_until else self._cost(arguments[0])))
        return result

    def _cost(self, recipe: str) -> tuple[ShapeCost, ...]:
        row = self._rows[recipe]
        shape = json.dumps(row["cost"])
        typical = np.median([one["cost_s"] for one in self._rows.values() if one["cost_s"] > 0.1])
        self.used += 0.0 if shape in self._known else float(typical)
        self._known.add(shape)
        return (ShapeCost(**row["cost"]),)

    def _train(self, job: TrainJob) -> dict[str, float]:
        row = self._rows[job.recipe_json]
        stops = sorted(map(int, row["scores"]))
        before = [stop for stop in stops if stop < job.steps] if Path(job.folder).exists() else []
        Path(job.folder).mkdir(parents=True, exist_ok=True)
        self.used += row["train_s"][str(job.steps)] - (row["train_s"][str(before[-1])] if before else 0.0)
        return row["scores"][str(job.steps)]

    def close(self) -> None:
        pass


def run(space: Space, rows: dict[str, dict], seconds: float = float("inf")) -> tuple[list[list[float]], dict]:
    """Objectives of what was trained to its end, and how much was tried."""
    table = Table(space, rows, seconds)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        study = TrialStudy(Path(name), space)
        with contextlib.suppress(OutOfTimeError):
            Search(space, Material(Path(name), ("table",), Folders(None, None)), study, table).run()
        trials = collect(study, ("table",), {}).trials
    whole = [one for one in trials if one.state == "trained"]
    found = [[FIGURES[key].loss(one.figures[key]) for key in space.settings.objectives] for one in whole]
    said = {"shapes": len(trials), "trained": len(whole), "stopped": sum(one.state == "stopped" for one in trials)}
    return found, {**said, "seconds": round(table.used, 1)}


def rows_of(table: Path) -> dict[str, dict]:
    """The rows of a table by their names."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(table.glob("*.json"))] if table.is_dir() else []
    rows = [json.loads(text) for text in texts] if texts else json.loads(table.read_text(encoding="utf-8"))
    return {name_of(row["values"]): row for row in rows}


def replay(space: Space, table: Path, seeds: int, sampler: str) -> list[dict]:
    """A search and a random search of each seed."""
    rows = rows_of(table)
    objectives, whole = space.settings.objectives, str(max(int(key) for row in rows.values() for key in row["scores"]))
    everything = np.array(
        [
            [FIGURES[key].loss({**row["cost"]["figures"], **row["scores"][whole]}[key]) for key in objectives]
            for row in rows.values()
            if row["scores"]
        ]
    )
    best, worst = everything.min(axis=0), everything.max(axis=0)

    def volume(found: list[list[float]]) -> float:
        from optuna._hypervolume import compute_hypervolume

        return float(compute_hypervolume((np.array(found) - best) / (worst - best), np.ones(len(objectives))))

    most = volume(everything.tolist())
    result = []
    for seed in range(1, seeds + 1):
        mine = replace(space, settings=space.settings.model_copy(update={"seed": seed, "finalists": 0, "sampler": sampler}))
        chance = replace(mine, settings=mine.settings.model_copy(update={"sampler": "random", "keep": 1.0, "trials": 10_000}))
        found, said = run(mine, rows)
        others, other_said = run(chance, rows, said["seconds"])
        result.append(
            {"seed": seed, "search": volume(found) / most, **said, "random": volume(others) / most, "of random": other_said}
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    table, again = commands.add_parser("tabulate"), commands.add_parser("replay")
    table.add_argument("space", type=Path)
    table.add_argument("--speech", type=Path, required=True)
    table.add_argument("--noise", type=Path, required=True)
    table.add_argument("--board", default="nrf5340dk")
    table.add_argument("-o", "--output", type=Path, required=True)
    again.add_argument("space", type=Path, nargs="?", default=HERE / "space.toml")
    again.add_argument("table", type=Path, nargs="?", default=HERE / "table.json")
    again.add_argument("--seeds", type=int, default=16)
    again.add_argument("--sampler", default="surface")
    given = parser.parse_args()
    space = read_space(given.space)
    if given.command == "tabulate":
        tabulate(space, given.output, Folders(given.speech, given.noise), given.board)
        return
    rows = replay(space, given.table, given.seeds, given.sampler)
    for row in rows:
        ahead, chance = "ahead" if row["search"] > row["random"] else "behind", row["of random"]
        print(
            f"seed {row['seed']}: search {row['search']:.3f} ({row['trained']} trained, {row['stopped']} stopped, "
            f"{row['shapes']} shapes, {row['seconds']:.0f} s), random {row['random']:.3f} ({chance['trained']} trained, "
            f"{chance['shapes']} shapes): {ahead}"
        )
    differences = np.array([row["search"] - row["random"] for row in rows])
    print(f"ahead in {(differences > 0).sum()} of {len(rows)}, by {differences.mean():+.3f} in the mean")


if __name__ == "__main__":
    main()
