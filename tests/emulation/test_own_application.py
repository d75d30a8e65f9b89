# SPDX-License-Identifier: Apache-2.0
"""codesign in an application of somebody else, on a board of somebody else, and built by another tool than ours."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from codesign.base.errors import BuildError
from codesign.base.resources import resource
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.plan import plan_memory
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import BuildOptions, build_host, build_zephyr
from codesign.firmware.toolchain.kernels import best_kernel
from codesign.firmware.toolchain.pipeline_folder import write_pipeline
from codesign.firmware.toolchain.zephyr_workspace import HARDWARE_MODEL_V2, find_workspace
from zephyr_tools import OF_RELEASE, build_by_cmake, missing_for_zephyr

pytestmark = pytest.mark.zephyr

MODEL = resource("models", "low-latency", "low-latency.onnx")
TESTS = resource("runtime").parent / "tests" / "zephyr"


@pytest.fixture(scope="module")
def network():
    return lower(load_onnx(MODEL))


def test_network_and_pipeline_in_another_application(network, tmp_path):
    if reason := missing_for_zephyr("native_sim"):
        pytest.skip(reason)
    board = load_board("native_sim")
    application = shutil.copytree(TESTS / "own_application", tmp_path / "own")
    write_pipeline(network, plan_memory(network, best_kernel(board), board.front_end), application / "codesign")
    assert not list((application / "codesign").rglob("main.c"))
    build_by_cmake(application, tmp_path / "build", board)

    hop = network.frontend.hop
    library = build_host(network, tmp_path / "host")
    noise = np.random.default_rng(5).integers(-9000, 9000, 200 * hop).astype(np.int16)
    (tmp_path / "codesign-in.pcm").write_bytes(noise.tobytes())
    program = str(tmp_path / "build" / "zephyr" / "zephyr.exe")
    said = subprocess.run([program], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False).stdout

    ramp = (np.arange(50 * hop, dtype=np.int64) * 7919).astype(np.int16)
    expected = 2166136261
    for sample in MACHINES["host"].run(library, ramp).pcm.astype(np.uint16):
        expected = (expected ^ int(sample)) * 16777619 % 2**32
    assert f"own hash={expected} option=1" in said
    assert "own end=0" in said
    played = np.fromfile(tmp_path / "codesign-out.pcm", np.int16)
    np.testing.assert_array_equal(played[: noise.size], MACHINES["host"].run(library, noise).pcm)


@pytest.fixture(scope="module")
def own_board():
    if reason := missing_for_zephyr("nrf5340dk"):
        pytest.skip(reason)
    if find_workspace().version < HARDWARE_MODEL_V2:
        pytest.skip(f"{OF_RELEASE}the board of this test is described as Zephyr does it from 3.7 on")
    return load_board(str(TESTS / "own_board" / "board.toml"))


def test_a_board_and_a_shield_of_ones_own_give_what_west_gives(network, own_board, tmp_path):
    root = TESTS / "own_board"
    options = BuildOptions((f"BOARD_ROOT={root}",), shields=("own_codec",))
    image = build_zephyr(network, own_board, tmp_path / "ours", options=options)
    settings = (f"BOARD_ROOT={root}", "SHIELD=own_codec", f"CODESIGN_MODEL={MODEL}")
    build_by_cmake(resource("app"), tmp_path / "wests", own_board, *settings)
    ours, wests = (loaded(folder / "zephyr" / "zephyr.elf") for folder in (tmp_path / "ours", tmp_path / "wests"))
    assert ours == wests
    assert len(ours) >= 2  # code and data at least
    tree = (image.path.parent / "zephyr.dts").read_text(encoding="utf-8")
    assert re.search(r"codesign-i2s = &i2s0;", tree)


def test_a_shield_that_nobody_knows_is_named(network, own_board, tmp_path):
    options = BuildOptions((f"BOARD_ROOT={TESTS / 'own_board'}",), shields=("no_such_shield",))
    with pytest.raises(BuildError, match="no_such_shield"):
        build_zephyr(network, own_board, tmp_path / "build", options=options)


def loaded(elf):
    """Address and hash of each part of an image that is put into a board's memories."""
    with elf.open("rb") as file:
        parts = [each for each in ELFFile(file).iter_segments("PT_LOAD") if each["p_filesz"] > 0]
        return [(part["p_paddr"], hashlib.sha256(part.data()).hexdigest()) for part in parts]
