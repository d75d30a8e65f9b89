# SPDX-License-Identifier: Apache-2.0
"""Cells that an exporter wrote out place after place become one recurrent layer."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.compiler.model.cells import cell_of
from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, close, kinds, session

PLACES, COLUMNS, UNITS = 7, 4, 3


def gates(g: Graph, x: str, h: str, weights: tuple[str, ...], count: int) -> tuple[list[str], list[str]]:
    """Parts of W x + b and R h + b."""
    columns, rows, own, past = weights
    sums = g("Gemm", x, columns, own, transB=1), g("Gemm", h, rows, past, transB=1)
    cut = [[f"{total}_{i}" for i in range(count)] for total in sums]
    for total, outputs in zip(sums, cut, strict=True):
        g("Split", total, outputs=outputs, axis=1, num_outputs=count)
    return cut[0], cut[1]


def lstm(g: Graph, x: str, states: list[str], weights: tuple[str, ...]) -> list[str]:
    one, other = gates(g, x, states[0], weights, 4)
    i, f, c, o = (g("Add", a, b) for a, b in zip(one, other, strict=True))
    new = g("Add", g("Mul", g("Sigmoid", f), states[1]), g("Mul", g("Sigmoid", i), g("Tanh", c)))
    return [g("Mul", g("Sigmoid", o), g("Tanh", new)), new]


def gru(g: Graph, x: str, states: list[str], weights: tuple[str, ...]) -> list[str]:
    one, other = gates(g, x, states[0], weights, 3)
    r, z = (g("Sigmoid", g("Add", a, b)) for a, b in zip(one[:2], other[:2], strict=True))
    n = g("Tanh", g("Add", one[2], g("Mul", r, other[2])))
    return [g("Add", g("Mul", g("Sub", states[0], n), z), n)]


CELLS = {"LSTM": (lstm, 4, 2), "GRU": (gru, 3, 1)}


def unrolled(kind: str, *, reverse: bool = False, start: float = 0.0, odd: int | None = None, split: bool = False):
    """A cell at each of seven places; place `odd` has weights of its own."""
    g = Graph()
    cell, count, number = CELLS[kind]

    def weights() -> tuple[str, ...]:
        return (g.weights(count * UNITS, COLUMNS), g.weights(count * UNITS, UNITS), *(g.weights(count * UNITS) for _ in "wr"))

    own, other = weights(), weights()
    places = g("Reshape", "x", g.ints(PLACES, COLUMNS))
    if split:
        read = [f"place{k}" for k in range(PLACES)]
        g("Split", places, outputs=read, axis=0, num_outputs=PLACES)
    else:
        read = [g("Slice", places, g.ints(k), g.ints(k + 1), g.ints(0)) for k in range(PLACES)]
    states = [g.constant(np.full((1, UNITS), start, np.float32)) for _ in range(number)]
    found = {}
    for k in reversed(range(PLACES)) if reverse else range(PLACES):
        states = cell(g, read[k], states, other if k == odd else own)
        found[k] = states[0]
    joined = g("Concat", *(found[k] for k in range(PLACES)), axis=0)
    g("Sigmoid", g("MatMul", g("Reshape", joined, g.ints(1, PLACES * UNITS)), g.weights(PLACES * UNITS, 5)), outputs=["y"])
    return g.model({"x": [1, PLACES * COLUMNS]}, {"y": [1, 5]}, opset=18)


def same(model) -> set[str]:
    """The kinds of operators of the step, which computes what the model does."""
    done = simplify(PATH, model, cell=cell_of)
    x = np.random.default_rng(5).normal(size=(1, PLACES * COLUMNS)).astype(np.float32)
    close(session(done.model).run(["y"], {"x": x})[0], session(model).run(["y"], {"x": x})[0], "y", 2e-6)
    return set(kinds(done))


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_cells_place_after_place_are_a_layer(kind, reverse, split):
    found = same(unrolled(kind, reverse=reverse, split=split))
    assert kind in found
    assert not found & {"Tanh", "Split", "Concat"}


@pytest.mark.parametrize("change", [{"odd": 3}, {"odd": 0}, {"start": 0.5}])
def test_cells_that_differ_stay_as_they_are(change):
    found = same(unrolled("GRU", **change))
    assert "Tanh" in found
    assert "GRU" not in found
