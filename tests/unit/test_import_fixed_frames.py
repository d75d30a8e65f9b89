# SPDX-License-Identifier: Apache-2.0
"""A number of frames that an exporter fixed: of several inputs, and where sizes of maps repeat it; values beside constants."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, kinds, same_sequence, same_step, session

BINS, UNITS, FRAMES = 6, 5, 12


def recurrent(g: Graph, x: str, columns: int) -> str:
    """A GRU along axis 1 of [1, frames, columns]."""
    weights = g.weights(1, 3 * UNITS, columns), g.weights(1, 3 * UNITS, UNITS), g.weights(1, 6 * UNITS)
    y = g("GRU", g("Transpose", x, perm=[1, 0, 2]), *weights, hidden_size=UNITS, linear_before_reset=1)
    return g("Transpose", g("Squeeze", y, g.ints(1)), perm=[1, 0, 2])


def test_several_inputs_have_the_same_fixed_frames():
    g = Graph()
    both = g("Concat", "x", g("Reshape", "z", g.ints(1, FRAMES, 8)), axis=2)
    g("Sigmoid", g("MatMul", recurrent(g, both, BINS + 8), g.weights(UNITS, BINS)), outputs=["mask"])
    model = g.model({"x": [1, FRAMES, BINS], "z": [1, FRAMES, 4, 2]}, {"mask": [1, FRAMES, BINS]})
    rng = np.random.default_rng(1)
    whole = {i.name: rng.standard_normal(i.shape).astype(np.float32) for i in session(model).get_inputs()}
    (exact,) = session(model).run(None, whole)
    step = session(simplify(PATH, model).model)
    (state,) = (i for i in step.get_inputs() if i.name not in whole)
    now = np.zeros(state.shape, np.float32)
    for frame in range(FRAMES):
        feed = {name: array[:, frame : frame + 1] for name, array in whole.items()}
        found, now = step.run(["mask", state.name.replace("_in", "_out")], {**feed, state.name: now})
        np.testing.assert_allclose(found[:, 0], exact[:, frame], atol=1e-6)


@pytest.mark.parametrize("wanted", [18, 15])
def test_sizes_of_maps_repeat_the_frames(wanted):
    g = Graph()
    maps = g("Reshape", "x", g.ints(FRAMES, 1, BINS))
    wide = g("Resize", maps, "", "", g.ints(FRAMES, 1, wanted), mode="nearest", nearest_mode="floor")
    frames = g("Reshape", wide, g.ints(1, FRAMES, wanted))
    g("Sigmoid", g("MatMul", recurrent(g, frames, wanted), g.weights(UNITS, BINS)), outputs=["mask"])
    model = g.model({"x": [1, FRAMES, BINS]}, {"mask": [1, FRAMES, BINS]}, opset=18)
    assert len(same_sequence(model, frames=FRAMES).model.graph.input) == 2


@pytest.mark.parametrize("order", ["cx", "xc", "xcy", "cxcyc"])
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_values_are_joined_with_constants(order, value):
    g = Graph()
    known = {"x": "x", "y": g("Relu", g("MatMul", "x", g.weights(BINS, BINS)))}
    parts = [known.get(part) or g.constant(np.full((1, 3, BINS), value, np.float32)) for part in order]
    maps = [g("Reshape", part, g.ints(1, 1, BINS)) if name != "c" else part for name, part in zip(order, parts, strict=True)]
    joined = g("Concat", *maps, axis=1)
    rows = sum(3 if part == "c" else 1 for part in order)
    g("MatMul", g("Reshape", joined, g.ints(1, rows * BINS)), g.weights(rows * BINS, 4), outputs=["mask"])
    assert "Pad" in kinds(same_step(g.model({"x": [1, BINS]}, {"mask": [1, 4]})))
