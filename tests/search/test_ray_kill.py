# SPDX-License-Identifier: Apache-2.0
"""A search on two Ray nodes whose worker and whose driver are killed: nothing is lost or counted twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training_folders import TOY_RECIPE, noise_folder, speech_folder

for module, extra in (("optuna", "search"), ("torch", "train"), ("unicorn", "emulator"), ("ray", "cluster")):
    pytest.importorskip(module, reason=f"no {module}: pip install 'codesign[{extra}]'")

from codesign.search.front import read_front

pytestmark = pytest.mark.slow
SPACE = """recipe = "recipe.toml"
trials = 4
rungs = [2]
keep = 1.0
finalists = 0
[space]
"network.lstm.0" = [8, 16, 24, 32]
"""
"""Four shapes, four trials: whatever is killed, the same four are trained."""
LONG = 300.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    result = tmp_path_factory.mktemp("kill")
    speech_folder(result / "speech", 12)
    noise_folder(result / "noise")
    (result / "recipe.toml").write_text(TOY_RECIPE)
    (result / "space.toml").write_text(SPACE)
    return result


def begin(folder, name, *where):
    given = [str(folder / "space.toml"), "--speech", f"{folder}/speech", "--noise", f"{folder}/noise", "-o", f"{folder}/{name}"]
    with (folder / f"{name}.log").open("a") as log:
        return subprocess.Popen([sys.executable, "-m", "codesign", "search", *given, *where], stdout=log, stderr=log)


def workers():
    """Ray's workers on this machine that are at a job of a search."""
    found = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if place.name.isdigit() and (place / "cmdline").read_bytes().startswith(b"ray::_caught"):
                found.append(int(place.name))
    return found


def until(what, driver):
    """What `what` returns, as soon as it is something."""
    end = time.monotonic() + LONG
    while not (found := what()):
        assert driver.poll() is None, "the search ended before it was killed"
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def scored(out):
    return sorted(out.glob("trials/*/score-2.json"))


def test_a_killed_worker_and_a_killed_driver_cost_no_trial(folder):
    from ray.cluster_utils import Cluster

    cluster, out = Cluster(initialize_head=True, head_node_args={"num_cpus": 1}), folder / "killed"
    try:
        cluster.add_node(num_cpus=1)
        driver = begin(folder, "killed", "--ray", cluster.address)
        os.kill(until(workers, driver)[0], signal.SIGKILL)
        until(lambda: scored(out), driver)
        driver.kill()
        driver.wait()
        assert begin(folder, "killed", "--ray", cluster.address).wait(LONG) == 0
    finally:
        cluster.shutdown()
    assert "its job was lost" in (folder / "killed.log").read_text()
    assert begin(folder, "whole", "--workers", "1").wait(LONG) == 0
    killed, whole = read_front(out), read_front(folder / "whole")
    for front in (killed, whole):
        trained = [one for one in front.trials if one.state == "trained"]
        assert [one.number for one in front.trials] == list(range(len(front.trials)))
        assert sorted(one.values["network.lstm.0"] for one in trained) == [8, 16, 24, 32]
        assert {one.state for one in front.trials} <= {"trained", "repeated"}
    figures = [{one.values["network.lstm.0"]: one.figures for one in front.trials if one.figures} for front in (killed, whole)]
    assert figures[0].keys() == figures[1].keys()
    for units, expected in figures[1].items():
        assert figures[0][units] == pytest.approx(expected, abs=1e-3)
    best = [{one.values["network.lstm.0"] for one in front.best} for front in (killed, whole)]
    assert best[0] == best[1]
