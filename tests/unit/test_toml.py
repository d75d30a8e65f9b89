# SPDX-License-Identifier: Apache-2.0
"""TOML of users: numbers, depth, text and size are bounded in one place, for every reader."""

import pytest

from codesign.base.errors import InputError
from codesign.base.resources import resource
from codesign.base.toml import MAX_BYTES, MAX_DEPTH, parse_toml, read_toml
from codesign.firmware.boards import load_board
from codesign.learning.train.recipe import MAX_EXTENDS, read_recipe
from codesign.proof.compare.thresholds import read_thresholds

BAD = {
    "400 digits": (f"a = {'9' * 400}", "a: a whole number beyond 64 bits"),
    "4300 digits": (f"a = {'9' * 4300}", "a: a whole number beyond 64 bits"),
    "6000 digits": (f"a = {'1' * 6000}", "a number of thousands of digits"),
    "hexadecimal": (f"a = 0x{'f' * 6000}", "a: a whole number beyond 64 bits"),
    "just beyond": ("[t]\na = [1, 9223372036854775808]", "t.a.1: a whole number beyond 64 bits"),
    "infinite": ("[t]\na = inf", "t.a: inf is not a finite number"),
    "not a number": ("a = -nan", "a: nan is not a finite number"),
    "rounded to infinity": ("a = 1e999", "a: inf is not a finite number"),
    "open brackets": (f"a = {'[' * 20_000}", "nested deeper"),
    "open braces": (f"a = {'{a=' * 9000}", "nested deeper"),
    "brackets": (f"a = {'[' * 30}{']' * 30}", "nested deeper"),
    "dotted key": (f"{'a.' * 200}b = 1", "nested deeper"),
    "long dotted key": (f"x = 1\n{'a.' * 20_000}b = 1", "line 2 has more than 256 dots"),
    "table of a dotted name": (f"[{'a.' * 200}b]", "nested deeper"),
    "NUL in text": ('a = "x\\u0000y"', "a: a NUL character"),
    "NUL in a key": ('[t]\n"x\\u0000y" = 1', "t: a NUL character in a key"),
    "NUL": ("a = 1\0", "is not TOML"),
    "large": (f"# {'x' * MAX_BYTES}", "larger than 65,536 bytes"),
    "half": ("a = ", "is not TOML"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("reader", [load_board, read_recipe, read_thresholds], ids=["card", "recipe", "thresholds"])
def test_refused_by_every_reader(reader, text, words, tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        reader(str(path) if reader is load_board else path)
    assert words in str(caught.value)
    assert "my.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint.startswith(("see docs/", "docs/"))


def test_what_is_read(tmp_path):
    deep = "[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2)
    text = f'a = 9223372036854775807\nb = -9223372036854775808\nc = 1e308\nd = {deep}\n[t]\ne = "ä\\t"\n'
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    found = read_toml(tmp_path / "a.toml", "")
    assert (found["a"], found["b"], found["c"], found["t"]["e"]) == (2**63 - 1, -(2**63), 1e308, "ä\t")
    assert parse_toml(text, "here", "") == found
    (tmp_path / "mark.toml").write_text(text, encoding="utf-8-sig")
    assert read_toml(tmp_path / "mark.toml", "") == found


@pytest.mark.parametrize("path", ["/dev/zero", "", "none.toml", "a\0.toml", "loop.toml"])
def test_no_regular_file(path, tmp_path):
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(InputError) as caught:
        read_toml(tmp_path / path, "a hint")
    assert "cannot read" in str(caught.value)
    assert caught.value.hint == "a hint"


def test_not_utf_8(tmp_path):
    (tmp_path / "a.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(InputError, match="is not TOML"):
        read_toml(tmp_path / "a.toml", "")


def card(**changes):
    text = resource("boards", "nrf5340dk", "board.toml").read_text(encoding="utf-8")
    for key, value in changes.items():
        before = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(before, f"{key} = {value}")
    return text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("clock_hz", "9" * 400),
        ("clock_hz", 2**62),
        ("clock_hz", "inf"),
        ("worst_frame_ms", "inf"),
        ("worst_frame_ms", "nan"),
        ("worst_frame_ms", 1e300),
        ("cycles_per_instruction", 1e300),
        ("stack", 2**62),
    ],
)
def test_numbers_that_no_board_has(key, value, tmp_path):
    path = tmp_path / "board.toml"
    path.write_text(card(), encoding="utf-8")
    assert load_board(str(path)).name == "nrf5340dk"
    path.write_text(card(**{key: value}), encoding="utf-8")
    with pytest.raises(InputError, match=key):
        load_board(str(path))


@pytest.mark.parametrize(
    ("mixing", "words"),
    [
        ('kinds = ""', "kinds must be a table of numbers"),
        ('kinds = {recorded = "x"}', "kinds must be a table of numbers"),
        ("snr_db = 3.0", "snr_db must be two numbers"),
        ("snr_db = [1.0, 2.0, 3.0]", "snr_db must be two numbers"),
        ('snr_db = "ab"', "snr_db must be two numbers"),
        ("rooms = true", "rooms must be a number"),
        ("layers = 1.0", "layers must be a list of numbers"),
        ("reuse = 2.5", "reuse must be a whole number"),
    ],
)
def test_types_in_mixing(mixing, words, tmp_path):
    (tmp_path / "recipe.toml").write_text(f'name = "a"\n[mixing]\n{mixing}\n')
    with pytest.raises(InputError, match=words):
        read_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize(
    "extends", ['"/dev/zero"', '"a\\u0000b"', '"loop.toml"', '""', '"."', f'"{"x" * 5000}"', '["base.toml"]']
)
def test_what_no_recipe_can_extend(extends, tmp_path):
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    (tmp_path / "recipe.toml").write_text(f'name = "a"\nextends = {extends}\n')
    with pytest.raises(InputError):
        read_recipe(tmp_path / "recipe.toml")


def test_a_chain_of_recipes_is_bounded(tmp_path):
    for index in range(MAX_EXTENDS + 2):
        base = f'extends = "{index + 1}.toml"\n' if index <= MAX_EXTENDS else ""
        (tmp_path / f"{index}.toml").write_text(f'name = "a"\nseed = {index}\n{base}')
    assert read_recipe(tmp_path / "1.toml").seed == 1
    with pytest.raises(InputError, match=f"more than {MAX_EXTENDS} recipes in a row"):
        read_recipe(tmp_path / "0.toml")


def test_a_ring_of_recipes(tmp_path):
    for index in range(3):
        (tmp_path / f"{index}.toml").write_text(f'name = "a"\nextends = "../{tmp_path.name}/{(index + 1) % 3}.toml"\n')
    with pytest.raises(InputError, match="extends itself"):
        read_recipe(tmp_path / "0.toml")
