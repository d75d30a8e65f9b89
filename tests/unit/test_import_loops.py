# SPDX-License-Identifier: Apache-2.0
"""Cells in loops, as TensorFlow writes recurrent layers, and cells over many positions become LSTM and GRU."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper

from codesign.base.errors import InputError
from codesign.compiler.model.cells import cell_of
from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, kinds, same_sequence, session

SIZE, UNITS = 6, 5


def lstm_cell(g, x, h, c, after_h="h_after", after_c="c_after"):
    """Keras: gates i, f, g, o of one sum, cut apart."""
    both = g("Add", g("MatMul", x, g.weights(SIZE, 4 * UNITS)), g("MatMul", h, g.weights(UNITS, 4 * UNITS)))
    gates = g("Add", both, g.weights(4 * UNITS))
    i, f, u, o = (f"{after_h}_{k}" for k in "ifuo")
    g("Split", gates, g.ints(*[UNITS] * 4), outputs=[i, f, u, o], axis=1)
    g("Add", g("Mul", g("Sigmoid", f), c), g("Mul", g("Sigmoid", i), g("Tanh", u)), outputs=[after_c])
    g("Mul", g("Sigmoid", o), g("Tanh", after_c), outputs=[after_h])


def gru_cell(g, x, h, act="Tanh"):
    """Keras with reset_after: the reset gate scales the recurrent product and its bias."""
    a = g("Add", g("MatMul", x, g.weights(SIZE, 3 * UNITS)), g.weights(3 * UNITS))
    b = g("Add", g("MatMul", h, g.weights(UNITS, 3 * UNITS)), g.weights(3 * UNITS))
    az, ar, an = (g("Slice", a, g.ints(k * UNITS), g.ints((k + 1) * UNITS), g.ints(1)) for k in range(3))
    bz, br, bn = (g("Slice", b, g.ints(k * UNITS), g.ints((k + 1) * UNITS), g.ints(1)) for k in range(3))
    z = g("Sigmoid", g("Add", az, bz))
    n = g(act, g("Add", an, g("Mul", g("Sigmoid", g("Add", ar, br)), bn)))
    one = g("Sub", g.constant(np.float32(1)), z)
    g("Add", g("Mul", z, h), g("Mul", one, n), outputs=["h_after"])


def body(kind, loop, act="Tanh"):
    """Round of a Loop over 'frames', counted by the round and by a number of its own, or of a Scan."""
    g = Graph(3, "body_")
    states = ["h", "c"][: 1 + (kind == "LSTM")]
    x = g("Gather", "frames", "count", axis=0) if loop else "x"
    lstm_cell(g, x, "h", "c") if kind == "LSTM" else gru_cell(g, x, "h", act)
    if loop:
        g("Add", "count", g.constant(np.int64(1)), outputs=["count_after"])
        g("Less", "count_after", "length", outputs=["going"])
    g("Identity", "h_after", outputs=["y"])
    scalar = [("round", TensorProto.INT64), ("alive", TensorProto.BOOL), ("count", TensorProto.INT64)]
    real = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, UNITS]) for n in states]
    inputs = [helper.make_tensor_value_info(n, t, []) for n, t in scalar] if loop else []
    inputs += [*real, *([] if loop else [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, SIZE])])]
    outputs = [helper.make_tensor_value_info("going", TensorProto.BOOL, [])] if loop else []
    outputs += [helper.make_tensor_value_info("count_after", TensorProto.INT64, [])] if loop else []
    outputs += [helper.make_tensor_value_info(f"{n}_after", TensorProto.FLOAT, [None, UNITS]) for n in states]
    outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, UNITS]))
    return helper.make_graph(g.nodes, "body", inputs, outputs, g.tensors)


def looped(kind, loop=True, act="Tanh"):
    """Linear layers around a loop over axis 0 of 'frames' [frames, batch, SIZE]."""
    g = Graph()
    g("Transpose", g("Relu", g("MatMul", "x", g.weights(SIZE, SIZE))), perm=[1, 0, 2], outputs=["frames"])
    shape = g("Shape", "frames")
    g("Squeeze", g("Slice", shape, g.ints(0), g.ints(1)), outputs=["length"])
    zeros = g("ConstantOfShape", g("Concat", g("Slice", shape, g.ints(1), g.ints(2)), g.ints(UNITS), axis=0))
    states = [zeros] * (1 + (kind == "LSTM"))
    ends = [f"end{k}" for k in range(len(states))]
    if loop:
        alive = g("Less", g.constant(np.int64(0)), "length")
        first = g.constant(np.int64(0))
        g("Loop", "length", alive, first, *states, outputs=["counted", *ends, "all"], body=body(kind, True, act))
    else:
        g("Scan", *states, "frames", outputs=[*ends, "all"], body=body(kind, False), num_scan_inputs=1)
    back = g("Transpose", "all", perm=[1, 0, 2])
    g("Sigmoid", g("MatMul", back, g.weights(UNITS, SIZE)), outputs=["mask"])
    return g


def simplified(model):
    return simplify(PATH, model, cell=cell_of)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("loop", [True, False])
def test_loop_over_time_is_a_recurrent_layer(kind, loop):
    """Batch and frames are both open: the loop says which one is time."""
    model = looped(kind, loop).model({"x": ["batch", "frames_", SIZE]}, {"mask": ["batch", "frames_", SIZE]})
    done = same_sequence(model)
    assert kind in kinds(done)
    assert not {"Loop", "Scan"} & set(kinds(done))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_loop_over_the_places_of_one_frame(kind):
    """Forward over one half and, by ReverseSequence, backward over another: no states, the same numbers."""
    g = looped(kind)
    lengths = g.constant(np.full(1, 7, np.int64))
    flipped = g("ReverseSequence", "all", lengths, time_axis=0, batch_axis=1)
    g("Squeeze", flipped, g.ints(1), outputs=["places"])
    g.nodes.insert(0, helper.make_node("Reshape", ["frame", g.ints(1, 7, SIZE)], ["x"], name="places_of_frame"))
    model = g.model({"frame": [1, 7 * SIZE]}, {"places": [7, UNITS]})
    done = simplified(model)
    x = np.random.default_rng(1).standard_normal((1, 7 * SIZE)).astype(np.float32)
    wanted = session(model).run(["places"], {"frame": x})[0]
    found = session(done.model).run(None, {done.model.graph.input[0].name: x})[0]
    assert kind in kinds(done)
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, atol=1e-5)


def test_loop_of_another_cell_over_time_is_refused_not_taken_for_one_frame():
    """With both sizes open, nothing else may be taken for time."""
    model = looped("GRU", act="Softsign").model({"x": ["batch", "frames_", SIZE]}, {"mask": ["batch", "frames_", SIZE]})
    with pytest.raises(InputError, match="Loop"):
        simplified(model)


def test_loop_that_ends_before_the_last_place_is_no_layer():
    g = looped("GRU")
    loop = next(node for node in g.nodes if node.op_type == "Loop")
    loop.input[0] = g.constant(np.int64(3))
    with pytest.raises(InputError, match="Loop"):
        simplified(g.model({"x": [1, 7, SIZE]}, {"mask": [1, 7, SIZE]}))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_cell_in_parts_over_positions(kind):
    """States [positions, units], as of a layer over time for each frequency."""
    g = Graph()
    g("Relu", g("MatMul", "x", g.weights(SIZE, SIZE)), outputs=["hidden"])
    states = ["h", "c"][: 1 + (kind == "LSTM")]
    lstm_cell(g, "hidden", "h", "c") if kind == "LSTM" else gru_cell(g, "hidden", "h")
    g("Sigmoid", g("MatMul", "h_after", g.weights(UNITS, SIZE)), outputs=["mask"])
    ends = {f"{name}_after": [9, UNITS] for name in states}
    pairs = [[name, f"{name}_after"] for name in states]
    inputs = {"x": [9, SIZE], **{name: [9, UNITS] for name in states}}
    model = g.model(inputs, {"mask": [9, SIZE], **ends}, states=json.dumps(pairs))
    done = simplified(model)
    assert kind in kinds(done)
    rng = np.random.default_rng(2)
    feeds = {name: rng.uniform(-1, 1, shape).astype(np.float32) for name, shape in inputs.items()}
    wanted = dict(zip(["mask", *ends], session(model).run(None, feeds), strict=True))
    step = session(done.model)
    found = dict(zip([o.name for o in step.get_outputs()], step.run(None, feeds), strict=True))
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)
