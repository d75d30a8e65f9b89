# SPDX-License-Identifier: Apache-2.0
"""What of training works on a machine without torch: recipes, budgets, and a clear word about what is missing."""

from __future__ import annotations

import sys

import pytest

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.cli import main as cli
from codesign.compiler.frontend import Chain
from codesign.learning.train.recipe import differences, parse_recipe, read_recipe


@pytest.mark.parametrize("command", ["train", "compress", "export"])
def test_without_torch_the_commands_say_how_to_get_it(command, tmp_path, monkeypatch, capsys):
    import importlib.util

    known = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "torch" else known(name, *more))
    recipe = resource("models", "pruned", "recipe.toml")
    sounds = ["--speech", "s", "--noise", "n", "-o", str(tmp_path / "run")]
    arguments = {"train": [str(recipe), *sounds], "compress": ["x.pt", str(recipe), *sounds], "export": ["x.pt"]}[command]
    monkeypatch.setattr(sys, "argv", ["codesign", command, *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
    assert "error: torch is not installed; pip install 'codesign[train]'" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


RECIPES = sorted(resource("models").glob("*/*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=[f"{path.parent.name}/{path.stem}" for path in RECIPES])
def test_shipped_recipes_are_sound(path):
    recipe = read_recipe(path)
    assert recipe.name == path.parent.name
    assert isinstance(recipe.config, Chain)


@pytest.mark.parametrize("name", ["standard", "pruned", "standard-skip", "low-latency", "low-delay"])
def test_compressing_with_a_shipped_recipe_ends_with_integers(name):
    assert read_recipe(resource("models", name, "recipe.toml")).quantize is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 3", "name: Input should be a valid string"),
        ('name = "a b"', "name: String should match"),
        ('name = "a"\n[network]\nlstm = []', "network.lstm: Tuple should have at least 1 item"),
        ('name = "a"\n[network]\nlsmt = [3]', "network.lsmt: means nothing, did you mean lstm?"),
        ('name = "a"\n[train]\nsteps = 0', "train.steps: Input should be greater than 0"),
        ('name = "a"\n[train]\nsteps = 1.5', "train.steps: Input should be a valid integer"),
        ('name = "a"\n[front_end]\nhopp = 3', "lag, filter_delay), did you mean hop?"),
        ('name = "a"\n[front_end]\nhop = "3"', "front_end.hop must be a whole number, not '3'"),
        ('name = "a"\n[front_end]\nhop = 100', "hop 100 does not divide window 512"),
        ('name = "a"\n[mixing]\nsnr = 3', "mixing.snr: means nothing"),
        ('name = "a"\n[mixing]\nsnr_bd = [0, 3]', "mixing.snr_bd: means nothing, did you mean snr_db?"),
        ('name = "a"\n[mixing]\nrooms = 3.0', "rooms 3.0 is not in 0…1"),
        ('name = "a"\n[skip]\nupdates = 1.5', "skip.updates: Input should be less than or equal to 1"),
        ("name = ", "is not TOML"),
    ],
)
def test_mistakes_in_a_recipe_are_named(text, message):
    with pytest.raises(InputError) as caught:
        parse_recipe(text, "my.toml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("my.toml")
    assert caught.value.hint == "docs/training.md lists the keys"


def test_a_recipe_extends_another(tmp_path):
    (tmp_path / "base.toml").write_text('name = "base"\nseed = 5\n[loss]\nspectral_weight = 7.0\nperceptual_weight = 2.0\n')
    child = tmp_path / "child" / "recipe.toml"
    child.parent.mkdir()
    child.write_text('extends = "../base.toml"\nname = "child"\n[loss]\nspectral_weight = 3.0\n[quantize]\nsteps = 9\n')
    recipe = read_recipe(child)
    assert (recipe.name, recipe.seed, recipe.quantize.steps) == ("child", 5, 9)
    assert (recipe.loss.spectral_weight, recipe.loss.perceptual_weight) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ('"recipe.toml"', "recipe.toml: extends: the recipe extends itself"),
        ('"none.toml"', "none.toml: No such file"),
        ("3", "recipe.toml: extends: must be the path of a recipe"),
        ('"other.toml"', "other.toml is not TOML"),
    ],
)
def test_mistakes_in_what_a_recipe_extends(tmp_path, extends, message):
    (tmp_path / "other.toml").write_text("name = ")
    (tmp_path / "recipe.toml").write_text(f'extends = {extends}\nname = "a"\n')
    with pytest.raises(InputError) as caught:
        read_recipe(tmp_path / "recipe.toml")
    assert message in str(caught.value)


def test_differences_name_the_keys():
    one, other = parse_recipe('name = "a"', "x"), parse_recipe('name = "a"\nseed = 2\n[network]\nlstm = [8]\n[quantize]', "y")
    assert differences(one, one) == ()
    assert differences(one, other) == ("network.lstm", "quantize", "seed")
