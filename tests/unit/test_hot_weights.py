# SPDX-License-Identifier: Apache-2.0
"""Constants that an image keeps in RAM: which ones, what the ELF has, the same bits, fewer waits in the estimate."""

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.emit.hot_weights import hot_arrays
from codesign.compiler.layers.code import Array, LayerCode
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.cost import estimate
from codesign.firmware.elf import read_elf
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.size.size import size
from codesign.firmware.toolchain.bare import build_bare
from codesign.firmware.toolchain.plan import APPLICATION_BYTES, plan_of


def layer(name, *sizes):
    return LayerCode(name, tuple(Array(f"{name}__{n}", "int8_t", size, "") for n, size in enumerate(sizes)), "")


def test_what_is_read_most_often_for_its_bytes_comes_first():
    once, often = layer("once", 1000, 10), layer("often", 90, 30)
    network = [(1010, once), (12_000, often)]
    assert hot_arrays(network, 0) == frozenset()
    assert hot_arrays(network, 119) == {"often__0", "once__1"}, "92 bytes, and what still fits"
    assert hot_arrays(network, 124) == {"often__0", "often__1"}
    assert hot_arrays(network, 1124) == {"often__0", "often__1", "once__0"}
    assert hot_arrays(network, 10_000) == {"often__0", "often__1", "once__0", "once__1"}
    assert hot_arrays([(0, once), (5, layer("bare"))], 10_000) == frozenset(), "nothing reads them, or nothing is there"


@pytest.fixture(scope="module")
def network():
    return lower(load_onnx(resource("models", "low-latency", "low-latency.onnx")))


def test_an_image_with_copies_has_the_same_bits_and_waits_less(network, tmp_path):
    board = load_board("nrf52840dk")
    pcm = (np.random.default_rng(3).standard_normal(network.frontend.ends.hop * 4) * 4000).astype(np.int16)
    runs, waits, sizes = [], [], []
    for weights in (0, 40_000):
        image = build_bare(network, board.with_hot_weights(weights), tmp_path / str(weights))
        runs.append(MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=4)))
        waits.append(sum(stage.stalls for stage in estimate(runs[-1], image).stages))
        sizes.append({limit.name: limit.used for limit in size(image).budget})
    np.testing.assert_array_equal(runs[1].pcm, runs[0].pcm)
    np.testing.assert_array_equal(runs[1].instructions, runs[0].instructions)
    ram = board.memories["ram"]
    copied = [s for s in read_elf(image.path).symbols if "__" in s.name and s.type == "STT_OBJECT" and s.value in ram]
    taken = sum(symbol.size for symbol in copied)
    assert 20_000 < taken <= 40_000
    assert sizes[1]["RAM"] - sizes[0]["RAM"] == pytest.approx(taken, abs=4 * len(copied))
    assert sizes[1]["flash"] == pytest.approx(sizes[0]["flash"], abs=64)
    flash = board.timing.flash
    saved = taken / flash.line_bytes * flash.wait_states
    assert waits[0] - waits[1] == pytest.approx(saved, rel=0.1), "of a recurrent network each byte is read once"


def test_auto_leaves_the_application_its_place(network):
    board = load_board("nrf52840dk").with_hot_weights("auto")
    plan = plan_of(network, board)
    assert plan.hot_weights == board.budget.ram - plan.bytes - board.budget.stack - APPLICATION_BYTES
    assert plan_of(network, load_board("nrf52840dk")).hot_weights == 0, "unless someone asks for it"
