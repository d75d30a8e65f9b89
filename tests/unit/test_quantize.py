# SPDX-License-Identifier: Apache-2.0
"""Calibration and the QDQ file: what comes back is what went in, near the float network, and the same for onnxruntime."""

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.operators import Linear, LstmCell
from codesign.compiler.operators.rounding import rounded
from codesign.compiler.operators.scales import cell_quant, int8_matrix, value_quant, weight_scale
from codesign.compiler.quantize import quantize_file, quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.network import run
from codesign.proof.oracle import against_onnxruntime
from models import FORMS, float_network


@pytest.fixture
def features():
    return np.random.default_rng(2).uniform(0, 3, (200, 12)).astype(np.float32)


def graph_of(tmp_path, **options):
    path = tmp_path / "float.onnx"
    onnx.save(float_network(**options).model(), path)
    return load_onnx(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("skip", [False, True], ids=["", "skip gate"])
def test_round_trip_through_the_file(form, skip, features, tmp_path):
    graph = quantize_graph(graph_of(tmp_path, form=form, skip=skip, gain=1.5), [features])
    write_qdq(graph, tmp_path / "int8.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "int8.onnx"), full_check=True)
    again = load_onnx(tmp_path / "int8.onnx")
    assert [type(op) for op in again.ops] == [type(op) for op in graph.ops]
    assert [op.name for op in again.ops] == [op.name for op in graph.ops]
    assert again.frontend == graph.frontend
    assert again.states == graph.states
    for ours, theirs in zip(graph.ops, again.ops, strict=True):
        for key in ("weight", "input_weight", "recurrent_weight"):
            if hasattr(ours, key):
                np.testing.assert_array_equal(getattr(ours, key).quantized, getattr(theirs, key).quantized)
                np.testing.assert_allclose(getattr(ours, key).scale, getattr(theirs, key).scale, rtol=1e-7)
    a, b = lower(graph), lower(again)
    quant = graph.quants[graph.input]
    q = np.clip(np.rint(features / quant.scale) + quant.zero_point, -127, 127).astype(np.int8)
    np.testing.assert_array_equal(run(a, q)[0], run(b, q)[0])


@pytest.mark.parametrize("form", ["operator", "stacked"])
def test_int8_stays_near_float(form, features, tmp_path):
    graph = graph_of(tmp_path, form=form, gain=1.5)
    network = lower(quantize_graph(graph, [features]))
    value = network.values[network.input]
    q = np.clip(np.rint(features / value.scale) + value.zero_point, -127, 127).astype(np.int8)
    exact = float_run(graph, features).values[graph.output]
    mask = run(network, q)[0] / 32768
    assert np.abs(mask - exact).max() < 0.05
    assert np.corrcoef(mask.ravel(), exact.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("skip", [False, True], ids=["", "skip gate"])
def test_layers_agree_with_onnxruntime(skip, features, tmp_path):
    graph = quantize_graph(graph_of(tmp_path, form="separate", gain=2.0, skip=skip), [features])
    path = tmp_path / "int8.onnx"
    write_qdq(graph, path)
    graph = load_onnx(path)
    network = lower(graph)
    value = network.values[network.input]
    q = np.clip(np.rint(features / value.scale) + value.zero_point, -127, 127).astype(np.int8)
    check = against_onnxruntime(path, graph, network, q)
    assert check.ok, check.detail


def test_onnxruntime_runs_the_file_optimized_too(features, tmp_path):
    graph = quantize_graph(graph_of(tmp_path), [features])
    write_qdq(graph, tmp_path / "int8.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "int8.onnx"), providers=["CPUExecutionProvider"])
    feed = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs()}
    assert all(np.isfinite(out).all() for out in session.run(None, feed))


def test_a_wrong_weight_is_noticed(features, tmp_path):
    graph = quantize_graph(graph_of(tmp_path, gain=2.0), [features])
    write_qdq(graph, tmp_path / "int8.onnx")
    graph = load_onnx(tmp_path / "int8.onnx")
    network = lower(graph)
    layer = next(op for op in network.layers if op.name.startswith("fc0"))
    layer.weights[0, 0] ^= 64
    q = np.random.default_rng(0).integers(-127, 128, (50, 12)).astype(np.int8)
    assert not against_onnxruntime(tmp_path / "int8.onnx", graph, network, q).ok


def test_weights_and_values_use_the_range():
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((6, 40))
    matrix = int8_matrix(weights, np.array([weight_scale(row) for row in weights]))
    assert np.abs(matrix.quantized).max() == 127
    error = np.abs(matrix.values - weights).max(axis=1)
    assert (error <= np.abs(weights).max(axis=1) * 0.35).all()
    one_sided, two_sided = value_quant(rng.uniform(0, 5, 1000)), value_quant(rng.uniform(-5, 5, 1000))
    assert (one_sided.zero_point, two_sided.zero_point) == (-127, 0)
    assert one_sided.scale == pytest.approx(5 / 254, rel=0.05)
    assert value_quant(np.zeros(5)).scale > 0


@pytest.mark.parametrize(("largest", "fraction"), [(0.5, 15), (0.9, 14), (3.0, 13), (10.0, 11), (90.0, 8), (5000.0, 8)])
def test_cell_scale_holds_the_cell(largest, fraction):
    assert cell_quant(np.array([-largest, 0.1])).scale == 2.0**-fraction


def test_rounding_saturates_where_the_firmware_does():
    quant = value_quant(np.array([0.0, 254.0]))
    np.testing.assert_array_equal(rounded(np.array([-9.0, 300.0]), quant), [0.0, 254 * quant.scale])


def test_file_to_file(tmp_path):
    onnx.save(float_network(form="stacked").model(), tmp_path / "float.onnx")
    folder = tmp_path / "recordings"
    folder.mkdir()
    rng = np.random.default_rng(0)
    soundfile.write(folder / "a.wav", 0.1 * rng.standard_normal(8000), 16000)
    soundfile.write(folder / "b.flac", 0.1 * rng.standard_normal((8000, 2)), 44100)
    report = quantize_file(tmp_path / "float.onnx", folder, tmp_path / "int8.onnx")
    assert report.files == 2
    assert [row.kind for row in report.layers] == ["input", "lstm", "lstm", "linear", "linear"]
    assert all(row.network_db > 10 for row in report.layers)
    graph = load_onnx(tmp_path / "int8.onnx")
    assert {type(op) for op in graph.ops if hasattr(op, "weight") or hasattr(op, "input_weight")} == {Linear, LstmCell}
    with pytest.raises(InputError, match="quantized already"):
        quantize_file(tmp_path / "int8.onnx", folder, tmp_path / "again.onnx")
    with pytest.raises(InputError, match=r"no \.wav"):
        quantize_file(tmp_path / "float.onnx", _empty(tmp_path), tmp_path / "x.onnx")
    with pytest.raises(InputError, match="cannot write"):
        quantize_file(tmp_path / "float.onnx", folder, tmp_path / "no" / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_names_that_collide_in_the_file(features, tmp_path):
    model = float_network(units=(8,)).model()
    for node in model.graph.node:
        node.input[:] = ["scalar_0" if name == "features" else name for name in node.input]
    next(value for value in model.graph.input if value.name == "features").name = "scalar_0"
    onnx.save(model, tmp_path / "float.onnx")
    graph = quantize_graph(load_onnx(tmp_path / "float.onnx"), [features])
    write_qdq(graph, tmp_path / "int8.onnx")
    plain = float_network(units=(8,)).model()
    onnx.save(plain, tmp_path / "plain.onnx")
    expected = lower(quantize_graph(load_onnx(tmp_path / "plain.onnx"), [features]))
    network = lower(load_onnx(tmp_path / "int8.onnx"))
    assert network.input == "scalar_0"
    assert [layer.name for layer in network.layers] == [layer.name for layer in expected.layers]
    inputs = np.random.default_rng(3).integers(-127, 128, (50, 12)).astype(np.int8)
    np.testing.assert_array_equal(run(network, inputs)[0], run(expected, inputs)[0])


def test_long_recordings_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("codesign.compiler.quantize.file.MAX_SECONDS", 1.5)
    onnx.save(float_network(units=(8,)).model(), tmp_path / "float.onnx")
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in "abc":
        soundfile.write(folder / f"{name}.wav", 0.1 * np.random.default_rng(0).standard_normal(16000), 16000)
    report = quantize_file(tmp_path / "float.onnx", folder, tmp_path / "int8.onnx")
    assert (report.files, report.seconds) == (2, pytest.approx(1.5))


def test_recordings_that_are_cut_off_or_clipped_are_named(tmp_path):
    onnx.save(float_network(units=(8,)).model(), tmp_path / "float.onnx")
    (tmp_path / "recordings" / "deep").mkdir(parents=True)
    for name in ("a", "deep/b"):
        soundfile.write(tmp_path / "recordings" / f"{name}.wav", 0.1 * np.random.default_rng(0).standard_normal(8000), 16000)
    assert quantize_file(tmp_path / "float.onnx", tmp_path / "recordings", tmp_path / "int8.onnx").notes == ()
    cut = tmp_path / "recordings" / "deep" / "b.wav"
    cut.write_bytes(cut.read_bytes()[:-1000])
    (note,) = quantize_file(tmp_path / "float.onnx", tmp_path / "recordings", tmp_path / "int8.onnx").notes
    assert note.startswith("deep/b.wav: cut off")
    soundfile.write(cut, np.r_[2.0, 0.1 * np.random.default_rng(0).standard_normal(8000)], 16000, subtype="FLOAT")
    (note,) = quantize_file(tmp_path / "float.onnx", tmp_path / "recordings", tmp_path / "int8.onnx").notes
    assert note == "deep/b.wav: 1 sample beyond full scale clipped"


def _empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.mark.filterwarnings("ignore:invalid value")
def test_network_that_diverges_is_refused(features, tmp_path):
    graph = graph_of(tmp_path)
    with pytest.raises(InputError, match="not finite"):
        quantize_graph(graph, [features * np.float32(np.inf)])
    with pytest.raises(InputError, match="at least one frame"):
        quantize_graph(graph, [])
