# SPDX-License-Identifier: Apache-2.0
"""Cycles of whole runs: consistent with the exact instructions they come from."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")

from codesign.compiler.frontend import whole_hops
from codesign.firmware.boards import load_board
from codesign.firmware.cost import estimate
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.machines.replay import Replay, replay
from codesign.firmware.toolchain import build_bare
from codesign.proof.signals import proof_signal
from networks import random_network

BOARD = load_board("nrf5340dk")


CALLER = 32
"""Instructions of a frame in the bare image outside of the enhancer."""


def run_input(image):
    return whole_hops(proof_signal([], 16000, 1.0)[24000:40000], image.network.frontend.hop)


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    network = random_network(skip=True)
    image = build_bare(network, BOARD, tmp_path_factory.mktemp("cost") / "image")
    pcm = run_input(image)
    return image, MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=pcm.size // network.frontend.hop))


def test_stages_and_blocks_add_up_to_the_instructions(profiled):
    _, run = profiled
    np.testing.assert_array_equal(sum(run.counts.stages.values()), run.instructions)
    for layer, counts in zip(run.counts.layers, run.counts.stages.values(), strict=True):
        assert (layer.worst, layer.mean) == (counts.max(), pytest.approx(counts.mean()))
    assert all(0 <= block.taken <= block.executions for block in run.counts.blocks)


def test_cycles_follow_the_instructions(profiled):
    image, run = profiled
    report = estimate(run, image)
    assert 1.0 < report.worst_cycles / run.instructions.max() < 2.5
    assert report.mean_cycles < report.worst_cycles
    assert sum(stage.share for stage in report.stages) == pytest.approx(1)
    stalls = sum(stage.stalls for stage in report.stages)
    unit = 1 + 0.01 * len(report.stages)
    assert image.network.macs / 16 * 4 <= stalls <= image.network.macs / 16 * 4 * unit + 4 * len(report.stages)
    total = sum(cycles for _, cycles in report.folded)
    assert total == pytest.approx(report.mean_cycles * run.frames, rel=0.05)
    assert any(stack.startswith("frame;lstm_0;cs_matvec_dsp") for stack, _ in report.folded)


def test_a_frame_is_executed_again(profiled):
    """Its instructions and blocks are those of the run that counted every frame, but for the caller's."""
    image, run = profiled
    frame = int(run.instructions.argmax())
    replayed = replay(image, run_input(image), frame)
    assert replayed is not None
    assert 0 <= run.counts.worst - replayed.instructions <= CALLER
    counts = dataclasses.replace(run.counts, blocks=(), stages={})
    report, by_stage = estimate(dataclasses.replace(run, counts=counts), image, replayed), estimate(run, image)
    assert report.error == by_stage.error != BOARD.timing.error
    assert report.worst_cycles == pytest.approx(by_stage.worst_cycles, rel=0.02)
    quiet = replay(image, run_input(image)[: image.network.frontend.hop], 3)  # frames after the end are silent
    assert quiet is not None


@pytest.mark.parametrize("board", ["mps3_an547", "native_sim"])
def test_what_cannot_be_executed_again_is_not(profiled, board):
    image, _ = profiled
    assert replay(dataclasses.replace(image, board=load_board(board)), run_input(image), 0) is None


def test_without_blocks_the_boards_average_counts(profiled):
    image, run = profiled
    counts = dataclasses.replace(run.counts, blocks=(), stages={})
    report = estimate(dataclasses.replace(run, counts=counts), image)
    assert report.folded == report.stages == ()
    assert report.error == BOARD.timing.error
    assert report.worst_cycles >= run.instructions.max() * BOARD.timing.cycles_per_instruction
    other = Replay(2 * run.counts.worst, run.counts.blocks)  # not of that frame
    assert estimate(dataclasses.replace(run, counts=counts), image, other) == report
    with pytest.raises(ValueError, match="counted"):
        estimate(dataclasses.replace(run, counts=None), image)
