# SPDX-License-Identifier: Apache-2.0
"""The rough estimate before a build: against what builds and emulators found, and what it says of boards that are too small."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codesign.cli.app import app
from codesign.compiler.load import load_model
from codesign.firmware.boards import list_boards, load_board
from codesign.firmware.cost.sketch import SKETCH_ERROR, sketch, sketches

ROOT = Path(__file__).parents[2]
PRUNED = ROOT / "models" / "pruned" / "pruned.onnx"
FLOAT = ROOT / "models" / "baseline-256" / "baseline-256-float.onnx"


@pytest.fixture(scope="module")
def network():
    return load_model(PRUNED).network


def measured():
    """Board → (ms, flash) of docs/performance.md, of arm-none-eabi-gcc."""
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in text.split("\n") if "arm-none-eabi-gcc" in line and line.count("|") == 12]
    return {row[0].strip(): (float(row[5]), int(row[7].replace(",", ""))) for row in rows}


def test_it_is_within_its_error_of_what_images_take(network):
    found = measured()
    assert {"nrf5340dk", "nrf52840dk", "stm32f746g_disco", "mps3_an547"} <= set(found)
    for board, (worst_ms, flash) in found.items():
        rough = sketch(network, load_board(board))
        assert abs(rough.worst_ms - worst_ms) <= SKETCH_ERROR * worst_ms, board
        assert abs(rough.flash - flash) <= 0.1 * flash, board


def test_every_board_but_the_host_has_one(network):
    boards = [load_board(name) for name in list_boards()]
    assert [each.board for each in sketches(network)] == [board.name for board in boards if not board.native]


def test_what_is_too_large_does_not_fit():
    result = CliRunner().invoke(app, ["inspect", str(FLOAT), "--json"])
    document = json.loads(result.stdout)
    assert document["macs"] == 1_015_808
    by_name = {each["board"]: each for each in document["boards"]}
    assert by_name["nrf5340dk"]["fits"] == "no"
    assert by_name["nrf5340dk"]["flash"] > by_name["nrf5340dk"]["flash_limit"]


def test_a_limit_within_the_error_is_a_maybe(network):
    board = load_board("nrf5340dk")
    near = sketch(network, board.model_copy(update={"budget": board.budget.model_copy(update={"worst_frame_ms": 4.5})}))
    far = sketch(network, board.model_copy(update={"budget": board.budget.model_copy(update={"worst_frame_ms": 1.0})}))
    assert (sketch(network, board).fits, near.fits, far.fits) == ("yes", "maybe", "no")
