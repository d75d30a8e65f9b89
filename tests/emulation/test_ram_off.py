# SPDX-License-Identifier: Apache-2.0
"""RAM that the image does not use, switched off: in Renode it is then filled with a pattern, and the audio goes on."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.load import load_model
from codesign.firmware.boards import load_board
from codesign.firmware.elf import read_elf
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import MonitorCommand, RunOptions
from codesign.firmware.toolchain import BuildOptions, build_zephyr
from codesign.firmware.toolchain.zephyr_workspace import find_workspace
from codesign.proof.equality import equal, run_reference
from renode_tools import missing_for_renode

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

SECTION, NETWORK_CORE = 4096, 64  # bytes; KiB at the end that are not the image's


def test_only_what_the_image_reaches_stays_on(tmp_path):
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    if find_workspace().version < (4, 0):
        pytest.skip("Zephyr before 4 has no helper for the RAM of an nRF")
    board = load_board("nrf5340dk")
    network = load_model(resource("models", "low-latency", "low-latency.onnx")).network
    options = BuildOptions(("CONFIG_CODESIGN_RAM_OFF=y",))
    image = build_zephyr(network, board, tmp_path / "zephyr", options=options)
    pcm = (np.random.default_rng(1).standard_normal(network.frontend.ends.hop * 100) * 6000).astype(np.int16)
    told = tmp_path / "powered"
    ask = f"python \"with open('{told}', 'w') as file: file.write('%d' % self.Machine['sysbus.vmc'].PoweredKiB)\""
    run = MACHINES["renode"].run(image, pcm, RunOptions(commands=(MonitorCommand(0.3, ask),)))
    assert (check := equal(run, run_reference(network, pcm))).ok, check.detail
    assert (run.console.faults, run.console.accounted, run.unmapped) == ({}, True, ())
    used = read_elf(image.path).address("_image_ram_end") - board.ram.origin
    assert int(told.read_text()) == -(-used // SECTION) * SECTION // 1024 + NETWORK_CORE
