# SPDX-License-Identifier: Apache-2.0
"""A minute through the filter path of the flashed image in Renode, in time and with a network that is far too slow.

pytest tests/emulation/test_filter_minute.py --long
"""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.load import load_model
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.toolchain import build_zephyr
from codesign.pipeline import prove
from filter_bound import step_bound, tone
from renode_tools import missing_for_renode

MODEL = resource("models", "low-latency", "low-latency.onnx")
IN_TIME = '[chain]\npath = "filter"\ntaps = 64\n'
TOO_SLOW = f"{IN_TIME}hop = 8\nblock = 4\n"
"""Hops of half a millisecond: the network takes more than three times as long for each."""

pytestmark = [pytest.mark.renode, pytest.mark.zephyr]


def chain_file(text, folder):
    if reason := missing_for_renode("nrf5340dk"):
        pytest.skip(reason)
    (folder / "chain.toml").write_text(text)
    return folder / "chain.toml"


def too_slow(seconds, folder):
    """The run of a tone by a network that takes three times a hop, and its chain."""
    network = lower(load_onnx(MODEL, chain_file(TOO_SLOW, folder)))
    image = build_zephyr(network, load_board("nrf5340dk"), folder / "zephyr")
    return MACHINES["renode"].run(image, tone(seconds), RunOptions()), network.frontend


def check_too_slow(run, chain):
    stats, hops = run.console.stats, run.pcm.size // chain.hop
    assert set(run.console.faults) == {"held"}, "no block is late, none is lost"
    assert run.console.accounted
    assert stats.number("enhanced") == stats.number("captured")
    assert stats.number("average") > 3 * chain.hop * run.console.ready.number("hz") / chain.sample_rate
    assert stats.number("held") > 0.6 * hops
    assert stats.number("held") + stats.number("frames") >= hops - 4, "each hop has its filter or is counted"
    assert np.abs(np.diff(run.pcm.astype(int))).max() <= step_bound(chain)


def test_a_network_three_times_too_slow_holds_the_filter_and_no_block(tmp_path):
    check_too_slow(*too_slow(1.0, tmp_path))


@pytest.mark.long
def test_a_minute_of_a_network_three_times_too_slow(tmp_path):
    check_too_slow(*too_slow(60.0, tmp_path))


@pytest.mark.long
def test_a_minute_is_proven_bit_for_bit_three_milliseconds_late(tmp_path):
    chain = chain_file(IN_TIME, tmp_path)
    loaded = load_model(MODEL, chain)
    proof = prove(loaded, load_board("nrf5340dk"), tmp_path / "proof", seconds=60, emulator="renode")
    assert proof.verdict.ok, [check for check in proof.verdict.checks if not check.ok]
    assert proof.verdict.delay.measured
    assert proof.verdict.delay.streamed
    assert proof.verdict.delay.total_ms <= 3.35
    assert proof.run.console.stats.number("held") == 0
