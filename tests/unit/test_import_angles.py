# SPDX-License-Identifier: Apache-2.0
"""Phases in radians, as exporters write them: as a value in float32, and gone where they only go back into a spectrum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from codesign.base.errors import InputError
from codesign.compiler.frontend.float_functions import phase_of
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.operators import Angle, FloatBlock
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime
from onnx_graphs import Graph, session

BINS = 17
CHAIN = {"sample_rate": "16000", "n_fft": "32", "window": "32", "hop": "16", "feature": "spectrum"}
GAINS = {"output": "gains", "gains": "bins"}


def number(g: Graph, x: float) -> str:
    return g.constant(np.array(x, np.float32))


def parts(g: Graph) -> tuple[str, str]:
    return tuple(g("Squeeze", g("Slice", "x", g.ints(i), g.ints(i + 1), g.ints(2)), g.ints(2)) for i in range(2))


def phase(g: Graph, im: str, re: str, *, guarded: bool = False) -> str:
    """torch.atan2 as its older exporter writes it, `guarded` as its newer one does."""
    slope = g("Atan", g("Div", im, re))
    turn, zero = number(g, np.pi), number(g, 0.0)
    behind = g("Where", g("Greater", im, zero), g("Add", slope, turn), g("Sub", slope, turn))
    found = g("Where", g("Less", re, zero), behind, slope)
    return g("Where", g("IsNaN", found), zero, found) if guarded else found


def magnitude(g: Graph, re: str, im: str) -> str:
    return g("Sqrt", g("Add", g("Add", g("Mul", re, re), g("Pow", im, number(g, 2.0))), number(g, 1e-12)))


def gains(g: Graph, features: str, size: int) -> str:
    return g("Sigmoid", g("MatMul", features, g.weights(size, BINS)))


def saved(path: Path, g: Graph, size: list[int], **chain: str) -> Path:
    onnx.save(g.model({"x": [1, BINS, 2]}, {"y": size}, **CHAIN, **chain), path)
    return path


def signal() -> np.ndarray:
    return np.rint(np.random.default_rng(3).normal(0, 3000, 16 * 100)).astype(np.int16)


def judged(path: Path, features: np.ndarray) -> np.ndarray:
    judge = session(onnx.load(path))
    return np.stack([judge.run(None, {"x": row.reshape(1, BINS, 2)})[0].ravel() for row in features])


def everywhere(path: Path, tmp_path: Path) -> float:
    """The largest difference of the integers from the file, in its largest number; bits are looked at."""
    graph, pcm = load_onnx(path), signal()
    features = analyse(graph.frontend, pcm).features
    exact, found = judged(path, features), float_run(graph, features).values["y"].reshape(len(features), -1)
    away = ~np.isnan(exact)  # files without a guard have no phase of 0
    assert np.abs(found - exact)[away].max() <= 1e-5 * np.abs(exact[away]).max()
    write_qdq(quantize_graph(graph, [features], "int16"), tmp_path / "int16.onnx")
    again = load_onnx(tmp_path / "int16.onnx")
    network = lower(again)
    reference = run_reference(network, pcm)
    assert against_onnxruntime(tmp_path / "int16.onnx", again, network, reference.signals.features, 20).ok
    assert equal(MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), reference).ok
    off = reference.mask.reshape(exact.shape) * network.values[network.output].scale - exact
    return float(np.abs(off[away]).max() / np.abs(exact[away]).max())


@pytest.mark.parametrize("guarded", [False, True])
def test_a_network_may_read_phases(guarded, tmp_path):
    g = Graph()
    re, im = parts(g)
    both = g("Concat", phase(g, im, re, guarded=guarded), g("Pow", magnitude(g, re, im), number(g, 0.3)), axis=1)
    g("Identity", gains(g, both, 2 * BINS), outputs=["y"])
    path = saved(tmp_path / "float.onnx", g, [1, BINS], **GAINS)
    (block,) = (op for op in load_onnx(path).ops if isinstance(op, FloatBlock))
    assert any(isinstance(op, Angle) for op in block.ops)
    assert everywhere(path, tmp_path) < 0.02


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("guarded", [False, True])
def test_a_phase_that_goes_back_in_is_a_gain(guarded, compressed, tmp_path):
    g = Graph()
    re, im = parts(g)
    angle, size = phase(g, im, re, guarded=guarded), magnitude(g, re, im)
    small = g("Pow", size, number(g, 0.3))
    masked = g("Mul", small if compressed else size, gains(g, small, BINS))
    masked = g("Pow", masked, number(g, 1 / 0.3)) if compressed else masked
    two = [g("Unsqueeze", g("Mul", masked, g(kind, angle)), g.ints(2)) for kind in ("Cos", "Sin")]
    g("Concat", *two, outputs=["y"], axis=2)
    path = saved(tmp_path / "float.onnx", g, [1, BINS, 2], output="spectrum")
    graph = load_onnx(path)
    assert not any(op.label in ("cos", "sin", "angle", "reciprocal") for op in graph.ops)
    assert any("its phase goes back in" in note for note in graph.notes)
    assert everywhere(path, tmp_path) < 0.01


def test_cosine_and_sine_of_a_phase_are_directions(tmp_path):
    g = Graph()
    re, im = parts(g)
    angle = phase(g, im, re, guarded=True)
    g("Identity", gains(g, g("Concat", g("Cos", angle), g("Sin", angle), axis=1), 2 * BINS), outputs=["y"])
    path = saved(tmp_path / "float.onnx", g, [1, BINS], **GAINS)
    assert everywhere(path, tmp_path) < 0.01


def test_a_phase_of_what_a_network_computes_is_refused(tmp_path):
    g = Graph()
    one, other = (gains(g, g("Reshape", "x", g.ints(1, 2 * BINS)), 2 * BINS) for _ in range(2))
    g("Identity", gains(g, phase(g, one, other), BINS), outputs=["y"])
    graph = load_onnx(saved(tmp_path / "float.onnx", g, [1, BINS], **GAINS))
    features = analyse(graph.frontend, signal()).features
    with pytest.raises(InputError, match="takes a phase in radians of values that are integers here"):
        lower(quantize_graph(graph, [features], "int16"))


def test_the_phase_is_right_all_around():
    turn = np.linspace(-np.pi, np.pi, 20001)
    size = 10.0 ** np.random.default_rng(1).uniform(-18, 18, turn.size)
    im, re = (size * np.sin(turn)).astype(np.float32), (size * np.cos(turn)).astype(np.float32)
    exact = np.arctan2(im.astype(np.float64), re.astype(np.float64))
    assert np.abs(phase_of(im, re) - exact).max() < 5e-7
    corners = np.array([[0, 0], [0, 2], [3, 0], [-3, 0], [0, -2]], np.float32)
    np.testing.assert_allclose(phase_of(*corners.T), [0, 0, np.pi / 2, -np.pi / 2, -np.pi], rtol=1e-7)
