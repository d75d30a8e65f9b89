# SPDX-License-Identifier: Apache-2.0
"""What kernel and drivers take beside the filter path, of what an emulator counts over frames that blocks interrupt."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from chains import chain_of
from codesign.firmware.boards import load_board
from codesign.firmware.machines.renode import _outside_blocks
from codesign.firmware.machines.run import Counts, Run
from codesign.proof.checks import run_checks

BLOCKS, BLOCK_CYCLES = 8, 64_000  # of 8 samples, 0.5 ms at 128 MHz
CHAIN = chain_of(window=128, n_fft=128, hop=64, feature="magnitude", path="filter", taps=64, block=8)
IMAGE = SimpleNamespace(board=load_board("nrf5340dk"), network=SimpleNamespace(frontend=CHAIN))


def overhead(network, made, kernel, *, streamed=True):
    """The check where a network takes so many instructions, a block of sound `made` ones and the kernel for it `kernel`."""
    within = 0
    while network + within * (made + kernel) > (within + 1) * BLOCK_CYCLES - made:  # it begins when the first block is made
        within += 1
    frame, others = network + within * (made + kernel), BLOCKS - within
    counts = Counts(1, frame, float(frame), outside=float(others * (made + kernel)))
    counts = replace(counts, blocks_outside=float(others), made_outside=float(others * made))
    console = SimpleNamespace(
        stats=SimpleNamespace(number=lambda name: made), accounted=True, faults={}, stacks=(), true_rate=0.0
    )
    console.stats.number = lambda name: {"block_average": made, "captured": 100}[name]
    run = Run("m", np.zeros(64, np.int16), 1, 0, counts=counts, console=console)
    run = run if not streamed else SimpleNamespace(**{**vars(run), "primed_samples": 16, "block_samples": 8})
    return [check for check in run_checks(run, IMAGE, None) if check.name == "RTOS overhead"]


@pytest.mark.parametrize("network", [20_000, 220_000])
@pytest.mark.parametrize(("kernel", "ok"), [(1_550, True), (2_900, True), (3_100, False)])
def test_the_kernel_has_a_share_of_each_block(network, kernel, ok):
    (check,) = overhead(network, 4_500, kernel)
    assert int(check.detail.split(" ")[0].replace(",", "")) == pytest.approx(BLOCKS * kernel, abs=BLOCKS)
    assert check.ok is ok, check.detail
    assert "8 blocks of 8" in check.detail


def test_blocks_outside_of_frames_are_told_by_their_ends():
    frames = np.array([[1000, 2000, 900], [5000, 6000, 900], [9000, 9900, 900]])
    ends = [(500, 7), (1000, 5), (1500, 7), (2001, 11), (4999, 13), (5500, 7), (8000, 17), (9500, 7)]
    found = _outside_blocks(frames, np.array(ends))
    assert found == (3 / 2, (11 + 13 + 17) / 2), "of two whole hops"
    assert _outside_blocks(frames[:1], np.array(ends)) == (None, None)


def test_files_have_no_clock_and_no_such_figure():
    assert overhead(20_000, 4_500, 1_550, streamed=False) == []
