# SPDX-License-Identifier: Apache-2.0
"""The search command with real jobs: shapes built and emulated, networks trained, one proven, one taken."""

from __future__ import annotations

import importlib.util
import shutil
import sys

import pytest

from training_folders import TOY_RECIPE, noise_folder, speech_folder

for module in ("optuna", "torch", "unicorn"):
    pytest.importorskip(module)

from codesign.cli import main as cli
from codesign.compiler.model import load_onnx
from codesign.search.front import read_front
from codesign.search.shape_cost import best_board, shape_cost
from codesign.search.space import read_space
from json_documents import document as checked

pytestmark = pytest.mark.slow
SPACE = """recipe = "recipe.toml"
trials = 2
rungs = [2]
finalists = 1
[space]
"network.lstm.0" = { from = 8, to = 24, step = 8 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    result = tmp_path_factory.mktemp("search")
    speech_folder(result / "speech", 12)
    noise_folder(result / "noise")
    (result / "recipe.toml").write_text(TOY_RECIPE)
    (result / "space.toml").write_text(SPACE)
    return result


def main(arguments):
    """The command line in this process: its exit code."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["codesign", *arguments])
        cli.main()
    return ended.value.code or 0


def arguments(folder, *more):
    return ["search", str(folder / "space.toml"), "--speech", f"{folder}/speech", "--noise", f"{folder}/noise", *more]


def test_a_search_ends_in_a_proven_network_that_can_be_taken(folder, capsys):
    out = folder / "out"
    assert main(arguments(folder, "-o", str(out), "--workers", "1")) == 0
    front = read_front(out)
    (proven,) = [one.proven for one in front.best if one.proven is not None]
    assert proven.ok
    assert (out / "pareto.html").read_text().count("PROVEN") == 1
    before = front
    assert main(arguments(folder, "-o", str(folder / "none"), "--resume")) == 2
    assert main(arguments(folder, "-o", str(out), "--workers", "1", "--resume")) == 0  # there is nothing left to do
    assert read_front(out) == before
    number = next(one.number for one in front.best if one.proven is not None)
    assert main(["search", "take", str(out), str(number), "-o", str(folder / "taken")]) == 0
    capsys.readouterr()
    assert main(["search", "show", str(out), "--json"]) == 0
    shown = checked(capsys.readouterr().out)
    assert [one["number"] for one in shown["front"]["trials"]] == [one.number for one in front.trials]
    assert {path.name for path in (folder / "taken").iterdir()} == {
        "last.pt",
        "recipe.toml",
        f"toy-{number}.onnx",
        f"toy-{number}-float.onnx",
    }
    other = next(one.number for one in front.trials if one.state == "trained" and one.proven is None)
    assert main(["search", "take", str(out), str(other), "-o", str(folder / "other")]) == 0
    assert {path.name for path in (folder / "other").iterdir()} == {"last.pt", "recipe.toml", f"toy-{other}-float.onnx"}
    load_onnx(folder / "other" / f"toy-{other}-float.onnx")


def test_a_shape_s_cost_is_that_of_its_image(folder):
    space = read_space(folder / "space.toml")
    small, large = (
        best_board(
            shape_cost(space.recipe({"network.lstm.0": units}).model_dump_json(), "int8", ("nrf5340dk",), {}, str(folder))
        )
        for units in (8, 24)
    )
    inputs, outputs = 12, 12
    for cost, units in ((small, 8), (large, 24)):
        assert cost.fits
        assert cost.figures["macs"] == cost.figures["weights"] == 4 * units * (inputs + units) + units * outputs
    assert large.figures["flash"] > small.figures["flash"]
    assert large.figures["worst_ms"] > small.figures["worst_ms"]
    assert small.figures["delay_ms"] == large.figures["delay_ms"] >= 1000 * 128 / 16000


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="QEMU has the Cortex-M55: apt install qemu-system-arm")
def test_a_core_that_unicorn_has_not_is_costed_in_qemu(folder):
    recipe = read_space(folder / "space.toml").recipe({"network.lstm.0": 16})
    costs = shape_cost(recipe.model_dump_json(), "int8", ("mps3_an547", "nrf5340dk"), {}, str(folder))
    assert all(cost.fits for cost in costs)
    vector, scalar = costs
    assert vector.figures["macs"] == scalar.figures["macs"]
    assert vector.figures["worst_ms"] < scalar.figures["worst_ms"]


def test_shapes_alone_have_a_front_of_their_weights_against_their_costs(folder):
    space = folder / "shapes.toml"
    space.write_text(SPACE.replace("trials = 2", "candidates = 4"))
    assert main(["search", str(space), "--shapes", "-o", str(folder / "shapes"), "--workers", "1"]) == 0
    front = read_front(folder / "shapes")
    assert front.objectives == ("weights", "worst_ms")
    assert (
        len({one.values["network.lstm.0"] for one in front.best})
        == len(front.best)
        == len(front.trials) - sum(one.state == "repeated" for one in front.trials)
    )


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray runs searches on clusters: pip install ray")
def test_a_ray_cluster_tries_the_same(folder):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        assert main(arguments(folder, "-o", str(folder / "ray"), "--ray", cluster.address)) == 0
    finally:
        cluster.shutdown()
    one, other = read_front(folder / "out"), read_front(folder / "ray")
    assert [(trial.values, trial.figures) for trial in one.trials] == [(trial.values, trial.figures) for trial in other.trials]
