# SPDX-License-Identifier: Apache-2.0
"""Images of cores without an FPU, and the fixed-point front end where it was asked for: every bit of the reference."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from cores import board_of

from codesign.compiler.frontend import Chain, whole_hops
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.machines.qemu_process import PROGRAM
from codesign.firmware.size import measure
from codesign.firmware.size.parts import parts_of
from codesign.firmware.size.stack import worst_stack
from codesign.firmware.toolchain import build_bare, build_host, find_arm_compiler
from codesign.proof.equality import equal, run_reference, same_in_one_call
from codesign.proof.signals import proof_signal
from networks import SMALL, random_network

NETWORKS = {
    "8 ms window, 4 ms hop": random_network(),
    "skip gate": random_network(skip=True),
    "32 ms window, 16 ms hop": random_network(Chain(n_mels=64), units=(24, 20), hidden=17),
    "zero-padded, 3/4 overlap": random_network(Chain(n_fft=256, window=192, hop=48, n_mels=30)),
    "power, Hann": random_network(dataclasses.replace(SMALL, feature="mel_power", exponent=0.15, window_kind="hann")),
}


@pytest.fixture(scope="module")
def signal():
    extremes = proof_signal([], 16000, 1.0)
    return np.concatenate([extremes[start : start + 1500] for start in range(0, extremes.size - 1500, 24000)])


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_host_library_equals_reference(network, signal, tmp_path):
    pcm = whole_hops(signal, network.frontend.hop)
    image = build_host(network, tmp_path / "host", "q31")
    host = MACHINES["host"].run(image, pcm)
    for check in (equal(host, run_reference(network, pcm, "q31")), same_in_one_call(image, pcm, host)):
        assert check.ok, check.detail
    assert np.unique(host.mask).size > 10, "a constant mask proves nothing"


@pytest.mark.parametrize("name", ["mps2_an385", "cortex-m0plus", "nrf5340dk"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_image_equals_reference_on_cores_without_an_fpu(name, network, signal, tmp_path):
    board = board_of(name)
    assert board.front_end == ("float32" if name == "nrf5340dk" else "q31")
    board = board.with_front_end("q31")
    pcm = whole_hops(signal[:9000], network.frontend.hop)
    image = build_bare(network, board, tmp_path / "bare")
    run = MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=10))
    check = equal(run, run_reference(network, pcm, "q31"))
    assert check.ok, check.detail
    assert set(run.counts.stages) >= {"analysis", "features", "mask", "synthesis"}
    assert all(counts.min() > 100 for name, counts in run.counts.stages.items() if name in ("analysis", "synthesis"))
    bound = worst_stack(image.path, image.symbols.entry, image.stack_usage, image.symbols.pointer_calls)
    assert not bound.unbounded
    assert 0 < run.stack_bytes <= bound.bytes <= 1024


def test_the_other_front_end_is_not_in_the_image(tmp_path):
    network, board = random_network(), load_board("nrf5340dk")
    names = {}
    for arithmetic in ("float32", "q31"):
        image = build_bare(network, board.with_front_end(arithmetic), tmp_path / arithmetic)
        footprint = measure(image.path, board)
        names[arithmetic] = {symbol.name for symbol in footprint.symbols}
        assert {"front end", "enhancer"} <= {part.label for part in parts_of(image, footprint)}
    assert "cs_analysis" in names["float32"]
    assert not [name for name in names["float32"] if name.startswith("cs_") and "q31" in name]
    assert not {"cs_analysis", "cs_power"} & names["q31"]
    assert {"cs_analysis_q31", "cs_sqrt_table"} <= names["q31"]


def test_floats_by_the_compiler_s_library_are_those_of_an_fpu(signal, tmp_path):
    """Its own choice of front end on a Cortex-M3; the square root is the port's, everything else gcc's."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not on the PATH: clang's wheel has no float library")
    network, board = NETWORKS["8 ms window, 4 ms hop"], load_board("mps2_an385").with_front_end("float32")
    pcm = whole_hops(signal[:9000], network.frontend.hop)
    image = build_bare(network, board, tmp_path / "bare", find_arm_compiler("arm-none-eabi-gcc"))
    check = equal(MACHINES["unicorn"].run(image, pcm), run_reference(network, pcm))
    assert check.ok, check.detail


@pytest.mark.qemu
def test_qemu_s_cortex_m3_equals_the_host_library(signal, tmp_path):
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not on the PATH (apt install qemu-system-arm)")
    network, board = NETWORKS["skip gate"], load_board("mps2_an385")
    pcm = whole_hops(signal, network.frontend.hop)
    run = MACHINES["qemu"].run(build_bare(network, board, tmp_path / "bare", semihosting=True), pcm)
    check = equal(run, MACHINES["host"].run(build_host(network, tmp_path / "host", "q31"), pcm))
    assert check.ok, check.detail
