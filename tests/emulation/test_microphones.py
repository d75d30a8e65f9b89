# SPDX-License-Identifier: Apache-2.0
"""Two PDM microphones through the flashed image in Renode: beamformer, filter path and, at 48 kHz, resampling, to the I2S."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.load import load_model
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import BuildOptions, build_zephyr
from codesign.proof.equality import equal, run_reference
from renode_tools import missing_for_renode

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]

CHAIN = """
[chain]
resample = RATIO
path = "filter"
limiter = -6
[beamformer]
kind = "differential"
spacing = 10
"""


@pytest.mark.parametrize("ratio", [3, 1])
def test_two_pdm_microphones_to_the_i2s_bit_for_bit(tmp_path, ratio):
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    (tmp_path / "chain.toml").write_text(CHAIN.replace("RATIO", str(ratio)))
    network = load_model(resource("models", "low-latency", "low-latency.onnx"), tmp_path / "chain.toml").network
    options = BuildOptions(("CONFIG_CODESIGN_INPUT_DMIC=y",))
    image = build_zephyr(network, load_board("nrf5340dk"), tmp_path / "zephyr", options=options)
    pcm = (
        (np.random.default_rng(1).standard_normal(network.frontend.ends.hop * 250) * 6000).clip(-32768, 32767).astype(np.int16)
    )
    pcm[1::2] = np.roll(pcm[::2], 1)
    run = MACHINES["renode"].run(image, pcm)
    assert (check := equal(run, run_reference(network, pcm))).ok, check.detail
    assert run.console.ready.fields["audio"] == "dmic"
    assert (run.console.faults, run.console.accounted, run.unmapped) == ({}, True, ())
    assert run.console.stats.number("blocks") == 0
    assert run.console.true_rate == 16000.0 * ratio
    assert min(stack.headroom for stack in run.console.stacks) >= 0.25
