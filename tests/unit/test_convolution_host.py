# SPDX-License-Identifier: Apache-2.0
"""Convolutions: C for this machine against the reference, and the reference against torch-free float arithmetic."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesign.base.resources import resource
from codesign.compiler.layers.conv_code import pack_conv, unpack_conv
from codesign.compiler.layers.convolution import Convolution
from convolutions import convolution, function, gtcrn_layers, source_of, structs
from integer_layers import integers
from shared_library import shared_library

pytestmark = pytest.mark.slow  # the file as a whole

seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["random", "extreme", "maximum", "zero"])
many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    nn = resource("runtime", "nn")
    sources = [path for name in ("cs_conv_*.c", "cs_depthwise_*.c") for path in nn.glob(name)]
    return shared_library(sources, tmp_path_factory.mktemp("conv"))


def run(nn: ctypes.CDLL, layer: Convolution, x: np.ndarray) -> np.ndarray:
    held: list[np.ndarray] = []

    def put(array: np.ndarray) -> int:
        held.append(np.ascontiguousarray(array))
        return int(held[-1].ctypes.data)

    x = np.ascontiguousarray(x)
    y = np.full(int(np.prod(layer.result_shape)) + 32, 99, x.dtype)
    scratch = np.full(layer.scratch_bytes + 64, 0x5C, np.uint8)
    for c, phase in structs(layer, ctypes.c_void_p, put):
        at = y.ctypes.data + y.itemsize * phase.y_offset
        getattr(nn, function(layer))(ctypes.byref(c), *(ctypes.c_void_p(p) for p in (x.ctypes.data, at, scratch.ctypes.data)))
    assert (scratch[-64:] == 0x5C).all()
    assert (y[-32:] == 99).all()
    return y[:-32].reshape(layer.result_shape)


@many
@given(seed=seeds, bits=st.sampled_from([8, 16]), kind=kinds, transposed=st.booleans(), big=st.booleans())
def test_c_is_the_reference(nn: ctypes.CDLL, seed: int, bits: int, kind: str, transposed: bool, big: bool) -> None:
    rng = np.random.default_rng(seed)
    layer = convolution(rng, bits, kind, transposed=transposed, big=big)
    x = source_of(rng, layer, kind)
    np.testing.assert_array_equal(run(nn, layer, x), layer.apply(x))


@pytest.mark.parametrize("bits", [8, 16])
def test_layers_of_a_network(nn: ctypes.CDLL, bits: int) -> None:
    rng = np.random.default_rng(bits)
    for name, layer in gtcrn_layers(rng, bits).items():
        x = source_of(rng, layer, "random")
        expected = layer.apply(x)
        assert np.unique(expected).size > 20, name
        np.testing.assert_array_equal(run(nn, layer, x), expected, err_msg=name)


@given(seed=seeds, groups=st.integers(1, 4), outputs=st.integers(1, 9), columns=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_packing_inverts(seed: int, groups: int, outputs: int, columns: int) -> None:
    weights = integers(np.random.default_rng(seed), (groups * outputs, columns))
    packed = pack_conv(weights, groups)
    assert packed.size == groups * -(-outputs // 4) * 4 * (-(-columns // 4) * 4)
    np.testing.assert_array_equal(unpack_conv(packed, groups, outputs, columns), weights)
