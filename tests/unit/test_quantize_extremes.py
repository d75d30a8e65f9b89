# SPDX-License-Identifier: Apache-2.0
"""Weights and biases of any size: the int8 network is near the float one, or one line says what is too large for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile

from codesign.base.errors import InputError
from codesign.compiler.layers import FullyConnected, Lstm
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators import Linear, LstmCell
from codesign.compiler.operators.headroom import least_row_scale, products_reach, saturating_bias
from codesign.compiler.operators.scales import value_quant, weight_scale
from codesign.compiler.quantize import balance, quantize_file, quantize_graph, write_qdq
from codesign.compiler.quantize.calibrate import channels_of
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.frontend import quantize_features
from codesign.compiler.reference.network import run
from codesign.proof.oracle import against_onnxruntime
from models import float_network

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]
TINY = (1e-6, 1e-9, 1e-20, 1e-38, 1e-40, 1e-44, 0.0)
LINEAR = ("fc0_w", "fc1_w")


@pytest.fixture
def features():
    return np.random.default_rng(2).uniform(0, 3, (80, 12)).astype(np.float32)


def edited(tmp_path, edits, **options):
    """The float network with parts of its initializers replaced: name → function that changes the array."""
    model = float_network(**{"units": (8,), "gain": 1.5, **options}).model()
    for tensor in model.graph.initializer:
        if tensor.name in edits:
            array = onnx.numpy_helper.to_array(tensor).copy()
            edits[tensor.name](array)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    onnx.save(model, tmp_path / "float.onnx")
    return load_onnx(tmp_path / "float.onnx")


def sized(where, size):
    """Entries keep their signs."""

    def edit(array):
        array[where] = np.where(array[where] < 0, -1, 1) * np.float32(size)

    return edit


def put(where, value):
    def edit(array):
        array[where] = value

    return edit


def error(graph, features):
    """Largest difference between the int8 and the float network's masks, and the int8 graph; read back from its file."""
    quantized = quantize_graph(graph, [features])
    quant = quantized.quants[graph.input]
    mask = run(lower(quantized), quantize_features(features, quant.scale, quant.zero_point))[0] / 32768
    return np.abs(mask - float_run(graph, features).values[graph.output]).max(), quantized


def check_file(quantized, features, tmp_path):
    write_qdq(quantized, tmp_path / "int8.onnx")
    graph = load_onnx(tmp_path / "int8.onnx")
    network = lower(graph)
    quant = quantized.quants[graph.input]
    check = against_onnxruntime(
        tmp_path / "int8.onnx", graph, network, quantize_features(features, quant.scale, quant.zero_point), frames=20
    )
    assert check.ok, check.detail


@pytest.mark.parametrize("size", TINY)
@pytest.mark.parametrize("name", LINEAR)
def test_a_row_of_tiny_weights_keeps_its_bias(name, size, features, tmp_path):
    row = (3,) if name == "fc0_w" else (slice(None), 3)  # fc1_w is stored by columns
    graph = edited(tmp_path, {name: sized(row, size), name.replace("_w", "_b"): put((3,), 0.09)})
    difference, quantized = error(graph, features)
    assert difference < 0.03
    op = next(op for op in quantized.ops if isinstance(op, Linear) and op.name == name[:3])
    layer = next(layer for layer in lower(quantized).layers if isinstance(layer, FullyConnected) and layer.name == op.name)
    unit = quantized.quants[op.source].scale * op.weight.scale[3]
    folded = quantized.quants[op.source].zero_point * int(layer.weights[3].astype(int).sum())
    assert (layer.bias[3] + folded) * unit == pytest.approx(op.bias[3], abs=1e-6)
    check_file(quantized, features, tmp_path)


@pytest.mark.parametrize("size", [1e-9, 1e-44, 0.0])
@pytest.mark.parametrize("name", ["lstm0_w", "lstm0_r"])
@pytest.mark.parametrize("gate", range(4))
def test_a_gate_of_tiny_weights(name, gate, size, features, tmp_path):
    rows = (0, slice(8 * gate, 8 * gate + 8))
    graph = edited(tmp_path, {name: sized(rows, size), "lstm0_b": put((0, slice(8 * gate, 8 * gate + 8)), 9.5)})
    difference, quantized = error(graph, features)
    assert difference < 0.03
    check_file(quantized, features, tmp_path)


def test_a_gate_without_weights_whose_features_are_large(features, tmp_path):
    """Nothing is multiplied, so that no scale can be too large for it."""
    rows = (0, slice(8, 16))
    graph = edited(tmp_path, {"lstm0_w": lambda a: (put(rows, 0.0)(a), np.multiply(a, 1e-3, out=a))})
    difference, quantized = error(graph, features * 1000)
    assert difference < 0.03
    lstm = next(layer for layer in lower(quantized).layers if isinstance(layer, Lstm))
    assert lstm.input_multiplier[3] == 0  # ONNX has the output gate second, we have it last


@pytest.mark.parametrize("name", ["fc0_w", "fc1_w", "lstm0_w", "lstm0_r", "fc0_b", "fc1_b", "lstm0_b"])
@pytest.mark.parametrize("size", [0.0, 1e-45])
def test_a_whole_layer_of_nothing(name, size, features, tmp_path):
    difference, quantized = error(edited(tmp_path, {name: sized(..., size)}), features)
    assert difference < 0.03
    check_file(quantized, features, tmp_path)


@pytest.mark.parametrize("size", [50, -5e3, 1e5, 1e6, -1e6])
@pytest.mark.parametrize(("name", "where"), [("fc1_b", (2,)), ("lstm0_b", (0, 3)), ("lstm0_b", (0, 20)), ("lstm0_b", (0, 30))])
def test_a_bias_that_saturates(name, where, size, features, tmp_path):
    difference, quantized = error(edited(tmp_path, {name: put(where, size)}), features)
    assert difference < 0.03
    check_file(quantized, features, tmp_path)


@pytest.mark.parametrize("size", [-50, -1e6])
def test_a_unit_that_its_bias_keeps_at_zero(size, features, tmp_path):
    assert error(edited(tmp_path, {"fc0_b": put((2,), size)}), features)[0] < 0.03


def test_a_result_far_smaller_than_its_weights(features, tmp_path):
    """The calibrated scale is the result's; multiplying to it must not overflow."""
    silent = np.full_like(features, 2.0**-40)
    graph = edited(tmp_path, {"lstm0_b": put(..., 0.0), "fc0_b": put(..., 0.0)})
    difference, quantized = error(graph, silent)
    assert difference < 0.03
    assert min(quant.scale for quant in quantized.quants.values()) > 0


@pytest.mark.parametrize("balanced", [False, True])
def test_mixtures_of_all_sizes(balanced, features, tmp_path):
    rng = np.random.default_rng(7)
    names = ["fc0_w", "fc1_w", "lstm0_w", "lstm0_r", "fc0_b", "fc1_b", "lstm0_b"]
    refused = []
    for seed in range(14):
        edits = {}
        for name in rng.choice(names, 2, replace=False):
            size = 10.0 ** rng.choice([-45, -38, -20, -9, -3, 0, 1, 3, 6])

            share = rng.random()

            def edit(array, size=size, part=share):
                rows = array if array.ndim == 1 else array.reshape(-1, array.shape[-1])
                sized(slice(0, max(1, int(part * len(rows)))), size)(rows)

            edits[name] = edit
        graph = edited(tmp_path, edits, seed=seed)
        try:
            if balanced:
                graph, _ = balance(graph, channels_of(graph, [features]))
            quantized = quantize_graph(graph, [features])
            network = lower(quantized)
        except InputError as refusal:
            refused.append(refusal.message)
            continue
        write_qdq(quantized, tmp_path / "int8.onnx")
        quant = quantized.quants[graph.input]
        integers = quantize_features(features[:10], quant.scale, quant.zero_point)
        np.testing.assert_array_equal(run(network, integers)[0], run(lower(load_onnx(tmp_path / "int8.onnx")), integers)[0])
    assert len(refused) < 10
    assert all("exceed 2^-7" in message or "could overflow" in message for message in refused)


def test_what_int8_cannot_do_is_said_without_naming_the_command_that_ran(features, tmp_path):
    edited(tmp_path, {"lstm0_w": sized(..., 9e5)})
    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "data" / "a.wav", 0.1 * np.random.default_rng(0).standard_normal(4000), 16000)
    with pytest.raises(InputError, match="too large") as refusal:
        quantize_file(tmp_path / "float.onnx", tmp_path / "data", tmp_path / "int8.onnx")
    assert "lstm0: input gate" in str(refusal.value)
    assert "codesign quantize" not in str(refusal.value)
    assert not (tmp_path / "int8.onnx").exists()


@pytest.mark.parametrize("top", [0.0, 1e-45, 1e-40, 1e-37, 1e-30, 1.0, 1e30, 3.4e38])
def test_scales_are_normal_float32_numbers(top):
    for scale in (weight_scale(np.array([top, -top / 3])), value_quant(np.array([top, top / 2], np.float32)).scale):
        assert np.finfo(np.float32).tiny <= scale <= np.finfo(np.float32).max
        assert scale == pytest.approx(max(top, 0) / 127, rel=0.8) or top < 1e-35


def test_ordinary_rows_keep_their_scale(features, tmp_path):
    graph = edited(tmp_path, {})
    _, quantized = error(graph, features)
    for before, after in zip(graph.ops, quantized.ops, strict=True):
        if isinstance(before, Linear):
            np.testing.assert_array_equal(after.weight.scale, [weight_scale(row.astype(float)) for row in before.weight.values])
        if isinstance(before, Linear | LstmCell):
            np.testing.assert_array_equal(after.bias, before.bias)


def test_a_cut_bias_changes_no_integer():
    rng = np.random.default_rng(0)
    weights, source, result = rng.normal(0, 1, (6, 20)), Quant(0.02, -127, 8), Quant(0.001, -127, 8)
    bias = np.array([-1e9, -1e7, -1.0, 1.0, 1e7, 1e9])
    cut = saturating_bias(bias, products_reach(weights, source), result)
    np.testing.assert_array_equal(cut[2:4], bias[2:4])
    assert np.abs(cut).max() < 1e6
    x = (rng.integers(-127, 128, (500, 20)) + 127) * source.scale

    def integers(b):
        return np.clip(np.rint((x @ weights.T + b) / result.scale) - 127, -127, 127)

    np.testing.assert_array_equal(integers(cut), integers(bias))
    scale = least_row_scale(cut, source.scale)
    assert (np.abs(cut) <= source.scale * scale * 2**29 * (1 + 1e-9)).all()


def test_weights_at_the_end_of_float32(features, tmp_path):
    graph = edited(tmp_path, {})
    ops = list(graph.ops)
    ops[-2] = replace(ops[-2], weight=Matrix(np.full_like(ops[-2].weight.values, np.finfo(np.float32).max)))
    with pytest.raises(InputError, match="not finite"):
        quantize_graph(replace(graph, ops=tuple(ops)), [features])


def test_onnxruntime_computes_the_same_float_network(features, tmp_path):
    """The oracle of the others' float side: denormal weights and all."""
    graph = edited(tmp_path, {"fc0_w": sized((3,), 1e-40), "lstm0_w": sized((0, slice(0, 8)), 1e-44)})
    session = onnxruntime.InferenceSession(tmp_path / "float.onnx", providers=["CPUExecutionProvider"])
    feed = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs()} | {"features": features[:1]}
    outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed), strict=True))
    np.testing.assert_allclose(outputs["mask"][0], float_run(graph, features[:1]).values["mask"][0], atol=1e-5)
