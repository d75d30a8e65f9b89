# SPDX-License-Identifier: Apache-2.0
"""States that neither metadata nor names pair are paired by what the graph computes."""

import json

import numpy as np
import onnx
import pytest

from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph
from whole_way import float_way

UNITS = 6


def cell(g, x, h, c, names):
    """An LSTM's cell in pieces, as Keras unrolls it; its new states are called `names`."""
    gates = g("Add", g("MatMul", x, g.weights(UNITS, 4 * UNITS)), g("MatMul", h, g.weights(UNITS, 4 * UNITS)))
    i, f, u, o = (f"{names[0]}_{k}" for k in "ifuo")
    g("Split", gates, g.ints(*[UNITS] * 4), outputs=[i, f, u, o], axis=1)
    kept = g("Mul", c, g("Sigmoid", f))
    g("Add", kept, g("Mul", g("Sigmoid", i), g("Tanh", u)), outputs=[names[1]])
    return g("Mul", g("Sigmoid", o), g("Tanh", names[1]), outputs=[names[0]])


def unrolled(layers, features=UNITS + 2):
    g = Graph()
    y, states = g("MatMul", "x", g.weights(features, UNITS)), {}
    for k in range(layers):
        states |= {f"a{k}": [1, UNITS], f"b{k}": [1, UNITS]}
        y = cell(g, y, f"a{k}", f"b{k}", (f"lstm_{2 * k}", f"lstm_{2 * k + 1}"))
    g("Sigmoid", g("MatMul", y, g.weights(UNITS, features)), outputs=["dense"])
    outputs = {f"lstm_{k}": [1, UNITS] for k in reversed(range(2 * layers))}
    return g.model({"x": [1, features], **states}, {"dense": [1, features], **outputs})


def operators(kind, features=UNITS):
    g, gates = Graph(), {"LSTM": 4, "GRU": 3}[kind]
    states = ["one", "two"][: 1 + (kind == "LSTM")]
    y = g("Reshape", "x", g.ints(1, 1, features))
    starts = [g("Reshape", name, g.ints(1, 1, UNITS)) for name in states]
    weights = g.weights(1, gates * UNITS, features), g.weights(1, gates * UNITS, UNITS)
    ends = ["y", "p", "q"][: 1 + len(states)]
    g(kind, y, *weights, "", "", *starts, hidden_size=UNITS, outputs=ends)
    for end in ends[1:]:
        g("Reshape", end, g.ints(1, UNITS), outputs=[f"result_{end}"])
    g("Sigmoid", g("Reshape", "y", g.ints(1, UNITS)), outputs=["dense"])
    outputs = {f"result_{end}": [1, UNITS] for end in reversed(ends[1:])}
    return g.model({"x": [1, features], **{n: [1, UNITS] for n in states}}, {"dense": [1, UNITS], **outputs})


def features(size):
    return np.random.default_rng(0).standard_normal((6, size)).astype(np.float32)


def saved(model, folder):
    onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


@pytest.mark.parametrize("layers", [1, 2])
def test_cells_in_pieces(layers, tmp_path):
    graph = float_way(saved(unrolled(layers), tmp_path), features(UNITS + 2))
    wanted = {(f"{part}{k}", f"lstm_{2 * k + i}") for k in range(layers) for i, part in enumerate("ab")}
    assert {(state.input, state.output) for state in graph.states} == wanted
    assert any("paired by what the graph computes: a0 → lstm_0" in note for note in graph.notes)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrent_operators_even_where_features_have_the_shape_of_states(kind, tmp_path):
    graph = float_way(saved(operators(kind), tmp_path), features(UNITS))
    wanted = {("one", "result_p"), ("two", "result_q")} if kind == "LSTM" else {("one", "result_p")}
    assert {(state.input, state.output) for state in graph.states} == wanted


def ambiguous():
    """Two outputs that both take on both states in as many steps."""
    g = Graph()
    both = g("Add", "a", "b")
    for result in ("p", "q"):
        g("Add", both, g("MatMul", "x", g.weights(8, UNITS)), outputs=[result])
    g("Sigmoid", g("MatMul", both, g.weights(UNITS, 8)), outputs=["mask"])
    return g.model({"x": [1, 8], "a": [1, UNITS], "b": [1, UNITS]}, {"mask": [1, 8], "p": [1, UNITS], "q": [1, UNITS]})


def test_what_is_ambiguous_is_named_with_what_to_write(tmp_path):
    path = saved(ambiguous(), tmp_path)
    with pytest.raises(InputError, match=r"cannot pair states; .* 'a', 'b', 'mask', 'p', 'q'") as caught:
        load_onnx(path)
    assert 'states = [["input", "output"], …] below [chain]' in caught.value.hint
    (tmp_path / "m.toml").write_text('[chain]\nstates = [["a", "q"], ["b", "p"]]\n')
    assert [(s.input, s.output) for s in load_onnx(path).states] == [("a", "q"), ("b", "p")]


def test_a_second_input_like_the_features_is_no_state():
    g = Graph()
    for part, other, result in (("re", "im", "out_re"), ("im", "re", "out_im")):
        mask = g("Sigmoid", g("MatMul", "re", g.weights(8, 8)))
        g("Add", g("Mul", mask, part), g("Mul", mask, other), outputs=[result])
    model = g.model({"re": [1, 8], "im": [1, 8]}, {"out_re": [1, 8], "out_im": [1, 8]})
    done = simplify(PATH, model)
    assert not [p for p in done.model.metadata_props if p.key == "states" and json.loads(p.value)]


def test_features_and_spectrum_as_two_inputs_are_no_state(tmp_path):
    g = Graph()
    mask = g("Sigmoid", g("MatMul", "features", g.weights(8, 5)))
    g("Mul", "spectrum", g("Reshape", mask, g.ints(1, 1, 5)), outputs=["enhanced"])
    onnx.save(g.model({"features": [1, 8], "spectrum": [1, 2, 5]}, {"enhanced": [1, 2, 5]}), tmp_path / "two.onnx")
    with pytest.raises(InputError, match="'features', 'spectrum', 'enhanced'") as caught:
        load_onnx(tmp_path / "two.onnx")
    assert "a chain gives one input" in caught.value.hint


def test_frame_before_as_a_state_of_the_features_shape(tmp_path):
    """Caches of convolutions over two frames: one gets the features themselves, one what they became; names say nothing."""
    g, shape = Graph(), [1, 3, 1, 8]
    hidden = g("Conv", g("Concat", "cache", "x", axis=2), g.weights(3, 3, 2, 1), outputs=["hidden"])
    g("Identity", "x", outputs=["Identity_1"])
    g("Identity", hidden, outputs=["Identity_2"])
    joined = g("Concat", "other", hidden, axis=2)
    g("Sigmoid", g("Conv", joined, g.weights(3, 3, 2, 1)), outputs=["Identity"])
    inputs = {"x": shape, "cache": shape, "other": shape}
    path = saved(g.model(inputs, dict.fromkeys(("Identity", "Identity_1", "Identity_2"), shape)), tmp_path)
    graph = float_way(path, features(24))
    assert {(state.input, state.output) for state in graph.states} == {("cache", "Identity_1"), ("other", "Identity_2")}


def test_second_input_of_the_features_shape_is_no_state(tmp_path):
    """Real and imaginary parts times a mask are elements of both, but nothing is moved."""
    g = Graph()
    mask = g("Sigmoid", g("MatMul", "x", g.weights(8, 8)))
    g("Mul", "x", mask, outputs=["one"])
    g("Mul", "y", mask, outputs=["two"])
    path = saved(g.model({"x": [1, 8], "y": [1, 8]}, {"one": [1, 8], "two": [1, 8]}), tmp_path)
    assert not simplify(PATH, onnx.load(path)).model.metadata_props
