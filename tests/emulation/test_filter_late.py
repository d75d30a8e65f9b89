# SPDX-License-Identifier: Apache-2.0
"""The shipped network of the filter path where it is made far too slow, in QEMU: hops of half a millisecond."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_zephyr
from filter_bound import step_bound, tone
from zephyr_tools import missing_for_zephyr, missing_qemu

pytestmark = [pytest.mark.qemu, pytest.mark.zephyr]


def test_low_delay_holds_its_filter_counts_it_and_clicks_nowhere(tmp_path):
    if reason := missing_for_zephyr("mps2_an521") or missing_qemu():
        pytest.skip(reason)
    (tmp_path / "chain.toml").write_text("[chain]\nhop = 8\nblock = 4\nlag = 4\n")
    network = lower(load_onnx(resource("models", "low-delay", "low-delay.onnx"), tmp_path / "chain.toml"))
    chain, sound = network.frontend, tone(1.0)
    run = MACHINES["qemu"].run(build_zephyr(network, load_board("mps2_an521"), tmp_path / "late"), sound)
    stats, hops = run.console.stats, sound.size // chain.hop
    assert set(run.console.faults) == {"held"}, "no block is late, none is lost"
    assert run.console.accounted
    assert run.pcm.size == sound.size
    assert stats.number("enhanced") == stats.number("captured")
    assert stats.number("held") > 0.6 * hops
    assert stats.number("held") + stats.number("frames") >= hops - 4, "each hop has its filter or is counted"
    assert np.abs(np.diff(run.pcm.astype(int))).max() <= step_bound(chain)
