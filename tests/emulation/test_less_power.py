# SPDX-License-Identifier: Apache-2.0
"""An image that takes less: half the clock, and RAM that it does not use switched off, which Renode fills with a pattern."""

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
from codesign.proof.checks import COUNTER_SLACK
from codesign.proof.equality import equal, run_reference
from renode_tools import missing_for_renode

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

SECTION, RAM, NETWORK_CORE = 4096, 512, 64  # bytes; KiB in all; KiB at the end that are not the image's


def test_it_runs_at_half_the_clock_in_the_ram_that_it_reaches(tmp_path):
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    switched = find_workspace().version >= (4, 0)  # before, Zephyr has no helper for the RAM of an nRF
    board = load_board("nrf5340dk").with_clock(64)
    network = load_model(resource("models", "pruned", "pruned.onnx")).network
    options = BuildOptions(("CONFIG_CODESIGN_RAM_OFF=y",) if switched else ())
    image = build_zephyr(network, board, tmp_path / "zephyr", options=options)
    pcm = (np.random.default_rng(1).standard_normal(network.frontend.ends.hop * 45) * 6000).astype(np.int16)
    told = tmp_path / "told"
    values = "(self.Machine['sysbus.vmc'].PoweredKiB, self.Machine['sysbus.cpu'].PerformanceInMips)"
    ask = f"python \"with open('{told}', 'w') as file: file.write('%d %d' % {values})\""
    run = MACHINES["renode"].run(image, pcm, RunOptions(commands=(MonitorCommand(0.3, ask),)))
    assert (check := equal(run, run_reference(network, pcm))).ok, check.detail
    assert (run.console.faults, run.console.accounted, run.unmapped) == ({}, True, ())
    assert run.console.ready.number("hz") == 64_000_000
    assert np.abs(run.counts.by_firmware - run.counts.per_frame).max() <= COUNTER_SLACK
    used = read_elf(image.path).address("_image_ram_end") - board.ram.origin
    powered = -(-used // SECTION) * SECTION // 1024 + NETWORK_CORE if switched else RAM
    assert told.read_text().split() == [str(powered), "64"]
