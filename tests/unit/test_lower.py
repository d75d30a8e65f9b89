# SPDX-License-Identifier: Apache-2.0
"""Lowering: which layers come out, that they compute what the real operators do, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.layers import FullyConnected, Lookup8, Lookup16, Lstm, Requantize
from codesign.compiler.layers import SkipGate as SkipGateLayer
from codesign.compiler.lower import lower
from codesign.compiler.lower.constants import quantized_multiplier
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph, Matrix, Quant, State
from codesign.compiler.operators import Activation, Linear, LstmCell, Operator, SkipGate
from codesign.compiler.reference import run

N, UNITS, OUT = 12, 10, 6
X = Quant(2.0**-6, -5, 8)
MASK = Quant(2.0**-15, 0, 16)


def matrix(rng: np.random.Generator, rows: int, columns: int, scales: np.ndarray | float = 2.0**-8) -> Matrix:
    quantized = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
    scale = np.broadcast_to(np.asarray(scales, np.float64), (rows,)).copy()
    return Matrix((quantized * scale[:, None]).astype(np.float32), quantized, scale)


def linear(source: str = "x", output: str = "z", rows: int = OUT, columns: int = N, name: str = "dense") -> Linear:
    rng = np.random.default_rng(rows + columns)
    return Linear(name, source, output, matrix(rng, rows, columns, rng.uniform(0.001, 0.01, rows)), rng.normal(0, 1, rows))


def cell(source: str = "x", inputs: int = N, name: str = "lstm", suffix: str = "") -> LstmCell:
    rng = np.random.default_rng(inputs)
    gates = np.repeat([0.002, 0.003, 0.001, 0.004], UNITS)
    return LstmCell(
        name,
        source,
        f"h{suffix}",
        f"c{suffix}",
        f"h{suffix}_new",
        f"c{suffix}_new",
        matrix(rng, 4 * UNITS, inputs, gates),
        matrix(rng, 4 * UNITS, UNITS, gates * 1.1),
        rng.normal(0, 0.5, 4 * UNITS),
    )


def states(*suffixes: str) -> tuple[State, ...]:
    return tuple(State(f"{n}{s}", f"{n}{s}_new", UNITS) for s in suffixes for n in ("h", "c"))


def graph(*ops: Operator, output: str = "mask", state: tuple[State, ...] = (), columns: int = N, **quants: Quant) -> Graph:
    return Graph("g", Chain(), "x", output, state, ops, {"x": (columns,)}, {"x": X, **quants})


def gated(**changes: object) -> Graph:
    gate = SkipGate("gate", "u", ("lstm", "lstm2"), "h2_new", matrix(np.random.default_rng(0), 1, UNITS), np.zeros(1))
    ops = (replace(gate, **changes), cell(), cell("h_new", UNITS, "lstm2", "2"), linear("h2_new", "z", OUT, UNITS),
           Activation("s", "sigmoid", "z", "mask"))  # fmt: skip
    return graph(*ops, state=(*states("", "2"), State("u", "u_new", 1, 1.0)), mask=MASK)


def kinds(network: Network) -> list[type]:
    return [type(layer) for layer in network.layers]


def features(frames: int = 30) -> np.ndarray:
    return np.random.default_rng(9).integers(-127, 128, (frames, N)).astype(np.int8)


def real(x: np.ndarray, quant: Quant = X) -> np.ndarray:
    return quant.scale * (x.astype(np.float64) - quant.zero_point)


def dense(op: Linear, x: np.ndarray) -> np.ndarray:
    assert op.weight.quantized is not None
    assert op.weight.scale is not None
    return x @ (op.weight.quantized * op.weight.scale[:, None]).T + op.bias


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("kind", "low", "high"), [("relu", 0.0, np.inf), ("clip", -1.0, 2.5)])
def test_linear_and_clamp_become_one_layer(kind: str, low: float, high: float) -> None:
    op, y = linear(), Quant(0.04, -20, 8)
    network = lower(graph(op, Activation("a", kind, "z", "mask", low, high), mask=y))
    assert kinds(network) == [FullyConnected]
    got = real(run(network, features())[0], y)
    inside = np.clip(dense(op, real(features())), low, high)
    assert np.abs(got - np.clip(inside, y.scale * (-127 + 20), y.scale * (127 + 20))).max() <= 0.51 * y.scale


@pytest.mark.parametrize("kind", ["sigmoid", "tanh"])
def test_linear_and_table_stay_int16(kind: str) -> None:
    op = linear()
    network = lower(graph(op, Activation("s", kind, "z", "mask")))
    assert kinds(network) == [FullyConnected, Lookup16]
    assert network.values["z"].scale == 2.0**-12
    expected = (sigmoid if kind == "sigmoid" else np.tanh)(dense(op, real(features())))
    assert np.abs(run(network, features())[0] / 32768 - expected).max() < 3e-4


def test_int8_table_output_is_requantized() -> None:
    op, y = linear(), Quant(1 / 255, -100, 8)
    network = lower(graph(op, Activation("s", "sigmoid", "z", "mask"), mask=y))
    assert kinds(network) == [FullyConnected, Lookup16, Requantize]
    expected = np.clip(sigmoid(dense(op, real(features()))), y.scale * (-127 + 100), y.scale * (127 + 100))
    assert np.abs(real(run(network, features())[0], y) - expected).max() < 0.55 * y.scale


def test_int8_before_the_table_makes_a_small_table() -> None:
    op, z, y = linear(), Quant(0.05, 3, 8), Quant(1 / 127, 0, 8)
    network = lower(graph(op, Activation("s", "sigmoid", "z", "mask"), z=z, mask=y))
    assert kinds(network) == [FullyConnected, Lookup8]
    table = network.layers[1].table  # type: ignore[union-attr]
    expected = np.clip(np.rint(sigmoid(0.05 * (np.arange(-128, 128) - 3)) * 127), -127, 127)
    np.testing.assert_array_equal(table, expected)


def test_a_chain_of_layers_reads_names_that_exist() -> None:
    first, second = linear("x", "z1", 8, N, "one"), linear("a1", "mask", OUT, 8, "two")
    a1 = Quant(0.05, -127, 8)
    network = lower(graph(first, Activation("r", "relu", "z1", "a1"), second, a1=a1, mask=Quant(0.02, 0, 8)))
    inner = np.clip(np.rint(np.maximum(dense(first, real(features())), 0) / 0.05) - 127, -127, 127)
    expected = np.clip(dense(second, real(inner, a1)), -127 * 0.02, 127 * 0.02)
    assert np.abs(run(network, features())[0] * 0.02 - expected).max() < 0.02 * 0.51 + 0.001
    assert set(network.values) == {"x", "a1", "mask"}


@pytest.mark.parametrize("hidden", [None, Quant(1 / 100, 7, 8)])
@pytest.mark.parametrize("fraction", [None, 8, 12, 15])
def test_lstm_follows_the_real_cell(hidden: Quant | None, fraction: int | None) -> None:
    op, head = cell(), linear("h_new", "z", OUT, UNITS)
    quants = {} if hidden is None else {"h": hidden, "h_new": hidden}
    quants |= {} if fraction is None else {"c_new": Quant(2.0**-fraction, 0, 16)}
    ops = (op, head, Activation("s", "sigmoid", "z", "mask"))
    network = lower(graph(*ops, state=states(""), **quants))
    layer = network.layers[0]
    assert isinstance(layer, Lstm)
    assert layer.cell_fraction == (fraction or 11)
    h_quant = hidden or Quant(2.0**-7, 0, 8)
    assert [s.initial for s in network.states] == [h_quant.zero_point, 0]
    w = (op.input_weight.quantized * op.input_weight.scale[:, None]).astype(np.float64)  # type: ignore[operator, index]
    r = (op.recurrent_weight.quantized * op.recurrent_weight.scale[:, None]).astype(np.float64)  # type: ignore[operator, index]
    h, c = np.full(UNITS, h_quant.zero_point), np.zeros(UNITS, np.int64)
    n = layer.cell_fraction
    limit = 32767 / 2.0**n
    for x in features(60):
        i, f, g, o = np.split(w @ real(x) + r @ real(h, h_quant) + op.bias, 4)
        expected_c = sigmoid(f) * c / 2.0**n + sigmoid(i) * np.tanh(g)
        expected_h = sigmoid(o) * np.tanh(np.clip(expected_c, -limit, limit))
        h, c = layer.apply(x, h, c)
        assert np.abs(np.clip(expected_c, -limit, limit) - c / 2.0**n).max() < 2.0**-n + 2.0**-10
        reachable = [h_quant.scale * (e - h_quant.zero_point) for e in (-127, 127)]
        assert np.abs(np.clip(expected_h, *reachable) - real(h, h_quant)).max() < 0.5 * h_quant.scale + 2.0**-8 + 2.0**-n


@pytest.mark.parametrize("gate", range(4))
@pytest.mark.parametrize("bias", [7.9, 8.1, -60.0, 3000.0, -2e5])
@pytest.mark.parametrize("scale", [2.0**-9, 1e-6, 1e-12])
def test_a_gate_of_small_weights_holds_a_large_bias(gate: int, bias: float, scale: float) -> None:
    """Its sum has fewer fraction bits then, so that 32 bits hold it."""
    op, head = cell(), linear("h_new", "z", OUT, UNITS)
    rows, scales, biases = slice(gate * UNITS, (gate + 1) * UNITS), op.input_weight.scale.copy(), op.bias.copy()  # type: ignore[union-attr]
    scales[rows], biases[rows.start] = scale, bias
    op = replace(with_weights(op, scale=scales), bias=biases)
    layer = lower(graph(op, head, Activation("s", "sigmoid", "z", "mask"), state=states(""))).layers[0]
    assert isinstance(layer, Lstm)
    w = (op.input_weight.quantized * op.input_weight.scale[:, None]).astype(np.float64)  # type: ignore[operator, index]
    r = (op.recurrent_weight.quantized * op.recurrent_weight.scale[:, None]).astype(np.float64)  # type: ignore[operator, index]
    h, c = np.zeros(UNITS, np.int64), np.zeros(UNITS, np.int64)
    for x in features(40):
        i, f, g, o = np.split(np.clip(w @ real(x) + r @ (h / 128) + op.bias, -8, 8), 4)  # Q3.12
        expected_c = np.clip(sigmoid(f) * c / 2048 + sigmoid(i) * np.tanh(g), -16, 16)
        expected_h = sigmoid(o) * np.tanh(expected_c)
        h, c = layer.apply(x, h, c)
        assert np.abs(expected_c - c / 2048).max() < 2.0**-9
        assert np.abs(np.clip(expected_h, -127 / 128, 127 / 128) - h / 128).max() < 2.0**-7


def test_skip_gate_stands_before_its_layers_and_adds_its_states() -> None:
    network = lower(gated())
    assert kinds(network) == [SkipGateLayer, Lstm, Lstm, FullyConnected, Lookup16]
    gate = network.layers[0]
    assert isinstance(gate, SkipGateLayer)
    assert (gate.layers, gate.delta_layer.source) == (("lstm", "lstm2"), "h2")
    assert {s.value.name: s.initial for s in network.states if s.value.size == 1} == {"u": 32767, gate.delta: 0}
    assert set(network.values) >= {gate.state, gate.delta, gate.delta_layer.output}
    masks, updated = run(network, features())
    assert updated[0]
    assert masks.shape == (30, OUT)


def test_a_row_of_zeros_may_have_any_scale() -> None:
    op = linear(output="mask")
    assert op.weight.quantized is not None
    assert op.weight.scale is not None
    op.weight.quantized[2], op.weight.scale[2], op.bias[2] = 0, 1e-30, 0.75
    masks, _ = run(lower(graph(op, mask=Quant(0.01, 0, 8))), features())
    assert (masks[:, 2] == 75).all()


@given(x=st.floats(1e-9, 1e9))
@settings(max_examples=300, deadline=None)
def test_quantized_multiplier(x: float) -> None:
    m, s = quantized_multiplier(x)
    assert 2**30 <= m < 2**31
    assert abs(m * 2.0 ** (s - 31) / x - 1) <= 2.0**-31


def test_quantized_multiplier_corners() -> None:
    assert quantized_multiplier(0.0) == (0, 0)
    assert quantized_multiplier(2.0**-40) == (0, 0)
    assert quantized_multiplier(1 - 2.0**-40) == (2**30, 1)
    with pytest.raises(ValueError, match="finite"):
        quantized_multiplier(float("nan"))


def with_weights(op: LstmCell, quantized: np.ndarray | None = None, scale: np.ndarray | None = None) -> LstmCell:
    old = op.input_weight
    return replace(op, input_weight=Matrix(old.values, old.quantized if quantized is None else quantized,
                                           old.scale if scale is None else scale))  # fmt: skip


def bad_graphs() -> dict[str, tuple[Callable[[], Graph], str]]:
    op, lstm = linear(output="mask"), cell()
    mask = {"mask": Quant(0.1, 0, 8)}
    assert op.weight.quantized is not None
    assert op.weight.scale is not None
    assert lstm.input_weight.quantized is not None
    assert lstm.input_weight.scale is not None
    minus_128 = op.weight.quantized.copy()
    minus_128[1, 1] = -128
    uneven = lstm.input_weight.scale.copy()
    uneven[3] *= 2
    wide = Matrix(np.ones((1, 600), np.float32), np.full((1, 600), 127, np.int8), np.ones(1))
    out = linear("h_new", "mask", OUT, UNITS)
    head: tuple[Operator, ...] = (linear("h_new", "z", OUT, UNITS), Activation("s", "sigmoid", "z", "mask"))
    return {
        "float weights": (lambda: graph(replace(op, weight=Matrix(op.weight.values)), **mask), "codesign quantize"),
        "input not quantized": (lambda: replace(graph(op), quants={}), "codesign quantize"),
        "middle not quantized": (lambda: graph(linear("x", "z", N, N), linear("z", "mask", name="b"), **mask), "'z' is not"),
        "minus 128": (lambda: graph(replace(op, weight=replace(op.weight, quantized=minus_128))), "−128"),
        "zero scale": (lambda: graph(replace(op, weight=replace(op.weight, scale=np.zeros(OUT)))), "a scale that"),
        "too wide": (
            lambda: graph(Linear("w", "x", "mask", wide, np.zeros(1)), columns=600, **mask), "512 columns"),
        "bias too large": (lambda: graph(replace(op, bias=op.bias + 1e9), **mask), "row 0 could overflow"),
        "zero point": (lambda: graph(op, mask=Quant(0.1, -129, 8)), "zero point -129"),
        "odd int16": (lambda: graph(op, mask=Quant(0.1, 5, 16)), "zero point 0"),
        "uneven gate": (lambda: graph(with_weights(lstm, scale=uneven), *head, state=states("")), "inside the input gate"),
        "huge gate scale": (
            lambda: graph(with_weights(lstm, scale=lstm.input_weight.scale * 1e6), *head, state=states("")), "input gate"),
        "cell scale": (lambda: graph(lstm, *head, state=states(""), c=Quant(0.001, 0, 16)), "cell state 'c'"),
        "hidden int16": (lambda: graph(lstm, *head, state=states(""), h=Quant(2.0**-15, 3, 16)), "zero point not 0"),
        "two quants": (
            lambda: graph(lstm, *head, state=states(""), h=Quant(0.01, 0, 8), h_new=Quant(0.02, 0, 8)), "differently"),
        "no state": (lambda: graph(lstm, out, **mask), "not computed"),
        "gate bias": (lambda: graph(replace(lstm, bias=lstm.bias + 1e6), *head, state=states("")), "could overflow"),
        "strange state": (lambda: graph(op, state=states("9"), **mask), "not computed"),
        "output missing": (lambda: graph(linear(), z=Quant(0.1, 0, 8)), "not computed"),
        "order": (lambda: graph(linear("later", "mask"), **mask), "not computed"),
        "gate source": (lambda: gated(source="x", weight=matrix(np.random.default_rng(0), 1, N)), "not the hidden state"),
        "gate layers": (lambda: gated(layers=("lstm", "dense")), "not all of which"),
        "gate size": (lambda: gated(bias=np.zeros(2)), "not 1"),
        "gate closed": (lambda: replace(gated(), states=(*states("", "2"), State("u", "u_new", 1, 0.0))), "never open"),
    }  # fmt: skip


@pytest.mark.parametrize("case", sorted(bad_graphs()))
def test_refused_with_the_reason(case: str) -> None:
    bad, reason = bad_graphs()[case]
    with pytest.raises(InputError) as caught:
        lower(bad())
    assert reason in str(caught.value)


def test_an_old_state_that_a_gate_lets_stay_is_read_from_a_copy() -> None:
    head = linear("h", "z", OUT, UNITS)
    network = lower(replace(gated(), ops=(*gated().ops[:3], head, gated().ops[-1])))
    copy = network.schedule[0]
    (reader,) = (layer for layer in network.layers if layer.name == head.name)
    assert (copy.reads, reader.reads) == (("h",), copy.writes)
