# SPDX-License-Identifier: Apache-2.0
"""Whole images on QEMU's Cortex-M55: every bit, every count, every way to fail."""

import dataclasses
import shutil

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from chains import CHAINS, small_network
from codesign.base.errors import InputError, ValidationError
from codesign.compiler.frontend import Chain, whole_hops
from codesign.firmware.boards import load_board
from codesign.firmware.cost import estimate
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.machines.qemu_bare import TRACED_FRAMES
from codesign.firmware.machines.qemu_process import PROGRAM
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal
from codesign.proof.signals import proof_signal
from networks import random_network, wide_network

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not on the PATH (apt install qemu-system-arm)"),
]
BOARD = load_board("mps3_an547")
NETWORKS = {
    "skip gate": random_network(skip=True),
    "odd shapes": random_network(Chain(n_fft=128, window=128, hop=64, n_mels=21), units=(13, 35), hidden=3),
    "int16 values": wide_network(),
    "filter of 16 bits": small_network(CHAINS["filter in 16 bits, odd blocks"]),
    "32 ms window": random_network(Chain(n_mels=64), units=(24, 20), hidden=17),
}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")
    return build_bare(NETWORKS["skip gate"], BOARD, tmp_path_factory.mktemp("qemu") / "image", semihosting=True)


def signal(network):
    extremes = proof_signal([], 16000, 1.0)
    pieces = [extremes[start : start + 2000] for start in range(0, extremes.size - 2000, 24000)]
    return whole_hops(np.concatenate(pieces), network.frontend.hop)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_image_equals_the_host_library(network, tmp_path):
    pcm = signal(network)
    built = build_bare(network, BOARD, tmp_path / "bare", semihosting=True)
    run = MACHINES["qemu"].run(built, pcm)
    check = equal(run, MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm))
    assert check.ok, check.detail
    assert run.instructions.size == run.frames == pcm.size // network.frontend.hop
    bound = worst_stack(built.path, built.symbols.entry, built.stack_usage, built.symbols.pointer_calls)
    assert not bound.unbounded
    assert 0 < run.stack_bytes <= bound.bytes


def test_counts_are_repeatable_and_a_skipped_frame_costs_less(image):
    pcm = signal(image.network)
    first, second = (MACHINES["qemu"].run(image, pcm) for _ in range(2))
    np.testing.assert_array_equal(first.instructions, second.instructions)
    assert 0 < first.skipped.sum() < first.skipped.size
    assert first.instructions[first.skipped].max() < first.instructions[~first.skipped].min()


def test_counts_are_those_of_the_other_emulator(tmp_path):
    """A core that both have, without vector code, from one set of sources: the same instructions in every frame."""
    card = load_board("mps2_an521")
    network = NETWORKS["skip gate"]
    pcm = signal(network)
    options = RunOptions(counted_frames=pcm.size // 64)
    called = MACHINES["unicorn"].run(build_bare(network, card, tmp_path / "called"), pcm, options)
    filed = MACHINES["qemu"].run(build_bare(network, card, tmp_path / "filed", semihosting=True), pcm)
    wrapper = called.instructions - filed.instructions  # cs_bare_process keeps one more figure
    assert np.unique(wrapper).size == 1
    assert abs(wrapper[0]) < 40


def test_the_trace_finds_every_instruction(image):
    """Two ways of counting: time under -icount, and the blocks of the log without it."""
    pcm = signal(image.network)
    run = MACHINES["qemu"].run(image, pcm, RunOptions(counted_frames=TRACED_FRAMES))
    traced = sum(run.counts.stages.values())
    around = run.instructions[:TRACED_FRAMES] - traced  # the clock starts a little earlier than the traced function
    assert traced.size == TRACED_FRAMES
    assert np.unique(around).size == 1
    assert 0 <= around[0] < 10
    report = estimate(run, image)
    assert {stage.name for stage in report.stages} >= {"analysis", "lstm_0", "fc_1", "synthesis"}
    assert 1 < report.worst_cycles / run.instructions.max() < 2
    assert any(stack.startswith("frame;lstm_0;cs_matvec_mve") for stack, _ in report.folded)


def test_an_image_without_files_is_refused(image, tmp_path):
    with pytest.raises(InputError, match="not built for QEMU"):
        MACHINES["qemu"].run(dataclasses.replace(image, semihosting=False), np.zeros(64, np.int16))


def offset_of(path, address):
    with path.open("rb") as stream:
        segments = [dict(segment.header) for segment in ELFFile(stream).iter_segments("PT_LOAD")]
    return next(address - s["p_vaddr"] + s["p_offset"] for s in segments if 0 <= address - s["p_vaddr"] < s["p_filesz"])


def test_a_hanging_and_a_faulting_image_are_named(image, tmp_path, monkeypatch):
    monkeypatch.setattr("codesign.firmware.machines.qemu_bare._START_SECONDS", 1.0)
    for code, words in ((b"\xfe\xe7", "did not end"), (b"\x00\xde", "took an exception")):
        data = bytearray(image.path.read_bytes())
        at = offset_of(image.path, int.from_bytes(data[24:28], "little") & ~1)  # e_entry: the reset handler
        data[at : at + 2] = code
        broken = tmp_path / "broken.elf"
        broken.write_bytes(data)
        with pytest.raises(ValidationError, match=words):
            MACHINES["qemu"].run(dataclasses.replace(image, path=broken), np.zeros(64, np.int16))
