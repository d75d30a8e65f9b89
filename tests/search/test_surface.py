# SPDX-License-Identifier: Apache-2.0
"""The sampler that chooses what is expected to add most to the front, and the hypervolume that it counts by."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.search.space import read_space
from codesign.search.surface import STARTUP, Known, Surface, hypervolume

RECIPE = 'name = "base"\n[network]\nlstm = [16]\nfc = []\n[train]\nsteps = 40\n'
SPACE = """recipe = "recipe.toml"
[space]
"network.lstm.0" = { from = 8, to = 96, step = 4 }
"train.learning_rate" = { from = 1e-4, to = 1e-1, log = true }
"""


@pytest.fixture
def space(tmp_path):
    def made(text=SPACE):
        (tmp_path / "recipe.toml").write_text(RECIPE)
        (tmp_path / "space.toml").write_text(text)
        return read_space(tmp_path / "space.toml")

    return made


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_the_hypervolume_is_optuna_s(objectives):
    oracle = pytest.importorskip("optuna._hypervolume").compute_hypervolume
    points = np.random.default_rng(objectives).uniform(0.0, 1.3, (14, objectives))
    points = np.concatenate([points, points[:2]])
    inside = points[(points < 1.1).all(axis=1)]
    ours = hypervolume([tuple(row) for row in points], 1.1)
    assert ours == pytest.approx(oracle(inside, np.full(objectives, 1.1)), rel=1e-12)
    assert hypervolume([], 1.1) == 0.0


def known(values, fails_above=64):
    """A trial that was trained, better the larger it is and the nearer its learning rate is to 0.01."""
    units, rate = values["network.lstm.0"], values["train.learning_rate"]
    excess = units / fails_above - 1.0
    losses = (-(units / 8) + abs(np.log10(rate) + 2) * 3, units / 10)
    return Known(values, losses if excess <= 0 else None, excess, whole=excess <= 0)


def run(space, count):
    surface, trials = Surface(space), []
    for _ in range(count):
        values = surface.choose(trials)
        assert values is not None
        trials.append(known(values))
    return trials


def test_the_first_shapes_are_spread_over_the_sizes(space):
    units = [one.values["network.lstm.0"] for one in run(space(), STARTUP)]
    assert units == sorted(units)
    assert units[0] <= 12
    assert units[-1] >= 92


def test_later_ones_fit_and_have_the_better_learning_rate(space):
    later = run(space(), 16)[STARTUP + 3 :]
    assert sum(one.excess <= 0 for one in later) >= len(later) - 1
    far = [abs(np.log10(one.values["train.learning_rate"]) + 2) for one in later]
    assert np.median(far) < 0.5  # 0.83 by chance
    assert len({one.values["network.lstm.0"] for one in later}) >= 4


def test_nothing_is_chosen_twice_and_the_end_is_said(space):
    few = space('recipe = "recipe.toml"\n[space]\n"network.lstm.0" = [8, 16, 24]\n"train.batch" = [2, 4]\n')
    surface, trials = Surface(few), []
    while (values := surface.choose(trials)) is not None:
        trials.append(Known(values, (-float(values["network.lstm.0"]), 1.0 * values["train.batch"]), -0.5, whole=True))
    assert len({str(one.values) for one in trials}) == len(trials) == 6


@pytest.mark.parametrize("excess", [0.5, None])
def test_what_runs_is_not_proposed_again(space, excess):
    surface, trials = Surface(space()), run(space(), 10)
    first = surface.choose(trials)
    second = surface.choose([*trials, Known(first, None, excess, running=True)])
    assert second not in (None, first)


def test_choices_that_are_no_numbers_and_keys_under_conditions_are_chosen_among(space):
    text = """recipe = "recipe.toml"
[space]
"network.family" = ["lstm", "gru"]
"network.lstm" = { choices = [[16], [32, 32]], when = { "network.family" = "lstm" } }
"network.gru" = { choices = [[16], [48], [64, 64]], when = { "network.family" = "gru" } }
"front_end.n_mels" = [24, 40]
"""
    surface, trials = Surface(space(text)), []
    for _ in range(8):
        values = surface.choose(trials)
        units = sum(values.get("network.lstm", values.get("network.gru")))
        trials.append(Known(values, (-float(units), float(units)), -0.5, whole=True))
    assert len({str(one.values) for one in trials}) == 8
    assert all(("network.lstm" in one.values) == (one.values["network.family"] == "lstm") for one in trials)
