# SPDX-License-Identifier: Apache-2.0
"""A search with jobs that compute their answers: what is tried, what stops, and that nothing is lost or counted twice."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import Future
from dataclasses import replace

import pytest

pytest.importorskip("optuna")

from codesign.base.errors import InputError, ToolError, ValidationError
from codesign.learning.data import Folders
from codesign.search import driver
from codesign.search.driver import Material, Search
from codesign.search.executor import LOST_TIMES, Executor, Outcome
from codesign.search.front import collect, read_front, write_front
from codesign.search.page import write_page
from codesign.search.shape_cost import ShapeCost
from codesign.search.space import read_space
from codesign.search.study import TrialStudy

SPACE = """recipe = "recipe.toml"
trials = 12
rungs = [10]
[space]
"network.lstm.0" = { from = 8, to = 96, step = 4 }
"train.learning_rate" = { from = 1e-4, to = 1e-1, log = true }
"""
RECIPE = 'name = "base"\n[network]\nlstm = [16]\nfc = []\n[train]\nsteps = 40\n'
LARGEST = 64


class Inline(Executor):
    """Jobs made at once, `slots` of them waiting; calls of `losing` are lost, at call number `dies` this process is."""

    def __init__(self, slots=1, losing=(), dies=0):
        self.slots, self.losing, self.dies, self.calls = slots, set(losing), dies, 0

    def submit(self, function, *arguments):
        self.calls += 1
        if self.calls == self.dies:
            raise KeyboardInterrupt
        result = Future()
        result.set_result(Outcome(lost="was lost") if self.calls in self.losing else Outcome(function(*arguments)))
        return result

    def close(self):
        pass


def cost(recipe_json, activations, boards, limits, folder):
    units = json.loads(recipe_json)["network"]["lstm"][0]
    excess = {"flash": units / LARGEST - 1, "ram": -0.5, "worst_ms": -0.5, "delay_ms": -1.0}
    return tuple(ShapeCost(board, {"worst_ms": units / 10, "flash": 100.0 * units}, excess) for board in boards)


def trained(job):
    recipe = json.loads(job.recipe_json)
    rate = recipe["train"]["learning_rate"]
    units = recipe["network"]["lstm"][0]
    return {"si_sdr_db": units / 8 - abs(rate - 0.01) * 50 + job.steps / 40}


@pytest.fixture
def begin(tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "shape_cost", cost)
    monkeypatch.setattr(driver, "train_until", trained)
    (tmp_path / "recipe.toml").write_text(RECIPE)

    def made(text=SPACE, name="run", executor=None):
        (tmp_path / "space.toml").write_text(text)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        space = read_space(tmp_path / "space.toml")
        material = Material(folder, ("nrf5340dk",), Folders(tmp_path, tmp_path))
        return Search(space, material, TrialStudy(folder, space), executor or Inline())

    return made


def found(search):
    return collect(search.study, search.material.boards, {})


def tried(search):
    return [(one.number, one.state, dict(one.values), dict(one.figures)) for one in found(search).trials]


def test_what_does_not_fit_is_never_trained_and_the_rest_is_counted_once(begin):
    search = begin()
    search.run()
    front = found(search)
    over = [one for one in front.trials if one.values["network.lstm.0"] > LARGEST]
    assert over
    assert all(one.state in ("does not fit", "repeated") and one.steps == 0 for one in over)
    ended = [one for one in front.trials if one.state in ("trained", "stopped")]
    assert len(ended) == 12
    assert any(one.state == "stopped" and one.steps == 10 for one in ended)
    assert all(one.steps == 40 for one in ended if one.state == "trained")


def test_the_front_is_what_nothing_is_better_than(begin):
    search = begin()
    search.run()
    front = found(search)
    whole = [(-one.figures["si_sdr_db"], one.figures["worst_ms"]) for one in front.trials if one.state == "trained"]
    for one in front.best:
        mine = (-one.figures["si_sdr_db"], one.figures["worst_ms"])
        assert [other for other in whole if other != mine and other[0] <= mine[0] and other[1] <= mine[1]] == []


@pytest.mark.parametrize("sampler", ["surface", "tpe", "nsga2", "random"])
def test_the_same_seed_tries_the_same(begin, sampler):
    text = f'sampler = "{sampler}"\n{SPACE}'
    one, other = begin(text, "one"), begin(text, "other")
    one.run()
    other.run()
    assert tried(one) == tried(other)


@pytest.mark.filterwarnings("error:The constraint value")
@pytest.mark.parametrize("dies", [2, 9, 17])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(begin, dies):
    whole = begin(name="whole")
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        begin(name="cut", executor=Inline(dies=dies)).run()
    again = begin(name="cut")
    again.run()
    assert tried(again) == tried(whole)


def test_lost_jobs_are_made_again(begin):
    whole, lossy = begin(name="whole"), begin(name="lossy", executor=Inline(losing=(1, 3, 4, 10)))
    whole.run()
    lossy.run()
    assert tried(lossy) == tried(whole)


def test_a_trial_whose_job_is_always_lost_is_given_up(begin):
    search = begin(executor=Inline(losing=range(1, LOST_TIMES + 2)))
    search.run()
    assert [one.number for one in found(search).trials if one.state == "failed"] == [0]


def test_several_workers_train_as_many_networks(begin):
    search = begin(executor=Inline(slots=5))
    search.run()
    assert sum(one.state in ("trained", "stopped") for one in found(search).trials) == 12


def test_an_impossible_budget_is_said_with_the_nearest_shape(begin):
    text = SPACE.replace("from = 8", "from = 80").replace("trials = 12", "trials = 2\ncandidates = 6")
    search = begin(text)
    with pytest.raises(ValidationError, match=r"none of 6 shapes fits; the nearest: .* flash by \d+ %"):
        search.run()


@pytest.mark.parametrize(("finalists", "missing"), [(1, True), (0, False)])
def test_what_proving_needs_is_looked_for_before_anything_is_trained(begin, monkeypatch, finalists, missing):
    pytest.importorskip("torch")
    from codesign.firmware.machines import qemu

    def absent():
        raise ToolError("no Zephyr workspace found")

    monkeypatch.setattr(qemu, "find_qemu", lambda: None)
    monkeypatch.setattr(qemu, "find_workspace", absent)
    search = begin(f"finalists = {finalists}\n{SPACE}")
    material = replace(search.material, boards=("mps3_an547",))
    with pytest.raises(ToolError, match="no Zephyr") if missing else contextlib.nullcontext():
        driver.check_material(search.space, material)


def test_errors_of_the_machine_end_the_search(begin):
    search = begin()

    class Refused(Inline):
        def submit(self, function, *arguments):
            result = Future()
            result.set_result(Outcome(error=ToolError("no compiler")))
            return result

    search.executor = Refused()
    with pytest.raises(ToolError, match="no compiler"):
        search.run()
    again = begin()
    again.run()
    assert sum(one.state in ("trained", "stopped") for one in found(again).trials) == 12


def test_a_training_that_diverges_costs_its_trial(begin):
    class Diverges(Inline):
        once = False

        def submit(self, function, *arguments):
            if function is not trained or self.once:
                return super().submit(function, *arguments)
            self.once = True
            result = Future()
            result.set_result(Outcome(error=ValidationError("training diverged")))
            return result

    search = begin(executor=Diverges())
    search.run()
    assert [one.reason for one in found(search).trials if one.state == "failed"] == ["training diverged"]


def test_another_space_does_not_go_on_in_the_folder(begin):
    begin().run()
    with pytest.raises(InputError, match="is of another space"):
        begin(SPACE.replace("to = 96", "to = 80"))
    assert begin(SPACE.replace("trials = 12", "trials = 13")).space.settings.trials == 13


@pytest.mark.parametrize("damage", ["text", "bytes", "kind", "folder"])
def test_a_damaged_journal_is_one_line(begin, damage):
    search = begin()
    search.run()
    journal = search.material.folder / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[len(lines) // 2] = {"text": b"{oops\n", "bytes": b"\xff\x00\n", "kind": b"[1]\n", "folder": b""}[damage]
    journal.unlink()
    if damage == "folder":
        journal.mkdir()
    else:
        journal.write_bytes(b"".join(lines))
    with pytest.raises(InputError, match=r"cannot open .*journal\.log"):
        begin()


def test_a_journal_whose_last_line_was_cut_goes_on(begin):
    whole = begin(name="whole")
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        begin(name="cut", executor=Inline(dies=9)).run()
    journal = whole.material.folder.parent / "cut" / "journal.log"
    journal.write_bytes(journal.read_bytes()[:-7])
    again = begin(name="cut")
    again.run()
    assert sum(one.state in ("trained", "stopped") for one in found(again).trials) == 12


def test_the_front_is_written_and_read_and_drawn(begin, tmp_path):
    search = begin()
    search.run()
    front = found(search)
    write_front(tmp_path, front)
    assert read_front(tmp_path) == front
    page = write_page(tmp_path, front).read_text()
    assert page.count("<svg") >= 2
    assert all(f">{one.number}</th>" in page for one in front.trials)
    with pytest.raises(InputError, match="no trial 999"):
        front.trial(999)
    (tmp_path / "pareto.json").write_text("{}")
    with pytest.raises(InputError, match="is no result of a search"):
        read_front(tmp_path)


def test_a_trial_begins_with_the_nearest_network_that_its_shape_lies_within(begin, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    import torch

    from codesign.learning.train.checkpoint import Checkpoint, save
    from codesign.learning.train.float_task import float_task
    from codesign.learning.train.recipe import parse_recipe

    def network(path, units):
        recipe = parse_recipe(RECIPE.replace("[16]", f"[{units}]"), "recipe.toml")
        weights = {f"network.{name}": value for name, value in float_task(recipe).module.network.state_dict().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        save(Checkpoint(recipe, "train", float_task(recipe).sizes, 1, weights, weights), path)

    network(tmp_path / "large.pt", 60)
    network(tmp_path / "small.pt", 32)
    starts = {}

    def noted(job):
        units = json.loads(job.recipe_json)["network"]["lstm"][0]
        starts[int(driver.Path(job.folder).name)] = units, job.start
        network(driver.Path(job.folder) / "last.pt", units)
        return trained(job)

    monkeypatch.setattr(driver, "train_until", noted)
    torch.manual_seed(0)
    begin(f'start = ["large.pt", "small.pt"]\nsampler = "tpe"\n{SPACE}', "given").run()
    nearest = {
        units: "" if units > 60 else str(tmp_path / ("large.pt" if units > 32 else "small.pt")) for units, _ in starts.values()
    }
    assert set(nearest.values()) == {"", str(tmp_path / "large.pt"), str(tmp_path / "small.pt")}
    assert all(start == nearest[units] for units, start in starts.values())
    starts.clear()
    search = begin(f"warm = true\n{SPACE}", "warm")
    search.run()
    ended = {one.number: one.values["network.lstm.0"] for one in found(search).trials if one.state == "trained"}
    for number, units in sorted(ended.items()):
        before = [other for earlier, other in ended.items() if earlier < number and other >= units]
        start = starts[number][1]
        assert bool(start) == bool(before)
        if before:
            assert ended[int(driver.Path(start).parent.name)] == min(before)


def test_a_network_to_begin_with_that_cannot_be_read_is_one_line(begin, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.pt is damaged"):
        begin(f'start = "broken.pt"\n{SPACE}')
    with pytest.raises(InputError, match=r"cannot read .*absent\.pt"):
        begin(f'start = "absent.pt"\n{SPACE}', "other")
