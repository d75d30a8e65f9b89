# SPDX-License-Identifier: Apache-2.0
"""Networks that take logarithms, small powers or reciprocals of a spectrum: what 16 bits cannot hold is computed in float32."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from codesign.base.errors import InputError
from codesign.compiler.export import tflite_of
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.operators import FloatBlock
from codesign.compiler.plan import plan_memory
from codesign.compiler.quantize import compare, quantize_graph, write_qdq
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
    """Real and imaginary parts [1, 17] of the spectrum [1, 17, 2]."""
    return tuple(g("Squeeze", g("Slice", "x", g.ints(i), g.ints(i + 1), g.ints(2)), g.ints(2)) for i in range(2))


def power(g: Graph) -> str:
    return g("Add", *(g("Mul", part, part) for part in parts(g)))


def magnitude(g: Graph, floor: float = 0.0) -> str:
    return g("Sqrt", g("Add", power(g), number(g, floor)) if floor else power(g))


def bands(g: Graph) -> str:
    """Five triangles."""
    at = np.arange(BINS)[:, None] / 4 - np.arange(5)
    return g.constant(np.maximum(0, 1 - np.abs(at)).astype(np.float32))


def log10(g: Graph, x: str) -> str:
    return g("Div", g("Log", x), number(g, np.log(10.0)))


def signed(g: Graph, exponent: float) -> str:
    """The parts times a power of the magnitude."""
    factor = g("Pow", magnitude(g, 1e-12), number(g, exponent))
    return g("Concat", *(g("Mul", part, factor) for part in parts(g)), axis=1)


KINDS = {
    "log10 of a clipped magnitude": lambda g: log10(g, g("Clip", magnitude(g), number(g, 1e-12))),
    "log of the power and a floor": lambda g: g("Log", g("Add", power(g), number(g, 1e-10))),
    "log1p": lambda g: g("Log", g("Add", magnitude(g), number(g, 1.0))),
    "log2 of a norm": lambda g: g(
        "Div", g("Log", g("Add", g("ReduceL2", "x", axes=[2], keepdims=0), number(g, 1e-8))), number(g, 0.6931472)
    ),
    "a power law": lambda g: g("Pow", magnitude(g, 1e-12), number(g, 0.3)),
    "a root of the magnitude": lambda g: g("Sqrt", magnitude(g)),
    "bands before the log": lambda g: g("Log", g("Max", g("MatMul", power(g), bands(g)), number(g, 1e-10))),
    "bands and a floor": lambda g: g(
        "Mul", g("Log", g("Add", g("MatMul", magnitude(g), bands(g)), number(g, 1e-5))), number(g, 8.7)
    ),
    "a compressed spectrum": lambda g: signed(g, -0.7),
    "directions": lambda g: signed(g, -1.0),
    "log beside the spectrum": lambda g: g("Concat", g("Log", magnitude(g, 1e-12)), *parts(g), axis=1),
}


def saved(path: Path, *features: str) -> Path:
    """A linear layer and gains of bins after the features of these kinds."""
    g = Graph()
    made = [KINDS[name](g) for name in features]
    joined = g("Concat", *made, axis=1) if made[1:] else made[0]
    sizes = {"bands before the log": 5, "bands and a floor": 5, "a compressed spectrum": 34, "directions": 34}
    sizes["log beside the spectrum"] = 51
    count = sum(sizes.get(name, BINS) for name in features)
    g("Sigmoid", g("MatMul", joined, g.weights(count, BINS)), outputs=["y"])
    onnx.save(g.model({"x": [1, BINS, 2]}, {"y": [1, BINS]}, **CHAIN, **GAINS), path)
    return path


def speech() -> np.ndarray:
    """Noise whose level goes from full scale to one of the last bits and back."""
    rng = np.random.default_rng(4)
    level = 10.0 ** (-4.5 + 4.4 * np.sin(np.arange(16 * 300) / 400.0) ** 2)
    return np.rint(32767 * np.clip(rng.normal(0, 0.3, level.size) * level, -1, 1)).astype(np.int16)


@pytest.mark.parametrize("kind", KINDS)
def test_integers_keep_what_a_network_makes_of_faint_bins(kind, tmp_path):
    graph = load_onnx(saved(tmp_path / "float.onnx", kind))
    features = analyse(graph.frontend, speech()).features
    block, *others = graph.ops
    assert isinstance(block, FloatBlock)
    assert any("computed in float32" in note for note in graph.notes)
    assert not any(op.compresses for op in others)
    exact = session(onnx.load(tmp_path / "float.onnx")).run(None, {"x": features[200].reshape(1, BINS, 2)})[0]
    np.testing.assert_allclose(float_run(graph, features).values["y"][200], exact[0], atol=1e-5)
    quantized = quantize_graph(graph, [features], "int16")
    network = lower(quantized)
    assert network.values[network.input].dtype == "float32"
    report = {layer.name: layer for layer in compare(graph, quantized, network, [features])}
    assert report[block.name].network_db > 60
    assert report[block.name].alone_db - report[block.name].network_db < 1


def test_what_is_written_is_read_back_and_every_machine_gives_its_bits(tmp_path):
    graph = load_onnx(saved(tmp_path / "float.onnx", *KINDS))
    pcm = speech()
    features = analyse(graph.frontend, pcm).features
    file = tmp_path / "int16.onnx"
    write_qdq(quantize_graph(graph, [features], "int16"), file)
    again = load_onnx(file)
    assert json.loads(json.dumps({p.key: p.value for p in onnx.load(file).metadata_props}))["float32"] == "entry"
    with pytest.raises(InputError, match="no form in TFLite"):
        tflite_of(again)
    network = lower(again)
    with pytest.raises(InputError, match="Q31"):
        plan_memory(network, "plain", "q31")
    reference = run_reference(network, pcm)
    assert reference.signals.features.dtype == np.float32
    assert np.ptp(reference.mask.astype(int), axis=0).min() > 1000
    assert against_onnxruntime(file, again, network, reference.signals.features, 20).ok
    assert equal(MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), reference).ok


def test_features_that_integers_also_read_are_rounded_for_them(tmp_path):
    g = Graph()
    log = g("Log", g("Add", g("Abs", "x"), number(g, 1e-9)))
    both = g("Add", g("MatMul", "x", g.weights(BINS, BINS)), g("MatMul", log, g.weights(BINS, BINS)))
    g("Sigmoid", both, outputs=["y"])
    chain = {**CHAIN, "feature": "magnitude", "compression": "none"}
    onnx.save(g.model({"x": [1, BINS]}, {"y": [1, BINS]}, **chain, **GAINS), tmp_path / "float.onnx")
    graph = load_onnx(tmp_path / "float.onnx")
    pcm = speech()
    write_qdq(quantize_graph(graph, [analyse(graph.frontend, pcm).features], "int16"), tmp_path / "int16.onnx")
    network = lower(load_onnx(tmp_path / "int16.onnx"))
    assert network.values[network.input].dtype == "float32"
    assert sorted(value.dtype for value in network.values.values()).count("float32") == 1
    assert np.ptp(run_reference(network, pcm).mask) > 1000


def test_a_magnitude_alone_stays_in_integers(tmp_path):
    g = Graph()
    g("Sigmoid", g("MatMul", magnitude(g, 1e-12), g.weights(BINS, BINS)), outputs=["y"])
    onnx.save(g.model({"x": [1, BINS, 2]}, {"y": [1, BINS]}, **CHAIN, **GAINS), tmp_path / "float.onnx")
    assert not load_onnx(tmp_path / "float.onnx").has_float_input


def test_features_of_a_small_range_stay_in_integers(tmp_path):
    g = Graph()
    g("Sigmoid", g("MatMul", g("Sqrt", "x"), g.weights(BINS, BINS)), outputs=["y"])
    chain = {**CHAIN, "feature": "magnitude", "compression": "power"}
    onnx.save(g.model({"x": [1, BINS]}, {"y": [1, BINS]}, **chain, **GAINS), tmp_path / "float.onnx")
    assert not load_onnx(tmp_path / "float.onnx").has_float_input
