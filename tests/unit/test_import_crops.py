# SPDX-License-Identifier: Apache-2.0
"""Slices of what a transposed convolution makes: it makes nothing else then. Convolutions of one result are matrices."""

import pytest

from codesign.compiler.model.passes.draft import attribute
from onnx_graphs import Graph, kinds, same_step


def batch_norm(g, value, channels):
    ones = [g.constant(abs(g.rng.standard_normal(channels)).astype("f4") + 0.5) for _ in range(4)]
    return g("BatchNormalization", value, *ones)


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "shape", "pads"),
    [
        ((1,), (2,), (2,), [1, 3, 1, 9], [1, 1, 1, 1]),
        ((-2,), (-1,), (-2,), [1, 3, 1, 9], [1, 1, 1, 1]),
        ((0, 2), (2, 9), (2, 3), [1, 3, 2, 7], [0, 3, 1, 1]),
    ],
)
def test_a_slice_is_pads(starts, ends, axes, shape, pads):
    """A step of two frames, of whose three results the one that has all of both is the frame's."""
    g = Graph()
    made = g("ConvTranspose", "x", g.weights(4, 3, 2, 3), strides=[1, 2], pads=[0, 1, 0, 1])
    cut = g("Slice", made, g.ints(*starts), g.ints(*ends), g.ints(*axes))
    g("Relu", batch_norm(g, cut, 3))
    done = same_step(g.model({"x": [1, 4, 2, 5]}, {g.nodes[-1].output[0]: shape}))
    assert kinds(done) == ["ConvTranspose", "Relu"]
    assert attribute(done.model.graph.node[0], "pads") == pads


@pytest.mark.parametrize("what", ["every second", "channels", "two readers"])
def test_others_stay(what):
    g = Graph()
    made = g("ConvTranspose", "x", g.weights(4, 3, 2, 3), strides=[1, 2], pads=[0, 1, 0, 1])
    axis, steps = (1 if what == "channels" else 2), [g.ints(2)] if what == "every second" else []
    cut = g("Slice", made, g.ints(0), g.ints(2), g.ints(axis), *steps)
    if what == "two readers":
        g("Concat", cut, made, axis=2)
    shapes = {"every second": [1, 3, 1, 9], "channels": [1, 2, 3, 9], "two readers": [1, 3, 5, 9]}
    done = same_step(g.model({"x": [1, 4, 2, 5]}, {g.nodes[-1].output[0]: shapes[what]}))
    assert "Slice" in kinds(done)


@pytest.mark.parametrize(("shape", "kernel"), [([1, 6, 5], [4, 6, 5]), ([1, 3, 2, 4], [5, 3, 2, 4]), ([1, 6, 1], [4, 6, 1])])
def test_a_kernel_of_all_that_it_reads_is_a_matrix(shape, kernel):
    g = Graph()
    g("Relu", g("Conv", "x", g.weights(*kernel), g.weights(kernel[0])))
    done = same_step(g.model({"x": shape}, {g.nodes[-1].output[0]: [1, kernel[0], *[1] * (len(shape) - 2)]}))
    assert "Conv" not in kinds(done)
    assert "Gemm" in kinds(done)
