# SPDX-License-Identifier: Apache-2.0
"""Features in several inputs: the chain says what each is, and one spectrum gives them all."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain, analysis_bank
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import analyse
from codesign.proof.equality import run_reference
from onnx_graphs import Graph, session

BINS = 17
CHAIN = {"sample_rate": "16000", "n_fft": "32", "window": "32", "hop": "16", "output": "gains", "gains": "bins"}
KINDS = {"mag": "log10_magnitude", "cosine": "cos", "sine": "sin", "small": "compressed_magnitude", "erb": "log_erb_power"}
SIZES = {name: 6 if name == "erb" else BINS for name in KINDS}


@pytest.fixture
def file(tmp_path):
    g = Graph()
    joined = g("Concat", *(g("Reshape", name, g.ints(1, size)) for name, size in SIZES.items()), axis=1)
    g("Sigmoid", g("MatMul", joined, g.weights(sum(SIZES.values()), BINS)), outputs=["y"])
    path = tmp_path / "float.onnx"
    onnx.save(g.model({name: [1, 1, size] for name, size in SIZES.items()}, {"y": [1, BINS]}), path)
    return path


def chained(path, **keys: object):
    lines = [f"{key} = {json.dumps(int(v) if v.isdigit() else v)}" for key, v in CHAIN.items()]
    lines += [f"{key} = {value}" for key, value in keys.items()]
    path.with_suffix(".toml").write_text("[chain]\n" + "\n".join(lines) + "\n")
    return path


def table(kinds: dict[str, str]) -> str:
    return "{ " + ", ".join(f'{name} = "{kind}"' for name, kind in kinds.items()) + " }"


def test_each_input_is_what_the_chain_says(file):
    graph = load_onnx(chained(file, inputs=table(KINDS), floor=1e-9, exponent=0.3))
    pcm = np.rint(np.random.default_rng(1).normal(0, 3000, 16 * 80)).astype(np.int16)
    features = analyse(graph.frontend, pcm).features
    assert graph.frontend.feature == "spectrum"
    re, im = features[:, :BINS].astype(np.float64), features[:, BINS:].astype(np.float64)
    power = re**2 + im**2
    bank = analysis_bank(Chain(n_fft=32, window=32, hop=16, feature="erb_power", n_mels=6)).dense()
    given = {
        "mag": np.log10(np.maximum(np.sqrt(power), 1e-9)),
        "cosine": re / np.sqrt(power + 1e-24),
        "sine": im / np.sqrt(power + 1e-24),
        "small": np.maximum(np.sqrt(power), 1e-9) ** 0.3,
        "erb": np.log(np.maximum(power @ bank.T, 1e-9)),
    }
    found = float_run(graph, features).values["y"]
    judge = session(onnx.load(file))
    for frame in (0, 20, 79):
        feed = {name: values[frame].astype(np.float32).reshape(1, 1, -1) for name, values in given.items()}
        np.testing.assert_allclose(found[frame], judge.run(None, feed)[0][0], atol=2e-5)
    network = lower(quantize_graph(graph, [features], "int16"))
    assert network.values[network.input].dtype == "float32"
    mask = run_reference(network, pcm).mask * network.values[network.output].scale
    assert np.abs(mask - found).max() < 0.02


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({**KINDS, "mag": "phase"}, "'mag' is 'phase'"),
        ({**KINDS, "other": "cos"}, "there is no 'other'"),
        ({**KINDS, "erb": "power"}, "has 6 values"),
        ({name: kind for name, kind in KINDS.items() if name != "erb"}, "'erb'"),
    ],
)
def test_what_is_no_feature_is_refused(file, kinds, message):
    with pytest.raises(InputError, match=message):
        load_onnx(chained(file, inputs=table(kinds)))
