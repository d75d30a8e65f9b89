# SPDX-License-Identifier: Apache-2.0
"""Search spaces: what they draw, and one clear line for every mistake."""

from __future__ import annotations

import pytest

from codesign.base.errors import InputError
from codesign.base.toml import parse_toml, toml_text
from codesign.learning.train.recipe import Recipe, parse_recipe
from codesign.search.halving import front_of, goes_on, ranked
from codesign.search.space import Chance, read_space

RECIPE = 'name = "base"\n[network]\nlstm = [16, 12]\nfc = [12]\n[train]\nsteps = 80\n'
SPACE = 'recipe = "recipe.toml"\n[space]\n'


def space_of(folder, body, recipe=RECIPE, head='recipe = "recipe.toml"\n'):
    (folder / "recipe.toml").write_text(recipe)
    (folder / "space.toml").write_text(head + body)
    return read_space(folder / "space.toml")


def test_values_of_a_space_become_the_recipe_s(tmp_path):
    body = """[space]
"network.lstm.1" = { from = 8, to = 40, step = 16 }
"network.fc" = [[12], []]
"train.learning_rate" = { from = 1e-3, to = 1e-2, log = true }
activations = ["int8", "int16"]
"""
    space = space_of(tmp_path, body)
    chance = Chance(1)
    drawn = [space.draw(chance) for _ in range(50)]
    assert {values["network.lstm.1"] for values in drawn} == {8, 24, 40}
    assert all(1e-3 <= values["train.learning_rate"] <= 1e-2 for values in drawn)
    recipe = space.recipe(drawn[0])
    assert recipe.network.lstm == (16, drawn[0]["network.lstm.1"])
    assert list(recipe.network.fc) == drawn[0]["network.fc"]
    assert recipe.train.steps == 80
    assert space.activations(drawn[0]) == drawn[0]["activations"]
    assert space.stops(recipe) == (10, 40, 80)


def test_keys_of_another_family_are_searched_with_it_alone(tmp_path):
    body = """[space]
"network.family" = ["lstm", "gru"]
"network.lstm" = { choices = [[8], [16]], when = { "network.family" = "lstm" } }
"network.gru" = { choices = [[8], [16]], when = { "network.family" = "gru" } }
"""
    space = space_of(tmp_path, body)
    chance = Chance(3)
    drawn = [space.draw(chance) for _ in range(20)]
    assert {tuple(sorted(values)) for values in drawn} == {
        ("network.family", "network.lstm"),
        ("network.family", "network.gru"),
    }
    assert {space.recipe(values).network.family for values in drawn} == {"lstm", "gru"}


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ("", '[space]\n"network.fc" = [[8]]\n', "recipe: Field required"),
        (
            SPACE.replace("[space]\n", "trails = 3\n"),
            '[space]\n"network.fc" = [[8]]\n',
            "did you mean trials?",
        ),
        (None, "", "[space] names no key"),
        (None, '[space]\n"network.fcs" = [[8]]\n', "network.fcs: means nothing"),
        (None, '[space]\n"network.lstm.2" = [8]\n', "the recipe has no such item"),
        (None, '[space]\n"network.fc" = []\n', "choices must be a list of 1 to 200 values"),
        (None, '[space]\n"network.fc" = [[8], [8]]\n', "a choice is there twice"),
        (None, '[space]\n"network.lstm.0" = { from = 9, to = 8 }\n', "from 9 is above to 8"),
        (None, '[space]\n"network.lstm.0" = { from = 8, to = 16, step = 0 }\n', "step: must be above 0"),
        (None, '[space]\n"network.lstm.0" = { from = 8 }\n', "has no 'to'"),
        (None, '[space]\n"train.learning_rate" = { from = 0.0, to = 1.0, log = true }\n', "needs from above 0"),
        (None, '[space]\n"network.fc" = { choices = [[8]], when = { "network.size" = 1 } }\n', "'network.size' is no key"),
        (None, '[space]\nactivations = ["int4"]\n', "int8, int16 or auto"),
        (None, '[space]\n"network.fc" = [[8]]\n[limits]\ndelay = 3\n', "limits.delay: is not one of"),
        (None, '[space]\n"network.fc" = [[8]]\n[limits]\ndelay_ms = -3\n', "must be a number above 0"),
        ('recipe = "recipe.toml"\nobjectives = ["loudness"]\n', '[space]\n"network.fc" = [[8]]\n', "'loudness' is not one of"),
        ('recipe = "recipe.toml"\nobjectives = ["flash"]\n', '[space]\n"network.fc" = [[8]]\n', "no objective is of training"),
        ('recipe = "recipe.toml"\nrungs = [5, 5]\n', '[space]\n"network.fc" = [[8]]\n', "each more than the one before"),
        ('recipe = "other.toml"\n', '[space]\n"network.fc" = [[8]]\n', "other.toml"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(tmp_path, head, body, said):
    with pytest.raises(InputError) as caught:
        space_of(tmp_path, body, head='recipe = "recipe.toml"\n' if head is None else head)
    assert said in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_space_without_any_recipe_is_refused_with_the_recipe_s_reason(tmp_path):
    with pytest.raises(InputError, match="does not divide window"):
        space_of(tmp_path, '[space]\n"front_end.hop" = [100, 200]\n')


def test_fronts_come_one_after_the_other():
    points = [(0.0, 3.0), (3.0, 0.0), (1.0, 1.0), (2.0, 2.0), (4.0, 4.0)]
    assert front_of(points) == [0, 1, 2]
    assert ranked(points) == [0, 2, 1, 3, 4]


def test_a_trial_goes_on_while_it_is_in_the_best_share():
    assert goes_on((5.0, 5.0), [], 0.5)  # the first has nobody ahead
    assert not goes_on((5.0, 5.0), [(1.0, 1.0)], 0.5)
    assert goes_on((0.0, 9.0), [(1.0, 1.0), (2.0, 2.0)], 0.5)  # nobody is better in everything
    assert not goes_on((3.0, 3.0), [(1.0, 1.0), (2.0, 2.0)], 0.5)
    assert goes_on((9.0, 0.0), [(0.0, 9.0), (1.0, 5.0)], 0.5)  # the cheapest, of whatever quality


def test_a_recipe_survives_its_toml():
    recipe = parse_recipe(RECIPE + "[quantize]\nsteps = 3\n", "here")
    text = toml_text(recipe.model_dump(mode="json", exclude_none=True))
    assert Recipe.model_validate(parse_toml(text, "there", "")) == recipe
