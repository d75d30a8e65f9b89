# SPDX-License-Identifier: Apache-2.0
"""Convolutions, rearrangements and histories in a whole network: plan, generated C and reference agree."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from codesign.compiler.layers import History, Value
from codesign.compiler.layers.arrangement import Arrangement, concatenate
from codesign.compiler.layers.value import StateValue
from codesign.compiler.lower.arrangement import rearrange
from codesign.compiler.lower.convolution import Fused, Geometry, ScaledConvolution, conv2d, conv_transpose2d
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.machines.machine import RunOptions
from codesign.firmware.size.size import size
from codesign.firmware.toolchain import build_bare, build_host
from codesign.firmware.toolchain.compilers import find_arm_compiler
from codesign.proof.equality import equal, run_reference
from networks import random_network

pytestmark = pytest.mark.slow  # the file as a whole


def network_with_convolutions():
    """A random network with each of the new layers between its fully connected ones."""
    network, rng = random_network(skip=True), np.random.default_rng(1)
    relu = network.values["relu"]
    n = relu.size
    int8 = {"dtype": "int8", "scale": relu.scale, "zero_point": relu.zero_point}
    wide = Value("wide", 2 * n, "int16", relu.scale / 256)
    kept = Value("kept", 6 * n, "int16", wide.scale)
    mixed = Value("mixed", 2 * n, "int16", wide.scale)
    grown = Value("grown", 2 * (2 * n), "int16", wide.scale)
    turned, folded = Value("turned", 4 * n, **int8), Value("folded", n, **int8)
    doubled = concatenate([Arrangement.of("relu", (1, n)), Arrangement.of("relu", (1, n)).slice(1, n - 1, n, -1)], 0)
    weights = lambda *shape: rng.integers(-127, 128, shape).astype(np.int8)  # noqa: E731 - shorter here
    context = Geometry((2, 3, n), dilation=(2, 1), padding=((0, 0), (1, 1)), groups=2)
    slope = Fused(slope=np.array([0.25, -1.5]))
    bias = np.array([0.1, -0.2])
    mix = ScaledConvolution("mix", kept, mixed, weights(2, 1, 2, 3), np.full(2, 0.004), bias, context, slope)
    up = Geometry((2, 1, n), stride=(1, 2), padding=((0, 0), (1, 0)))
    around = Arrangement.of("grown", (2, 2 * n)).transpose((1, 0))
    down = Geometry((1, 1, 4 * n), stride=(1, 4))
    layers = [
        rearrange("double", doubled, {"relu": relu}, wide),
        History("keep", "wide", "kept", 2, 3, n),
        conv2d(mix),
        conv_transpose2d(ScaledConvolution("grow", mixed, grown, weights(2, 2, 1, 3), np.full(2, 0.003), np.zeros(2), up)),
        rearrange("turn", around, {"grown": grown}, turned),
        conv2d(ScaledConvolution("fold", turned, folded, weights(1, 1, 1, 4), np.full(1, 0.004), np.zeros(1), down)),
    ]
    values = network.values | {value.name: value for value in (wide, kept, mixed, grown, turned, folded)}
    changed = [dataclasses.replace(layer, source="folded") if layer.name == "fc_1" else layer for layer in network.layers]
    place = next(i for i, layer in enumerate(changed) if layer.name == "fc_1")
    changed[place:place] = layers
    states = (*network.states, StateValue(kept))
    return dataclasses.replace(network, values=values, layers=tuple(changed), states=states)


def signal(network):
    return np.random.default_rng(2).integers(-(2**14), 2**14, 64 * network.frontend.hop).astype(np.int16)


@pytest.mark.slow
def test_generated_c_is_the_reference(tmp_path):
    network = network_with_convolutions()
    pcm = signal(network)
    host = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(host, run_reference(network, pcm)).ok
    assert (host.mask != MACHINES["host"].run(build_host(random_network(skip=True), tmp_path / "without"), pcm).mask).any()


@pytest.mark.slow
def test_emulated_image_is_the_reference_and_its_stack_is_bounded(tmp_path):
    pytest.importorskip("unicorn", reason="unicorn is not installed (pip install codesign[emulator])")
    pytest.importorskip("ziglang", reason="ziglang is not installed (pip install codesign[emulator])")
    network, board = network_with_convolutions(), load_board("nrf5340dk")
    pcm = signal(network)
    image = build_bare(network, board, tmp_path / "bare", find_arm_compiler("ziglang"))
    run = MACHINES["unicorn"].run(image, pcm, RunOptions(counted_frames=2))
    assert equal(run, run_reference(network, pcm)).ok
    stack = size(image).stack
    assert stack is not None
    assert (stack.unbounded, stack.assumption) == ("", "")
