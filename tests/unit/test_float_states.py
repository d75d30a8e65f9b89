# SPDX-License-Identifier: Apache-2.0
"""States that count, sum or average what went before are float32, between values of 16 bits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Graph as Model
from codesign.compiler.operators import FloatBlock
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime
from onnx_graphs import Graph, session

BINS, UNITS = 17, 12
CHAIN = {"sample_rate": "16000", "n_fft": "32", "window": "32", "hop": "16", "output": "gains", "gains": "bins"}
NEAR_ONE = {"feature": "magnitude", "compression": "power", "exponent": "0.3"}
WIDE = {"feature": "magnitude", "compression": "none"}


def number(g: Graph, x: float) -> str:
    return g.constant(np.array(x, np.float32))


def mean_of_frames(g: Graph, x: str) -> str:
    """x over its mean so far, all places and frames together: the states mu and t."""
    here = g("ReduceMean", x, axes=[1], keepdims=1)
    count = g("Add", "t", number(g, 1.0), outputs=["t_out"])
    mean = g("Div", g("Add", g("Mul", "mu", "t"), here), count, outputs=["mu_out"])
    return g("Div", x, g("Add", mean, number(g, 1e-6)))


def slow_mean(g: Graph, x: str) -> str:
    """x less a mean that follows slowly, over a deviation that does, too: the states mu and v."""
    moved = g("Mul", g("Sub", x, "mu"), number(g, 0.002))
    mean = g("Add", "mu", moved, outputs=["mu_out"])
    off = g("Sub", x, mean)
    square = g("Mul", g("Mul", off, off), number(g, 0.002))
    spread = g("Add", g("Mul", "v", number(g, 0.998)), square, outputs=["v_out"])
    return g("Div", off, g("Sqrt", g("Add", spread, number(g, 1e-8))))


def cumulative_norm(g: Graph, x: str, number_of: int) -> str:
    """Over all frames so far, as Conv-TasNet's: states a and q, and the count that all of them share."""
    total = g("Add", f"a{number_of}", g("ReduceSum", x, g.ints(1), keepdims=1), outputs=[f"a{number_of}_out"])
    square = g("ReduceSum", g("Mul", x, x), g.ints(1), keepdims=1)
    squares = g("Add", f"q{number_of}", square, outputs=[f"q{number_of}_out"])
    many = g("Mul", "t_out", number(g, UNITS))
    mean = g("Div", total, many)
    spread = g("Sub", g("Div", squares, many), g("Mul", mean, mean))
    return g("Div", g("Sub", x, mean), g("Sqrt", g("Add", spread, number(g, 1e-6))))


def saved(path: Path, features: dict[str, str], states: dict[str, tuple[int, float]], build) -> Path:
    g = Graph()
    g("Sigmoid", build(g), outputs=["y"])
    ports = {name: [1, size] for name, (size, _) in states.items()}
    listed = json.dumps([[name, f"{name}_out", start] for name, (_, start) in states.items()])
    outputs = {"y": [1, BINS], **{f"{name}_out": shape for name, shape in ports.items()}}
    onnx.save(g.model({"x": [1, BINS], **ports}, outputs, **CHAIN, **features, states=listed), path)
    return path


def two_norms(g: Graph) -> str:
    g("Add", "t", number(g, 1.0), outputs=["t_out"])
    first = cumulative_norm(g, g("Relu", g("MatMul", "x", g.weights(BINS, UNITS))), 1)
    second = cumulative_norm(g, g("Tanh", g("MatMul", first, g.weights(UNITS, UNITS))), 2)
    return g("MatMul", second, g.weights(UNITS, BINS))


ONE, ALL = (1, 0.0), (BINS, 0.25)
CASES = {
    "a cumulative mean of a spectrum": (
        WIDE, {"mu": ONE, "t": ONE}, lambda g: g("MatMul", mean_of_frames(g, "x"), g.weights(BINS, BINS))
    ),
    "a cumulative mean of features near 1": (
        NEAR_ONE, {"mu": ONE, "t": ONE}, lambda g: g("MatMul", mean_of_frames(g, "x"), g.weights(BINS, BINS))
    ),
    "a slow mean and deviation": (
        NEAR_ONE, {"mu": ALL, "v": (BINS, 1.0)}, lambda g: g("MatMul", slow_mean(g, "x"), g.weights(BINS, BINS))
    ),
    "two cumulative normalizations": (
        NEAR_ONE, {"t": ONE, **{f"{kind}{i}": ONE for i in (1, 2) for kind in "aq"}}, two_norms
    ),
    "a mean that the network reads": (
        NEAR_ONE,
        {"mu": ALL, "v": (BINS, 1.0)},
        lambda g: g("MatMul", g("Concat", slow_mean(g, "x"), "mu", "mu_out", axis=1), g.weights(3 * BINS, BINS)),
    ),
}  # fmt: skip


def speech(frames: int = 300) -> np.ndarray:
    rng = np.random.default_rng(4)
    level = 0.02 + 0.3 * np.sin(np.arange(16 * frames) / 700.0) ** 2
    return np.rint(32767 * np.clip(rng.normal(0, 0.3, level.size) * level, -1, 1)).astype(np.int16)


def by_onnxruntime(path: Path, graph: Model, features: np.ndarray) -> np.ndarray:
    judge = session(onnx.load(path))
    now = {state.input: state.start.astype(np.float32)[None] for state in graph.states}
    results = []
    for row in features:
        found = dict(zip([o.name for o in judge.get_outputs()], judge.run(None, {"x": row[None], **now}), strict=True))
        now = {state.input: found[state.output] for state in graph.states}
        results.append(found["y"][0])
    return np.array(results)


def read_back(graph: Model, features: np.ndarray, path: Path) -> tuple[Model, Network]:
    write_qdq(quantize_graph(graph, [features], "int16"), path)
    again = load_onnx(path)
    return again, lower(again)


@pytest.mark.parametrize("kind", CASES)
def test_what_counts_and_averages_is_computed_in_float32(kind, tmp_path):
    path = saved(tmp_path / "float.onnx", *CASES[kind])
    graph, pcm = load_onnx(path), speech()
    features = analyse(graph.frontend, pcm).features.astype(np.float32)
    exact = by_onnxruntime(path, graph, features)
    np.testing.assert_allclose(float_run(graph, features).values["y"], exact, atol=1e-5)
    again, network = read_back(graph, features, tmp_path / "int16.onnx")
    real = {state.value.name for state in network.states if state.value.dtype == "float32"}
    assert real == set(CASES[kind][1])
    reference = run_reference(network, pcm)
    noise = reference.mask * network.values[network.output].scale - exact
    assert np.abs(noise).max() < 0.02
    assert against_onnxruntime(tmp_path / "int16.onnx", again, network, reference.signals.features, 20).ok
    assert equal(MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), reference).ok


def test_a_count_that_several_layers_read_is_handed_on_as_it_is(tmp_path):
    graph = load_onnx(saved(tmp_path / "float.onnx", *CASES["two cumulative normalizations"]))
    blocks = [op for op in graph.ops if isinstance(op, FloatBlock)]
    assert len(blocks) == 3
    assert sum(set(op.carried) == {"t"} and bool(op.plain) for op in blocks) == 1


def test_a_slow_mean_stays_right_for_thousands_of_frames(tmp_path):
    path = saved(tmp_path / "float.onnx", *CASES["a slow mean and deviation"])
    graph, pcm = load_onnx(path), speech(3000)
    features = analyse(graph.frontend, pcm).features.astype(np.float32)
    _, network = read_back(graph, features, tmp_path / "int16.onnx")
    found = run_reference(network, pcm).mask[-500:] * network.values[network.output].scale
    assert np.abs(found - by_onnxruntime(path, graph, features)[-500:]).max() < 0.02


def test_states_that_a_signal_scales_stay_integers(tmp_path):
    def gated(g: Graph) -> str:
        keep = g("Sigmoid", g("MatMul", "x", g.weights(BINS, BINS)))
        return g("MatMul", g("Add", g("Mul", "m", keep), "x", outputs=["m_out"]), g.weights(BINS, BINS))

    graph = load_onnx(saved(tmp_path / "float.onnx", NEAR_ONE, {"m": (BINS, 0.0)}, gated))
    assert not any(isinstance(op, FloatBlock) for op in graph.ops)


def test_states_that_change_places_stay_integers(tmp_path):
    def swapped(g: Graph) -> str:
        g("Identity", "b", outputs=["a_out"])
        g("Add", g("Mul", "a", number(g, 0.5)), "x", outputs=["b_out"])
        return g("MatMul", "b_out", g.weights(BINS, BINS))

    path = saved(tmp_path / "float.onnx", NEAR_ONE, {"a": (BINS, 0.0), "b": (BINS, 0.0)}, swapped)
    graph = load_onnx(path)
    features = analyse(graph.frontend, speech()).features.astype(np.float32)
    assert not any(isinstance(op, FloatBlock) for op in graph.ops)
    np.testing.assert_allclose(float_run(graph, features).values["y"], by_onnxruntime(path, graph, features), atol=1e-5)
