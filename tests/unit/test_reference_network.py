# SPDX-License-Identifier: Apache-2.0
"""The NumPy reference against oracles that share no code with it.

Fully connected layers: ONNX Runtime's integer kernels and exact rational arithmetic (test_litert.py has TFLite itself).
LSTM: real-valued mathematics.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.layers import FullyConnected, Lookup16, Lstm, SkipGate, StateValue, Value, tables
from codesign.compiler.layers.arithmetic import matvec, mbqm
from codesign.compiler.layers.tables import lookup16
from codesign.compiler.lower.network import Network
from codesign.compiler.reference import initial_state, run, step
from integer_layers import fully_connected, integers


@given(x=st.integers(-(2**29), 2**29), multiplier=st.integers(2**30, 2**31 - 1), shift=st.integers(-30, 15))
@settings(max_examples=500, deadline=None)
def test_mbqm_rounds_once(x: int, multiplier: int, shift: int) -> None:
    x >>= max(shift + 1, 0)
    exact = Fraction(x * multiplier) * Fraction(2) ** (shift - 31)
    assert mbqm(x, multiplier, shift) == math.floor(exact + Fraction(1, 2))


def test_fully_connected_against_onnxruntime() -> None:
    """Σ w·x by ORT's MatMulInteger, equal in every bit; the rescaled output within one step of exact arithmetic."""
    ort = pytest.importorskip("onnxruntime")
    helper = pytest.importorskip("onnx.helper")
    onnx = pytest.importorskip("onnx")
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    types = onnx.TensorProto
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info("x", types.INT8, [1, None]),
            helper.make_tensor_value_info("w", types.INT8, [None, None]),
        ],
        [helper.make_tensor_value_info("y", types.INT32, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(3)
    for rows, columns, kind in ((7, 5, "random"), (64, 512, "maximum"), (33, 130, "extreme")):
        layer = fully_connected(rng, rows, columns, 16, kind)
        x = integers(rng, (columns,), kind)
        (sums,) = session.run(None, {"x": x[None], "w": np.ascontiguousarray(layer.weights.T)})
        np.testing.assert_array_equal(matvec(layer.weights.astype(np.float64), x.astype(np.int64)), np.asarray(sums)[0])
        y = layer.apply(x)
        total = np.asarray(sums)[0].astype(np.float64) + layer.bias
        exact = np.clip(total * layer.multiplier * 2.0 ** (layer.shift - 31.0), layer.low, layer.high)
        # A left shift by s multiplies before rounding; a right shift rounds twice.
        assert np.abs(y - exact).max() <= 1.0


@pytest.mark.parametrize(("table", "limit"), [("sigmoid", 1.2), ("tanh", 2.3)])
def test_tables_are_accurate_monotonic_and_in_range(table: str, limit: float) -> None:
    q = np.arange(-32768, 32768)
    y = lookup16(table, q)  # type: ignore[arg-type]
    real = 1 / (1 + np.exp(-q / 4096)) if table == "sigmoid" else np.tanh(q / 4096)
    assert np.abs(y - 32768 * real).max() <= limit
    assert (np.diff(y) >= 0).all()
    assert y.min() >= -32767
    assert y.max() <= 32767
    assert tables.packed(table).shape == (512,)  # type: ignore[arg-type]


def real_lstm(w: np.ndarray, r: np.ndarray, b: np.ndarray, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple:
    p = (w @ x + r @ h + b).reshape(-1, 4)
    i, f, o = (1 / (1 + np.exp(-p[:, k])) for k in (0, 1, 3))
    c = f * c + i * np.tanh(p[:, 2])
    return o * np.tanh(c), c


@pytest.mark.parametrize("fraction", [8, 11, 15])
def test_lstm_follows_real_mathematics(fraction: int) -> None:
    """Over many steps the integer cell stays near the real one that is fed the same integer inputs and states."""
    rng = np.random.default_rng(fraction)
    inputs, units, scale_w, shift = 24, 40, 2.0**-9, 8
    w, r = (rng.integers(-127, 128, (4 * units, n)).astype(np.int8) for n in (inputs, units))
    b = rng.normal(0, 0.3, 4 * units)
    multiplier = round(2.0**-7 * scale_w * 2.0 ** (36 + shift))
    bias = np.rint(b * 2.0 ** (12 + shift)).astype(np.int32) + 2 ** (shift - 1)
    gates = np.full(4, multiplier, np.int32)
    shifts = np.full(4, shift, np.int32)
    layer = Lstm("l", "x", "h", w, r, bias.astype(np.int32), "c", gates, gates, shifts, fraction, 2**30, 22, 0)
    h, c = np.zeros(units, np.int64), np.zeros(units, np.int64)
    worst = [0.0, 0.0]
    for _ in range(200):
        x = rng.integers(-127, 128, inputs)
        expected_h, expected_c = real_lstm(w * scale_w, r * scale_w, b, x / 128, h / 128, c / 2.0**fraction)
        h, c = layer.apply(x.astype(np.int8), h, c)
        limit = 32767 / 2**fraction
        error_c = np.abs(np.clip(expected_c, -limit, limit) - c / 2.0**fraction).max() * 2**fraction
        error_h = np.abs(np.clip(expected_h * 128, -127, 127) - h)[np.abs(expected_c) < limit].max(initial=0)
        worst = [max(worst[0], float(error_c)), max(worst[1], float(error_h))]
    assert worst[0] <= 1 + 2.0**fraction * 2.0**-12  # rounding, and pre-activations to half of 2^-12
    assert worst[1] <= 0.5 + 128 * (2.0**-12 + 2.0 ** -(fraction + 1))


def skip_network(logit_bias: int) -> Network:
    """4 inputs → gated LSTM of 3 → fully connected of 2 → sigmoid. The increment is sigmoid(bias / 4096)."""
    rng = np.random.default_rng(5)
    unit = 2.0**-15
    one = np.array([2**30], np.int32)
    delta_layer = FullyConnected(
        "gate_delta", "h", "logit", np.zeros((1, 3), np.int8), np.array([logit_bias], np.int32), one,
        np.array([1], np.int32), 0, -32768, 32767,
    )  # fmt: skip
    lstm = Lstm(
        "lstm", "x", "h", integers(rng, (12, 4)), integers(rng, (12, 3)), np.zeros(12, np.int32), "c",
        np.full(4, 2**26, np.int32), np.full(4, 2**26, np.int32), np.full(4, 8, np.int32), 11, 2**30, 22, 0,
    )  # fmt: skip
    dense = FullyConnected(
        "dense", "h", "z", integers(rng, (2, 3)), np.zeros(2, np.int32), np.full(2, 2**30, np.int32),
        np.zeros(2, np.int32), 0, -32768, 32767,
    )  # fmt: skip
    values = (
        Value("x", 4, "int8", 2.0**-7), Value("h", 3, "int8", 2.0**-7), Value("c", 3, "int16", 2.0**-11),
        Value("u", 1, "int16", unit), Value("d", 1, "int16", unit), Value("logit", 1, "int16", 2.0**-12),
        Value("z", 2, "int16", 2.0**-12), Value("mask", 2, "int16", unit),
    )  # fmt: skip
    named = {value.name: value for value in values}
    states = (*(StateValue(named[n]) for n in ("h", "c", "d")), StateValue(named["u"], 32767))
    layers = (SkipGate("gate", "u", "d", ("lstm",), delta_layer), lstm, dense, Lookup16("s", "z", "mask", "sigmoid"))
    return Network("skip", Chain(), named, states, "x", "mask", layers)


@pytest.mark.parametrize(("logit", "period"), [(5 * 4096, 1), (0, 1), (-4096, 2), (-2 * 4096, 5), (-3 * 4096, 11)])
def test_skip_gate_updates_every_so_many_steps(logit: int, period: int) -> None:
    """δ = sigmoid(logit/4096); û starts at δ after an update and gains δ a skipped step until 0.5."""
    delta = 1 / (1 + math.exp(-logit / 4096))
    assert period == max(1, math.ceil(0.5 / delta - 1e-3))
    network = skip_network(logit)
    features = np.random.default_rng(0).integers(-127, 128, (60, 4)).astype(np.int8)
    masks, updated = run(network, features)
    np.testing.assert_array_equal(updated, np.arange(60) % period == 0)
    np.testing.assert_array_equal(np.diff(masks, axis=0)[~updated[1:]], 0)


def test_step_by_step_is_run_and_leaves_its_input_alone() -> None:
    network = skip_network(-4096)
    features = np.random.default_rng(1).integers(-127, 128, (20, 4)).astype(np.int8)
    masks, updated = run(network, features)
    state = initial_state(network)
    for frame in range(20):
        before = {name: value.copy() for name, value in state.values.items()}
        mask, following, update = step(network, features[frame], state)
        np.testing.assert_array_equal(mask, masks[frame])
        assert update == updated[frame]
        assert all((before[name] == state.values[name]).all() for name in before)
        state = following


def test_wrong_features_are_refused() -> None:
    network = skip_network(0)
    with pytest.raises(InputError, match="int8"):
        step(network, np.zeros(5, np.int8), initial_state(network))
    with pytest.raises(InputError, match="float"):
        step(network, np.zeros(4), initial_state(network))  # type: ignore[arg-type]
