# SPDX-License-Identifier: Apache-2.0
"""Networks that other people made, from ../shared/networks: float as onnxruntime, integers on the host as the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference
from whole_way import relative

pytestmark = pytest.mark.slow  # the file as a whole

SHARED = Path(__file__).parents[3] / "shared" / "networks"
PRESETS = {"nsnet2.onnx": "nsnet2", "dtln_1.onnx": "dtln-1", "dtln_2.onnx": "dtln-2"}
FRAMES = 12


@pytest.fixture(params=sorted(PRESETS))
def network(request, tmp_path):
    path = SHARED / request.param
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    chain = tmp_path / "chain.toml"
    chain.write_text(f'[chain]\npreset = "{PRESETS[request.param]}"\n')
    graph = load_onnx(path, chain)
    pcm = np.random.default_rng(0).normal(0, 2000, graph.frontend.hop * FRAMES).astype(np.int16)
    return path, graph, pcm, analyse(graph.frontend, pcm).features


def outputs(path, features):
    """Of the file as it is: all frames at once where it takes them, else one after the other with its states."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    first, *states = session.get_inputs()
    if not states:
        return session.run(None, {first.name: features[None]})[0][0]
    feed = {state.name: np.zeros([d if isinstance(d, int) else 1 for d in state.shape], np.float32) for state in states}
    rows = []
    for row in features:
        found = session.run(None, {first.name: row.reshape(1, 1, -1), **feed})
        rows.append(found[0].ravel())
        feed = dict(zip(feed, found[1:], strict=True))
    return np.array(rows)


def test_float_is_onnxruntime(network):
    path, graph, _, features = network
    ours = float_run(graph, features).values[graph.output].reshape(len(features), -1)
    theirs = outputs(path, features)
    for row, wanted in zip(ours, theirs, strict=True):
        assert relative(row, wanted) <= 2e-6  # 1e-6 of float32 sums on their side, float64 on ours


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_integers_on_the_host_are_the_reference(network, activations, tmp_path):
    _, graph, pcm, features = network
    write_qdq(quantize_graph(graph, [features], activations), tmp_path / "quantized.onnx")
    integers = lower(load_onnx(tmp_path / "quantized.onnx"))
    reference = run_reference(integers, pcm)
    assert equal(MACHINES["host"].run(build_host(integers, tmp_path / "host"), pcm), reference).ok
    value = integers.values[integers.output]
    real = (reference.mask.reshape(len(features), -1).astype(np.float64) - value.zero_point) * value.scale
    exact = float_run(graph, features).values[graph.output].reshape(len(features), -1)
    noise = 10 * np.log10(np.square(exact).sum() / np.square(real - exact).sum())
    print(f"{activations}: {noise:.1f} dB")
    assert noise > 25.0


def test_gtcrn_with_convolutions_and_caches(tmp_path):
    """Spectrum in, spectrum out: float as onnxruntime; int16 with caches in place, on the host as the reference."""
    path = SHARED / "gtcrn.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    chain = tmp_path / "chain.toml"
    chain.write_text('[chain]\npreset = "gtcrn"\n')
    graph = load_onnx(path, chain)
    pcm = np.random.default_rng(0).normal(0, 2000, graph.frontend.hop * FRAMES).astype(np.int16)
    features = analyse(graph.frontend, pcm).features
    ours = float_run(graph, features).values[graph.output].reshape(len(features), -1)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    first, *states = session.get_inputs()
    feed = {state.name: np.zeros(state.shape, np.float32) for state in states}
    for row, mine in zip(features, ours, strict=True):
        found = session.run(None, {first.name: row.reshape(first.shape), **feed})
        feed = dict(zip(feed, found[1:], strict=True))
        assert relative(mine, found[0].ravel()) <= 1e-5
    write_qdq(quantize_graph(graph, [features], "int16"), tmp_path / "quantized.onnx")
    network = lower(load_onnx(tmp_path / "quantized.onnx", chain))
    assert sum(layer.kind == "history" for layer in network.layers) == 6
    host = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    assert equal(host, run_reference(network, pcm)).ok
