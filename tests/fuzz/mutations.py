# SPDX-License-Identifier: Apache-2.0
"""Thousands of spoiled models: each is refused in one line, or its C computes what the reference computes.

    python -m tests.fuzz.mutations --count 20000 --seed 1

Every mutant is loaded, lowered and compared in a child process that may address 2 GiB. A mutant is made from --seed and its
number alone: `--start N --count 1 --keep FOLDER` makes one again.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import resource as limits
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT = 2 * 2**30
"""Bytes of address space of a child."""
SECONDS = 120
"""After which a mutant counts as one that hangs."""
BATCH = 250
"""Mutants of one child: it holds every library that it has loaded."""
GOOD = ("refused", "equal", "same network")


@dataclass(frozen=True)
class Result:
    """What became of a mutant. `outcome` is one of GOOD, or else what is wrong."""

    number: int
    seed_model: str
    change: str
    outcome: str
    detail: str = ""


def run(count: int, seed: int, start: int = 0, keep: Path | None = None, work: Path | None = None) -> Iterator[Result]:
    """Results of the mutants `start` … `start + count − 1`, in order; bad ones are moved into the folder `keep`."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as temporary:
        folder = work or Path(temporary)
        number, end = start, start + count
        while number < end:
            last = min(number + BATCH, end)
            done = number
            for result in _child(number, last, seed, folder):
                yield result
                done = result.number + 1
            if done < last:  # it died
                log = (folder / f"{number}.log").read_text(errors="replace").strip().splitlines()
                yield Result(done, "?", "?", "died", " | ".join(log[-3:]))
                done += 1
            if keep is not None:
                for path in folder.glob("mutant-*.onnx"):
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.move(path, keep / f"{seed}-{path.name}")
            number = done


def _child(start: int, end: int, seed: int, folder: Path) -> Iterator[Result]:
    import codesign

    paths = [str(Path(codesign.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    words = ("--child", str(folder), "--seed", str(seed), "--start", str(start), "--count", str(end - start))
    with (folder / f"{start}.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.mutations", *words],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env=environment,
        )
        assert child.stdout is not None
        for line in child.stdout:
            yield Result(**json.loads(line))
        if code := child.wait():
            log.write(f"\nexit code {code}\n")


def _work(start: int, end: int, seed: int, folder: Path) -> None:
    """What a child does: a line of JSON for every mutant."""
    limits.setrlimit(limits.RLIMIT_AS, (LIMIT, LIMIT))
    sys.path.insert(0, str(ROOT / "tests"))
    from .equality import Compiled
    from .mutate import mutant
    from .seeds import seed_models

    (folder / "libraries").mkdir(exist_ok=True)
    compiled, models = Compiled(folder / "libraries"), seed_models(folder)
    weights = [weight for _, _, weight in models]
    for number in range(start, end):
        rng = random.Random(f"{seed}/{number}")
        ((name, data, _),) = rng.choices(models, weights)
        spoiled, change = mutant(data, rng)
        path = folder / f"mutant-{number}.onnx"
        path.write_bytes(spoiled)
        signal.alarm(SECONDS)
        outcome, detail = _outcome(path, compiled, folder, number)
        signal.alarm(0)
        if outcome in GOOD:
            path.unlink()
        print(json.dumps(vars(Result(number, name, change, outcome, detail))), flush=True)


def _outcome(path: Path, compiled: object, folder: Path, number: int) -> tuple[str, str]:
    from codesign.base.errors import BuildError, CodesignError
    from codesign.compiler.lower import lower
    from codesign.compiler.model import load_onnx

    from .equality import Compiled, digest

    assert isinstance(compiled, Compiled)
    try:
        network = lower(load_onnx(path))
        front_end = "q31" if number % 4 == 0 else "float32"
        mark = folder / f"{digest(network)}-{front_end}"
        if mark.exists():
            return "same network", ""
        difference = compiled.difference(network, front_end, number)
        if difference:
            return "differs", difference
        mark.touch()
    except BuildError as error:
        return "does not compile", str(error)
    except CodesignError as error:
        text = str(error)
        if "more memory than there is" in text:
            return "over the limit", text
        return ("refused" if text and "\n" not in text and len(text) < 900 else "not one line"), text
    except MemoryError:
        return "over the limit", _where()
    except Exception:
        return "traceback", _where()
    return "equal", ""


def _where() -> str:
    import traceback

    return " | ".join(traceback.format_exc().strip().splitlines()[-7:])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="spoil models and see that each is refused in one line or computed right")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the mutants that something is wrong with")
    parser.add_argument("--work", type=Path, help="folder for object files, kept from run to run")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        _work(options.start, options.start + options.count, options.seed, options.child)
        return 0
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    outcomes: collections.Counter[str] = collections.Counter()
    for done, result in enumerate(run(options.count, options.seed, options.start, options.keep, options.work), 1):
        outcomes[result.outcome] += 1
        if result.outcome not in GOOD:
            print(f"{result.number} {result.seed_model} [{result.change}] {result.outcome}: {result.detail}", flush=True)
        if done % 1000 == 0 or done == options.count:
            print(f"{done}: {', '.join(f'{n} {what}' for what, n in outcomes.most_common())}", flush=True)
    return int(any(outcome not in GOOD for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
