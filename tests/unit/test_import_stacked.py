# SPDX-License-Identifier: Apache-2.0
"""States that a file stacks into one input: they come apart."""

from __future__ import annotations

import json

import numpy as np
import pytest

from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, kinds, same_step, session


def stacked(layers, axis, **metadata):
    """Layers whose h and c lie in one tensor each, along one axis, as PyTorch's nn.LSTM has them."""
    g, y = Graph(), "x"
    parts = {"h": [], "c": []}
    for index in range(layers):
        states = [
            g("Reshape", g("Slice", name, g.ints(index), g.ints(index + 1), g.ints(axis)), g.ints(1, 1, 6))
            for name in ("h", "c")
        ]
        g(
            "LSTM",
            y,
            *(g.weights(1, 24, 6) for _ in range(2)),
            "",
            "",
            *states,
            hidden_size=6,
            outputs=[f"y{index}", f"h{index}", f"c{index}"],
        )
        y = g("Reshape", f"y{index}", g.ints(1, 1, 6))
        for part in "hc":
            parts[part].append(g("Reshape", f"{part}{index}", g.ints(*(1 if a != 2 else 6 for a in range(3)))))
    shape = [1, 1, 6]
    shape[axis] = layers
    for part in "hc":
        g("Concat", *parts[part], axis=axis, outputs=[f"{part}_out"])
    g("Sigmoid", y, outputs=["mask"])
    return g.model({"x": [1, 1, 6], "h": shape, "c": shape}, {"mask": [1, 1, 6], "h_out": shape, "c_out": shape}, **metadata)


@pytest.mark.parametrize("axis", [0, 1])
def test_stacked_states_come_apart(axis):
    model = stacked(3, axis)
    done = simplify(PATH, model)
    assert [i.name for i in done.model.graph.input][1:] == [f"{part}_{n}_in" for part in "ch" for n in range(3)]
    assert {"Slice", "Concat"}.isdisjoint(kinds(done))
    whole, step = session(model), session(done.model)
    rng = np.random.default_rng(0)
    shape = whole.get_inputs()[1].shape
    before = {name: np.zeros(shape, np.float32) for name in "hc"}
    after = {i.name: np.zeros(i.shape, np.float32) for i in step.get_inputs()[1:]}
    for _ in range(5):
        x = rng.standard_normal((1, 1, 6)).astype(np.float32)
        old = dict(zip([o.name for o in whole.get_outputs()], whole.run(None, {"x": x, **before}), strict=True))
        new = dict(zip([o.name for o in step.get_outputs()], step.run(None, {"x": x, **after}), strict=True))
        np.testing.assert_allclose(new["mask"], old["mask"], atol=1e-6)
        before = {name: old[f"{name}_out"] for name in "hc"}
        after = {name: new[name.replace("_in", "_out")] for name in after}


def test_parts_of_a_stack_keep_its_initial_value():
    listed = json.dumps([["h", "h_out", 0.5], ["c", "c_out"]])
    done = simplify(PATH, stacked(2, 0, states=listed))
    states = json.loads(next(p.value for p in done.model.metadata_props if p.key == "states"))
    assert ["h_1_in", "h_1_out", 0.5] in states
    assert ["c_0_in", "c_0_out"] in states
    assert len(states) == 4


def test_a_state_that_is_read_whole_stays():
    g = Graph()
    half = g("Slice", "h", g.ints(0), g.ints(3), g.ints(1))
    y = g("Concat", g("Tanh", half), g("Relu", g("Slice", "h", g.ints(3), g.ints(6), g.ints(1))), axis=1, outputs=["h_out"])
    g("Sigmoid", g("Add", g("Add", "h", "x"), y), outputs=["mask"])
    done = same_step(g.model({"x": [1, 6], "h": [1, 6]}, {"mask": [1, 6], "h_out": [1, 6]}))
    assert [i.name for i in done.model.graph.input] == ["x", "h"]


def test_a_stack_that_the_graph_pairs_leaves_no_state_of_its_own():
    model = stacked(2, 0)
    names = {"h": "second", "c": "third", "h_out": "output_2", "c_out": "result_3"}
    for info in (*model.graph.input, *model.graph.output):
        info.name = names.get(info.name, info.name)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    done = simplify(PATH, model)
    inputs = {info.name for info in done.model.graph.input}
    listed = json.loads(next(entry.value for entry in done.model.metadata_props if entry.key == "states"))
    assert {pair[0] for pair in listed} == inputs - {"x"}
    assert len(listed) == 4
