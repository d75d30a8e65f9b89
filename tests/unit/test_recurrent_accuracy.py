# SPDX-License-Identifier: Apache-2.0
"""Recurrent integer layers against onnxruntime's operators in float32, one step at a time, within their stated tolerance."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.gru import gru_of
from codesign.compiler.lower.recurrent import lstm_of, rnn_of
from codesign.compiler.lower.rows import Rows
from layer_cases import of_type


def onnx_step(kind: str, units: int, weights, x, states, **attributes):
    """Outputs of one step of ONNX's `kind`: Y_h, and Y_c of an LSTM, for x (positions, inputs)."""
    names = ["W", "R", "B"]
    tensors = [numpy_helper.from_array(np.asarray(w, np.float32)[None], n) for w, n in zip(weights, names, strict=True)]
    state_names = ["h", "c"][: len(states)]
    node = helper.make_node(
        kind, ["x", *names, "", *state_names], ["", *(f"y_{n}" for n in state_names)], hidden_size=units, **attributes
    )
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("x", *state_names)]
    outputs = [helper.make_tensor_value_info(f"y_{n}", TensorProto.FLOAT, None) for n in state_names]
    graph = helper.make_graph([node], "g", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {"x": x[None], **{n: s[None] for n, s in zip(state_names, states, strict=True)}}
    return [y[0] for y in session.run(None, {n: a.astype(np.float32) for n, a in feeds.items()})]


def real(value: Value, q: np.ndarray) -> np.ndarray:
    return value.scale * (q.astype(np.float64) - value.zero_point)


TYPES = {"int8": (2.0**-5, 9), "int16": (2.0**-13, 0)}
HIDDEN = {"int8": (2.0**-7, -3), "int16": (2.0**-15, 0)}


@pytest.mark.parametrize("gain", [0.25, 1.0])
@pytest.mark.parametrize("reset_after", [False, True])
@pytest.mark.parametrize(("x_type", "h_type"), [("int8", "int8"), ("int16", "int16"), ("int8", "int16")])
def test_gru_is_onnxruntimes(x_type, h_type, reset_after, gain):
    """With the larger gain gates go beyond ±8, and reset gates meet large sums."""
    rng, inputs, units, positions = np.random.default_rng(4), 24, 20, 32
    x = Value("x", positions * inputs, x_type, *TYPES[x_type])
    h = Value("h", positions * units, h_type, *HIDDEN[h_type])
    rows = [Rows.of(rng.normal(0, gain, (3 * units, n)), groups=3) for n in (inputs, units)]
    biases = rng.normal(0, 0.3, (2, 3 * units))
    layer = gru_of("gru", x, h, *rows, *biases, reset_after=reset_after, positions=positions)
    values = {"x": of_type(rng, x.size, x_type).astype(np.int64), "h": of_type(rng, h.size, h_type).astype(np.int64)}
    full = 127 if h_type == "int8" else 32767
    values["h"] = np.clip(values["h"], h.zero_point - full + 3, full)
    weights = [r.weights * r.scales[:, None] for r in rows]
    expected = onnx_step(
        "GRU",
        units,
        [*weights, np.concatenate(biases)],
        real(x, values["x"]).reshape(positions, inputs),
        [real(h, values["h"]).reshape(positions, units)],
        linear_before_reset=int(reset_after),
    )[0]
    layer.step(values, tuple(m.astype(np.float64) for m in layer.weights_int8))
    error = np.abs(values["h"].reshape(positions, units) - np.clip(expected / h.scale + h.zero_point, -full, full))
    assert error.max() <= layer.tolerance({"h": h})["h"]
    assert np.ptp(expected) > 1.0, "a constant output proves nothing"


@pytest.mark.parametrize("kind", ["LSTM", "tanh", "relu"])
@pytest.mark.parametrize(("x_type", "h_type"), [("int8", "int8"), ("int16", "int16"), ("int8", "int16")])
def test_lstm_and_rnn_are_onnxruntimes(x_type, h_type, kind):
    rng, inputs, units, positions = np.random.default_rng(4), 24, 20, 32
    gates = 4 if kind == "LSTM" else 1
    x = Value("x", positions * inputs, x_type, *TYPES[x_type])
    h = Value("h", positions * units, h_type, HIDDEN[h_type][0] * (8 if kind == "relu" else 1), HIDDEN[h_type][1])
    rows = [Rows.of(rng.normal(0, 0.2, (gates * units, n)), groups=gates) for n in (inputs, units)]
    bias = rng.normal(0, 0.3, gates * units)
    values = {"x": of_type(rng, x.size, x_type).astype(np.int64), "h": of_type(rng, h.size, h_type).astype(np.int64) // 2}
    states = [real(h, values["h"]).reshape(positions, units)]
    if kind == "LSTM":
        layer = lstm_of("l", x, h, "c", 12, *rows, bias, positions=positions)
        values["c"] = of_type(rng, h.size, "int16").astype(np.int64) // 4
        states.append(values["c"].reshape(positions, units) / 4096)
        order = np.concatenate([np.arange(k * units, (k + 1) * units) for k in (0, 3, 1, 2)])
    else:
        layer = rnn_of("r", x, h, *rows, bias, relu=kind == "relu", positions=positions)
        order = np.arange(units)
    weights = [(r.weights * r.scales[:, None])[order] for r in rows]
    attributes = {} if kind == "LSTM" else {"activations": [kind.capitalize()]}
    both = np.concatenate([bias[order], 0 * bias])
    q = real(x, values["x"]).reshape(positions, inputs)
    expected = onnx_step("LSTM" if kind == "LSTM" else "RNN", units, [*weights, both], q, states, **attributes)
    layer.step(values, tuple(m.astype(np.float64) for m in layer.weights_int8))
    c = Value("c", h.size, "int16", 2.0**-12)
    tolerance = layer.tolerance({"h": h, "c": c})
    for value, theirs in zip((h, c), expected, strict=False):
        full = 127 if value.dtype == "int8" else 32767
        exact = np.clip(theirs / value.scale + value.zero_point, -full, full)
        assert np.abs(values[value.name].reshape(positions, units) - exact).max() <= tolerance[value.name]
        assert np.ptp(theirs) > 0.9, "a constant output proves nothing"


@pytest.mark.parametrize("scan", ["forward", "reverse"])
@pytest.mark.parametrize("kind", ["GRU", "tanh"])
@pytest.mark.parametrize("h_type", ["int8", "int16"])
def test_each_position_of_a_run_follows_onnxruntimes(h_type, kind, scan):
    """onnxruntime's run does not round between positions; given what it has before each, all are within the tolerance."""
    rng, inputs, units, positions = np.random.default_rng(7), 8, 6, 16
    gates = 3 if kind == "GRU" else 1
    rows = [Rows.of(rng.normal(0, 0.8, (gates * units, n)), groups=gates) for n in (inputs, units)]
    x = Value("x", positions * inputs, h_type, *TYPES[h_type])
    h = Value("h", positions * units, h_type, *HIDDEN[h_type])
    zeros = np.zeros(gates * units)
    if kind == "GRU":
        layer = gru_of("g", x, h, *rows, zeros, zeros, reset_after=True, positions=positions, scan=scan)
    else:
        layer = rnn_of("r", x, h, *rows, zeros, positions=positions, scan=scan)
    values = {"x": of_type(rng, x.size, h_type).astype(np.int64) // 2}
    q, state, exact = real(x, values["x"]).reshape(positions, inputs), np.zeros((1, units)), np.zeros((positions, units))
    weights = [*(r.weights * r.scales[:, None] for r in rows), np.zeros(2 * gates * units)]
    more = {"linear_before_reset": 1} if kind == "GRU" else {}
    for p in range(positions) if scan == "forward" else reversed(range(positions)):
        (state,) = onnx_step("GRU" if kind == "GRU" else "RNN", units, weights, q[p : p + 1], [state], **more)
        exact[p] = state[0]
    full = 127 if h_type == "int8" else 32767
    given = np.clip(np.rint(exact / h.scale) + h.zero_point, -full, full).astype(np.int64).reshape(-1)
    ours = layer.after_given(values, given, None, tuple(m.astype(np.float64) for m in layer.weights_int8))
    assert np.abs(ours - given).max() <= layer.tolerance({"h": h})["h"]
    assert np.ptp(exact) > 1.0, "a constant output proves nothing"


def test_a_scan_is_the_steps_one_after_the_other():
    rng, inputs, units, positions = np.random.default_rng(5), 7, 6, 5
    rows = [Rows.of(rng.normal(0, 0.5, (3 * units, n)), groups=3) for n in (inputs, units)]
    x, h = Value("x", positions * inputs, "int8", 2.0**-5, 4), Value("h", positions * units, "int8", 2.0**-7, 2)
    q = of_type(rng, x.size, "int8").astype(np.int64)
    first = Value("x", inputs, "int8", x.scale, 4), Value("h", units, "int8", h.scale, 2)
    one = gru_of("g", *first, *rows, *np.zeros((2, 18)), reset_after=True)
    matrices = tuple(m.astype(np.float64) for m in one.weights_int8)
    for scan in ("forward", "reverse"):
        values = {"x": q}
        layer = gru_of("g", x, h, *rows, *np.zeros((2, 18)), reset_after=True, positions=positions, scan=scan)
        assert layer.writes == ("h",)
        assert layer.states == ()
        layer.step(values, matrices)
        state = {"h": np.full(units, 2)}
        for p in range(positions) if scan == "forward" else reversed(range(positions)):
            state["x"] = q[p * inputs : (p + 1) * inputs]
            one.step(state, matrices)
            np.testing.assert_array_equal(values["h"][p * units : (p + 1) * units], state["h"])


def test_a_gru_refuses_what_could_overflow_or_does_not_fit():
    rows = [Rows.of(np.ones((3, 1)), groups=3) for _ in range(2)]
    x, h = Value("x", 1, "int8", 1.0), Value("h", 1, "int8", 2.0**-7)
    with pytest.raises(InputError, match="g: update gate: the pre-activation could overflow"):
        gru_of("g", x, h, *rows, np.full(3, 1e9), np.zeros(3), reset_after=True)
    with pytest.raises(InputError, match="do not fit"):
        gru_of("g", x, h, *rows, np.zeros(3), np.zeros(3), reset_after=True, positions=2)
    several = Rows(np.ones((6, 1), np.int8), np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="gate 0 has several scales"):
        two, matrix = Value("h", 2, "int8", 2.0**-7), Rows.of(np.ones((6, 2)), groups=3)
        gru_of("g", x, two, several, matrix, *np.zeros((2, 6)), reset_after=True)
