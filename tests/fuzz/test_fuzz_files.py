# SPDX-License-Identifier: Apache-2.0
"""Whatever stands in a user's file: it is read, or refused in one line. Nothing else is raised."""

from __future__ import annotations

import tomllib
import zlib
from contextlib import suppress

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chains import chain_of
from codesign.base.errors import CodesignError
from codesign.base.resources import resource
from codesign.compiler.frontend.compressor import compressor_tables
from codesign.compiler.frontend.programs import program_chains
from codesign.compiler.frontend.read import CHAIN_KEYS, OTHER_KEYS
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.machines.console import read_lines
from codesign.learning.train.recipe import differences, read_recipe
from codesign.proof.compare.thresholds import read_thresholds
from codesign.proof.report.content import Metric

from .names import HOSTILE
from .toml_text import spoiled

BOUNDED = settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CARD = tomllib.loads(resource("boards", "nrf5340dk", "board.toml").read_text(encoding="utf-8"))
RECIPE = tomllib.loads(resource("models", "baseline-256", "recipe.toml").read_text(encoding="utf-8"))
MIXING = {"mixing": {"snr_db": [-5.0, 5.0], "rooms": 0.5, "layers": [0.5, 0.5], "kinds": {"recorded": 1.0}, "reuse": 2}}
THRESHOLDS = {"default": {"percent": 1.0}, "stack": {"absolute": 64}, "layer.*": {"percent": 2.0, "ignore": True}}


def read(reader, path, content):
    """What `reader` makes of a file of `content`; None when it refuses."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    try:
        return reader(path)
    except CodesignError as error:
        refusal = error
    text = str(refusal)
    assert text
    assert "\n" not in text
    assert len(text) < 900
    assert refusal.exit_code == 2
    return None


@BOUNDED
@given(content=st.one_of(spoiled(CARD), st.binary(max_size=60)))
def test_board_cards(content, tmp_path):
    board = read(lambda path: load_board(str(path)), tmp_path / "board.toml", content)
    if board is not None:
        assert 0 < board.core.clock_hz <= 10**10
        assert np.isfinite([board.budget.worst_frame_ms, board.timing.cycles_per_instruction, board.timing.error]).all()
        with suppress(CodesignError):
            assert board.flash.usable + board.ram.usable > 0


@BOUNDED
@given(content=st.one_of(spoiled({**RECIPE, **MIXING}), st.binary(max_size=60)))
def test_recipes(content, tmp_path):
    recipe = read(read_recipe, tmp_path / "recipe.toml", content)
    if recipe is not None:
        assert recipe.config.n_bins > 1
        assert recipe.mix_settings.reuse >= 1
        assert differences(recipe, recipe) == ()


@BOUNDED
@given(content=st.one_of(spoiled(THRESHOLDS), st.binary(max_size=60)))
def test_thresholds(content, tmp_path):
    thresholds = read(read_thresholds, tmp_path / "thresholds.toml", content)
    if thresholds is not None:
        for name in ("stack", "layer.fc[0]", "x"):
            assert thresholds.of(Metric(name, 1.0, "", "less", "exact")).allowed(1e6) >= 0


WORD = st.one_of(
    st.sampled_from(["@codesign", "1", "2", "ready", "stats", "end", "pcm", "hop=256", "rate=", "=", "\r\n", "\n", " ", "\0"]),
    st.sampled_from(["9" * 400, "9" * 5000, "hop=" + "9" * 5000, "hop=-" + "9" * 400, "hop=٣", "a" * 3000, "crc=0000"]),
    st.text(max_size=8),
)


@st.composite
def checked_lines(draw):
    """Lines of version 2, whose check value is right."""
    fields = draw(st.lists(st.tuples(st.sampled_from(["hop", "late", "crc", "x_y"]), WORD), max_size=4))
    row = " ".join(["@codesign 2 stats", *(f"{name}={value}" for name, value in fields)])
    return f"{row} crc={zlib.crc32(row.encode('utf-8', 'surrogatepass')):08x}\n"


@BOUNDED
@given(words=st.lists(st.one_of(WORD, checked_lines()), max_size=12), joint=st.sampled_from([" ", "", "\n@codesign 1 ready "]))
@example(words=["@codesign", "1", "stats", "late=" + "9" * 5000, "\n"], joint=" ")
@example(words=["@codesign", "9" * 5000, "stats", "\n"], joint=" ")
def test_console_lines(words, joint):
    with suppress(CodesignError):
        for line in read_lines(joint.join(words)):
            with suppress(CodesignError):
                assert isinstance(line.number("hop"), int)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUE = st.one_of(
    TEXT, st.integers().map(str), st.floats().map(str), st.sampled_from(["9" * 400, "9" * 5000, "[[]]", "[" * 9000])
)


@BOUNDED
@given(
    key=st.sampled_from([*CHAIN_KEYS, *OTHER_KEYS]),
    value=VALUE,
)
def test_metadata_of_models(key, value, small_model, tmp_path):
    model = onnx.load(small_model)
    props = {entry.key: entry.value for entry in model.metadata_props}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, props | {key: value})
    read(lambda path: lower(load_onnx(path)), tmp_path / "model.onnx", model.SerializeToString())


NUMBERS = st.one_of(st.floats(), st.integers(-200, 20000), st.just(10**400), st.booleans())
CELLS = st.one_of(NUMBERS, TEXT, st.none(), st.lists(NUMBERS, max_size=4), st.lists(st.lists(NUMBERS, max_size=3), max_size=3))
GOOD = {"frequencies": [500, 2000], "levels": [40, 80], "gains": [[20, 5], [10, 0]], "attack": 5, "release": 50}


@BOUNDED
@given(
    table=st.dictionaries(st.sampled_from([*GOOD, "meter", "name", "strength", "limiter"]), CELLS, max_size=3),
    key=st.sampled_from(["compressor", "programs"]),
    base=st.booleans(),
)
def test_tables_of_chains(table, key, base):
    """What is no compressor and no program is refused by name; what is one has finite tables."""
    table = {**(GOOD if key == "compressor" else {"name": "a"}), **table} if base else table
    keys = {"feature": "magnitude", "strength": 50, "limiter": -3, "compressor": GOOD}
    with suppress(CodesignError):
        chain = chain_of(**keys | {key: table if key == "compressor" else [table]})
        for each in program_chains(chain):
            tables = compressor_tables(each)
            assert all(np.isfinite(part).all() for part in (tables.lines, tables.grid, tables.gains))
            assert (np.diff(tables.grid) > 0).all()


@BOUNDED
@given(at=st.integers(0, 10**6), name=st.one_of(TEXT, st.sampled_from(HOSTILE)), only_one=st.booleans())
def test_names_in_models(at, name, only_one, small_model, tmp_path):
    model = onnx.load(small_model)
    graph = model.graph
    names = [(list_, index) for node in graph.node for list_ in (node.input, node.output) for index in range(len(list_))]
    things = [*graph.node, *graph.initializer, *graph.input, *graph.output]
    chosen, index = names[at % len(names)]
    old = chosen[index]
    if only_one:
        chosen[index] = things[at % len(things)].name = name
    else:
        for list_, i in names:
            list_[i] = name if list_[i] == old else list_[i]
        for thing in things:
            thing.name = name if thing.name == old else thing.name
    read(lambda path: lower(load_onnx(path)), tmp_path / "model.onnx", model.SerializeToString())


@pytest.mark.parametrize("length", [3, 1500])
def test_recipes_that_extend_without_end(length, tmp_path):
    for index in range(length):
        (tmp_path / f"{index}.toml").write_text(f'name = "a"\nextends = "{(index + 1) % length}.toml"\n')
    assert read(read_recipe, tmp_path / "0.toml", (tmp_path / "0.toml").read_bytes()) is None
