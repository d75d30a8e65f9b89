# SPDX-License-Identifier: Apache-2.0
"""Noise of every layer against direct computation, and scales moved between layers against the network as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Matrix
from codesign.compiler.operators import Activation, Linear, LstmCell
from codesign.compiler.quantize import balance, compare, quantize_file, quantize_graph
from codesign.compiler.quantize.balance import Channels, estimated_noise
from codesign.compiler.quantize.calibrate import channels_of
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import quantize_features
from codesign.compiler.reference.network import initial_state, run, trace
from models import float_network


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def db(signal, other):
    return 10 * np.log10(np.sum(np.square(signal)) / np.sum(np.square(signal - other)))


@pytest.fixture
def features():
    rng = np.random.default_rng(2)
    return [rng.uniform(0, 3, (frames, 12)).astype(np.float32) for frames in (90, 60)]


def graph_of(tmp_path, **options):
    onnx.save(float_network(**options).model(), tmp_path / "float.onnx")
    return load_onnx(tmp_path / "float.onnx")


def uneven(graph, octaves=2.0, seed=0):
    """The same network with channels between its linear layers of very different size."""
    first, relu, second = graph.ops[-4:-1]
    assert isinstance(first, Linear)
    assert isinstance(relu, Activation)
    assert isinstance(second, Linear)
    factors = np.exp2(np.rint(np.random.default_rng(seed).normal(0, octaves, first.bias.size)))
    ops = list(graph.ops)
    weights = Matrix((first.weight.values * factors[:, None]).astype(np.float32))
    ops[-4] = replace(first, weight=weights, bias=first.bias * factors)
    ops[-2] = replace(second, weight=Matrix((second.weight.values / factors).astype(np.float32)))
    return replace(graph, ops=tuple(ops))


def reports(graph, features):
    quantized = quantize_graph(graph, features)
    network = lower(quantized)
    return quantized, network, {layer.name: layer for layer in compare(graph, quantized, network, features)}


def test_noise_in_the_network_is_that_of_the_integer_network(tmp_path, features):
    graph = graph_of(tmp_path, gain=1.5)
    quantized, network, found = reports(graph, features)
    assert [layer.kind for layer in found.values()] == ["input", "lstm", "lstm", "linear", "linear"]
    quant = quantized.quants[graph.input]
    exact, masks, hidden, inputs = [], [], [], []
    cell = next(op for op in quantized.ops if isinstance(op, LstmCell))
    for rows in features:
        q = quantize_features(rows, quant.scale, quant.zero_point)
        exact.append(float_run(graph, rows).values)
        masks.append(run(network, q)[0] / 32768)
        hidden.append(np.stack([after.values[cell.hidden] / 128 for _, _, after, _ in trace(network, q)]))
        inputs.append((q - float(quant.zero_point)) * quant.scale)

    def floats(name):
        return np.concatenate([values[name] for values in exact])

    names = list(found)
    assert found[names[0]].network_db == pytest.approx(db(floats(graph.input), np.concatenate(inputs)))
    assert found[names[0]].alone_db == pytest.approx(found[names[0]].network_db, abs=0.01)
    assert found[cell.name].network_db == pytest.approx(db(floats(cell.output), np.concatenate(hidden)))
    assert found[names[-1]].network_db == pytest.approx(db(floats(graph.output), np.concatenate(masks)))


def test_noise_alone_is_that_of_one_quantized_layer(tmp_path, features):
    graph = graph_of(tmp_path, gain=1.5)
    quantized, _, found = reports(graph, features)
    values = [float_run(graph, rows).values for rows in features]
    last, cell = quantized.ops[-2], next(op for op in quantized.ops if isinstance(op, LstmCell))
    assert isinstance(last, Linear)

    def int8(matrix):
        return matrix.quantized * matrix.scale[:, None]

    read = np.concatenate([v[last.source] for v in values])
    logits = np.clip(np.rint((read @ int8(last.weight).T + last.bias) * 4096), -32768, 32767) / 4096
    mask = np.clip(np.rint(sigmoid(logits) * 32768), -32768, 32767) / 32768
    assert found[last.name].alone_db == pytest.approx(db(np.concatenate([v[graph.output] for v in values]), mask), abs=0.01)

    outputs = []
    for v in values:  # every step from the float network's states
        h = np.vstack([np.zeros(cell.units), v[cell.output][:-1]])
        c = np.vstack([np.zeros(cell.units), v[cell.cell_output][:-1]])
        gates = v[cell.source] @ int8(cell.input_weight).T + h @ int8(cell.recurrent_weight).T + cell.bias
        i, f, g, o = np.split(gates, 4, axis=1)
        scale = quantized.quants[cell.cell_output].scale
        new = np.clip(np.rint((sigmoid(f) * c + sigmoid(i) * np.tanh(g)) / scale), -32768, 32767) * scale
        outputs.append(np.clip(np.rint(sigmoid(o) * np.tanh(new) * 128), -127, 127) / 128)
    exact = np.concatenate([v[cell.output] for v in values])
    assert found[cell.name].alone_db == pytest.approx(db(exact, np.concatenate(outputs)), abs=0.01)


def test_noise_of_weights(tmp_path, features):
    graph = graph_of(tmp_path)
    quantized, _, found = reports(graph, features)
    for before, after in zip(graph.ops, quantized.ops, strict=True):
        if isinstance(before, Linear):
            ours = after.weight.quantized * after.weight.scale[:, None]
            assert found[before.name].weights_db == pytest.approx(db(before.weight.values.astype(float), ours), abs=0.01)
    assert found[graph.input].weights_db is None


def test_a_skip_gate_does_not_count_against_layers(tmp_path, features):
    graph = graph_of(tmp_path, form="stacked", skip=True, gain=2.0)
    _, _, found = reports(graph, features)
    assert all(layer.alone_db > 15 for layer in found.values())
    assert initial_state(lower(quantize_graph(graph, features))).values


def test_the_balanced_network_is_the_network_itself(tmp_path, features):
    graph = graph_of(tmp_path, gain=1.5)
    rough = uneven(graph)
    balanced, moved = balance(rough, channels_of(rough, features))
    assert [(pair.first, pair.second) for pair in moved] == [(graph.ops[-4].name, graph.ops[-2].name)]
    assert moved[0].channels > 0
    session = onnxruntime.InferenceSession(tmp_path / "float.onnx", providers=["CPUExecutionProvider"])
    shapes = {i.name: [d if isinstance(d, int) else 1 for d in i.shape] for i in session.get_inputs()}
    feeds = {state.input: np.zeros(shapes[state.input], np.float32) for state in graph.states}
    masks = []
    for row in features[0]:
        outputs = session.run(None, feeds | {graph.input: row.reshape(shapes[graph.input])})
        values = dict(zip([o.name for o in session.get_outputs()], outputs, strict=True))
        masks.append(values[graph.output].ravel())
        feeds = {s.input: values[s.output].reshape(shapes[s.input]) for s in graph.states}
    ours = float_run(balanced, features[0]).values[graph.output]
    assert np.abs(ours - np.stack(masks)).max() < 1e-5
    # Factors are powers of two: not even the last bit changes.
    assert np.array_equal(ours, float_run(rough, features[0]).values[graph.output])
    assert np.array_equal(ours, float_run(graph, features[0]).values[graph.output])


def test_balancing_makes_up_for_uneven_channels(tmp_path, features):
    graph = graph_of(tmp_path, gain=1.5)
    rough = uneven(graph, octaves=3.0)
    balanced, moved = balance(rough, channels_of(rough, features))
    last = graph.ops[-2].name
    before, after, even = (reports(g, features)[2][last].alone_db for g in (rough, balanced, graph))
    assert after > before + 6
    assert after - before > 0.6 * (even - before)
    assert moved[0].gain_db == pytest.approx(after - before, abs=6)


def test_an_even_network_stays_as_it_is(tmp_path, features):
    graph = graph_of(tmp_path, gain=1.5)
    once, _ = balance(graph, channels_of(graph, features))
    again, moved = balance(once, channels_of(once, features))
    assert all(pair.gain_db >= 0 for pair in moved)
    assert sum(pair.channels for pair in moved) <= 4
    assert isinstance(again.ops[-2], Linear)


def test_the_estimate_is_the_noise_of_rounding():
    rng = np.random.default_rng(0)
    value, weights = rng.uniform(0, 1, (4000, 16)) * np.exp2(rng.integers(-1, 2, 16)), rng.standard_normal((12, 16))
    channels, none = Channels(value.max(axis=0), np.mean(value**2, axis=0)), np.ones(16)
    step, rows = value.max() / 254, np.abs(weights).max(axis=1) / 127
    rounded = (np.rint(value / step) * step) @ (np.rint(weights / rows[:, None]) * rows[:, None]).T
    noise = np.sum(np.mean(np.square(rounded - value @ weights.T), axis=0))
    assert 10 * np.log10(estimated_noise(channels, weights, none) / 12 / noise) == pytest.approx(0, abs=1)


def test_dead_channels_are_left_alone(tmp_path, features):
    graph = uneven(graph_of(tmp_path, gain=1.5), octaves=3.0)
    seen = channels_of(graph, features)
    name = graph.ops[-3].output
    seen[name].largest[3] = seen[name].power[3] = 0.0
    balanced, _ = balance(graph, seen)
    assert np.array_equal(balanced.ops[-4].weight.values[3], graph.ops[-4].weight.values[3])
    seen[name].largest[:] = 0.0
    assert balance(graph, seen)[1][0].channels == 0


@pytest.mark.parametrize("change", ["limit", "second reader", "output", "sigmoid"])
def test_what_is_not_the_same_at_another_scale_is_not_balanced(tmp_path, features, change):
    graph = uneven(graph_of(tmp_path, gain=1.5))
    seen, ops = channels_of(graph, features), list(graph.ops)
    relu = ops[-3]
    assert isinstance(relu, Activation)
    match change:
        case "limit":
            ops[-3] = replace(relu, kind="clip", low=0.0, high=6.0)
        case "sigmoid":
            ops[-3] = replace(relu, kind="sigmoid")
        case "second reader":
            ops.append(Activation("tap", "tanh", relu.output, "tapped"))
        case "output":
            graph = replace(graph, output=relu.output)
    same, moved = balance(replace(graph, ops=tuple(ops)), seen)
    assert moved == ()
    assert same.ops == tuple(ops)


def test_a_relu_may_be_called_clip(tmp_path, features):
    graph = uneven(graph_of(tmp_path, gain=1.5))
    ops = list(graph.ops)
    ops[-3] = replace(ops[-3], kind="clip", low=0.0, high=np.inf)
    assert balance(replace(graph, ops=tuple(ops)), channels_of(graph, features))[1][0].channels > 0


def test_the_report_covers_all_recordings(tmp_path):
    rng = np.random.default_rng(0)
    onnx.save(float_network(gain=1.5).model(), tmp_path / "float.onnx")
    for number in range(2):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * rng.standard_normal(8000), 16000)
    report = quantize_file(tmp_path / "float.onnx", tmp_path, tmp_path / "int8.onnx", balanced=True)
    assert (report.files, report.seconds) == (2, 1.0)
    assert len(report.layers) == 5
    assert len(report.balanced) == 1
    assert load_onnx(tmp_path / "int8.onnx").quants


def test_rare_peaks_of_int16_features_do_not_cut_recurrent_weights(tmp_path):
    """Few values are beyond the range then, and all weights keep their precision: those of each gate share a scale."""
    onnx.save(float_network(gain=6.0).model(), tmp_path / "float.onnx")
    graph = load_onnx(tmp_path / "float.onnx")
    features = np.random.default_rng(3).exponential(1.0, (3000, 12)).astype(np.float32)
    features[::1000] *= 60
    quantized = quantize_graph(graph, [features], "int16")
    exact, ours = (net.ops[0].input_weight.values.astype(np.float64) for net in (graph, quantized))
    assert np.square(exact).sum() > 1000 * np.square(exact - ours).sum()
    top = 32767 * quantized.quants[graph.input].scale
    assert top < 0.6 * features.max()
    assert (features > top).mean() < 0.001
