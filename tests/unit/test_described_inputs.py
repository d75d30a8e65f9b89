# SPDX-License-Identifier: Apache-2.0
"""Features in several inputs: the chain says what each is, and one spectrum gives them all."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain, analysis_bank
from codesign.compiler.frontend.bands import gains_bank
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import analyse
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference
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


def table(kinds: dict[str, object]) -> str:
    def text(value: object) -> str:
        return (
            "{ " + ", ".join(f"{k} = {text(v)}" for k, v in value.items()) + " }"
            if isinstance(value, dict)
            else json.dumps(value)
        )

    return text(kinds)


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


LOW = 6
DEEP = {
    "erb": {"kind": "log10_erb_power", "running": "mean", "running_smoothing": 0.95, "running_start": -6.0, "deviation": 4.0},
    "spec": {
        "kind": "spectrum",
        "running": "unit",
        "running_smoothing": 0.9,
        "running_start": [0.001 * (k + 1) for k in range(LOW)],
    },
    "level": {"kind": "log_mel_magnitude", "running": "mean_deviation", "running_over": "all", "mean": 0.5, "floor": 1e-6},
}
"""As DeepFilterNet has them, and bands by the mean and deviation of all."""


@pytest.mark.parametrize("shape", [[1, 2, 1, LOW], [1, 1, LOW, 2]])
def test_each_input_has_a_running_normalization_of_its_own(shape, tmp_path):
    planes = shape[1] == 2
    g = Graph()
    sizes = {"erb": 5, "spec": 2 * LOW, "level": 4}
    joined = g("Concat", *(g("Reshape", name, g.ints(1, size)) for name, size in sizes.items()), axis=1)
    g("Sigmoid", g("MatMul", joined, g.weights(sum(sizes.values()), 5)), outputs=["y"])
    path = tmp_path / "float.onnx"
    onnx.save(g.model({"erb": [1, 1, 1, 5], "spec": shape, "level": [1, 4]}, {"y": [1, 5]}), path)
    rows = np.repeat(np.eye(5), [1, 2, 3, 4, 7], axis=1) / np.array([1.0, 2, 3, 4, 7])[:, None]
    np.save(tmp_path / "bands.npy", rows)
    kinds = {**DEEP, "erb": {**DEEP["erb"], "kind": "log10_matrix_power", "bands_matrix": "bands.npy", "offset": 1e-10}}
    lines = [f'{key} = "{value}"' if not str(value).isdigit() else f"{key} = {value}" for key, value in CHAIN.items()]
    lines[-1] = 'gains = "matrix"\ngains_matrix = "gains.npy"'
    np.save(tmp_path / "gains.npy", (rows > 0).T.astype(float))
    tables = [
        f"[chain.inputs.{name}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in one.items()) for name, one in kinds.items()
    ]
    path.with_suffix(".toml").write_text("[chain]\n" + "\n".join(lines) + "\n" + "\n".join(tables) + "\n")
    graph = load_onnx(path)
    pcm = np.rint(np.random.default_rng(1).normal(0, 3000, 16 * 80)).astype(np.int16)
    features = analyse(graph.frontend, pcm).features
    x = features[:, :BINS].astype(np.float64) + 1j * features[:, BINS:]
    bands = np.log10(np.maximum(np.abs(x) ** 2 @ rows.T + 1e-10, 2.0**-40))
    mels = analysis_bank(Chain(n_fft=32, window=32, hop=16, feature="mel_magnitude", n_mels=4)).dense()
    levels = np.log(np.maximum(np.abs(x) @ mels.T, 1e-6))
    second = np.exp(-16 / 16000)
    past, size, mean, square = np.full(5, -6.0), np.array(DEEP["spec"]["running_start"]), 0.0, 1.0
    judge, found = session(onnx.load(path)), float_run(graph, features).values["y"]
    for frame in range(len(x)):
        past = 0.95 * past + 0.05 * bands[frame]
        size = 0.9 * size + 0.1 * np.abs(x[frame, :LOW])
        unit = x[frame, :LOW] / np.sqrt(size)
        mean = second * mean + (1 - second) * levels[frame].mean()
        off = levels[frame] - mean
        square = second * square + (1 - second) * (off**2).mean()
        given = {
            "erb": ((bands[frame] - past) / 4).reshape(1, 1, 1, 5),
            "spec": np.stack([unit.real, unit.imag], axis=0 if planes else 1).reshape(shape),
            "level": (off / np.sqrt(square) - 0.5).reshape(1, 4),
        }
        feed = {name: value.astype(np.float32) for name, value in given.items()}
        np.testing.assert_allclose(found[frame], judge.run(None, feed)[0][0], atol=2e-5)
    write_qdq(quantize_graph(graph, [features], "int16"), tmp_path / "int16.onnx")
    network = lower(load_onnx(tmp_path / "int16.onnx"))
    reference = run_reference(network, pcm)
    assert np.abs(reference.mask * network.values[network.output].scale - found).max() < 0.02
    assert equal(MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm), reference).ok


def test_gains_of_bands_are_of_the_bands_of_an_input(tmp_path):
    g = Graph()
    g("Sigmoid", g("MatMul", g("Concat", "erb", "mag", axis=1), g.weights(6 + BINS, 6)), outputs=["y"])
    path = tmp_path / "float.onnx"
    onnx.save(g.model({"erb": [1, 6], "mag": [1, BINS]}, {"y": [1, 6]}), path)
    chained(path, inputs=table({"erb": "log_erb_power", "mag": "log_magnitude"}))
    path.with_suffix(".toml").write_text(path.with_suffix(".toml").read_text().replace('gains = "bins"', 'gains = "bands"'))
    bands = Chain(n_fft=32, window=32, hop=16, feature="erb_power", n_mels=6)
    np.testing.assert_array_equal(gains_bank(load_onnx(path).frontend).dense(), gains_bank(bands).dense())


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({**KINDS, "mag": "angle"}, "'mag' is 'angle'"),
        ({**KINDS, "mag": {"kind": "magnitude", "smooth": 1}}, "'mag' has smooth, which means nothing there"),
        ({**KINDS, "mag": {"running": "mean"}}, "'mag' is None"),
        ({**KINDS, "mag": {"kind": "magnitude", "running": "unit"}}, "complex bins"),
        ({**KINDS, "mag": {"kind": "magnitude", "offset": 1.0}}, "no logarithm"),
        ({**KINDS, "mag": {"kind": "magnitude", "running": "mean", "running_start": [1, 2]}}, "running_start has 2 values"),
        ({**KINDS, "mag": "spectrum"}, "'mag' has 17 values, a spectrum up to 34"),
        ({**KINDS, "other": "cos"}, "there is no 'other'"),
        ({**KINDS, "erb": "power"}, "has 6 values"),
        ({name: kind for name, kind in KINDS.items() if name != "erb"}, "'erb'"),
    ],
)
def test_what_is_no_feature_is_refused(file, kinds, message):
    with pytest.raises(InputError, match=message):
        load_onnx(chained(file, inputs=table(kinds)))
