# SPDX-License-Identifier: Apache-2.0
"""Sums and numbers of frames over a whole sequence become states of one step."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, same_sequence

BINS = 6


def counted(g: Graph, first: float, step: float) -> str:
    """first, first + step, … for each frame."""
    frames = g("Squeeze", g("Gather", g("Shape", "x"), g.ints(1), axis=0), g.ints(0))
    ramp = g("Range", g.constant(np.int64(0)), frames, g.constant(np.int64(1)))
    scaled = g("Mul", g("Cast", ramp, to=1), g.constant(np.array(step, np.float32)))
    return g("Reshape", g("Add", scaled, g.constant(np.array(first, np.float32))), g.ints(1, -1, 1))


def finished(g: Graph, x: str) -> Graph:
    g("Sigmoid", g("MatMul", x, g.weights(BINS, BINS)), outputs=["mask"])
    return g


def model(g: Graph):
    shape = [1, "frames", BINS]
    return g.model({"x": shape}, {"mask": shape})


@pytest.mark.parametrize("exclusive", [0, 1])
def test_a_cumulative_mean_has_a_sum_and_a_count(exclusive):
    g = Graph()
    total = g("CumSum", "x", g.constant(np.int64(1)), exclusive=exclusive)
    mean = g("Div", total, counted(g, 1.0, 1.0))
    done = same_sequence(model(finished(g, g("Sub", "x", mean))))
    assert len(done.model.graph.input) == 3
    assert any("sum of all frames" in note for note in done.notes)


def test_one_count_is_read_by_all():
    g = Graph()
    count = counted(g, 2.0, 0.5)
    two = g("Add", g("Div", "x", count), g("Div", g("Mul", "x", "x"), count))
    assert len(same_sequence(model(finished(g, two))).model.graph.input) == 2


def test_a_sum_of_frames_to_come_is_refused():
    g = Graph()
    value = g("CumSum", "x", g.constant(np.int64(1)), reverse=1)
    with pytest.raises(InputError, match="yet to come"):
        simplify(PATH, model(finished(g, value)))
