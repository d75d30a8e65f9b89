# SPDX-License-Identifier: Apache-2.0
"""What onnxruntime's quantizers write is taken as it is where the integers are ours, else as the float network behind it."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.lower.constants import QUANTIZE_HINT
from codesign.compiler.model import load_onnx, load_row
from codesign.compiler.model.limits import ONNXRUNTIME_OPERATORS
from codesign.compiler.model.onnx_model import step_model
from codesign.compiler.model.passes import block_weights, integers
from codesign.compiler.model.passes import dynamic as dynamic_pass
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.compiler.quantize.float_run import float_run
from codesign.proof.oracle import against_onnxruntime
from onnx_graphs import Graph, session
from onnxruntime_files import NETWORKS, SIZE, UNITS, dynamic, features, static

SYMMETRIC = {"ActivationSymmetric": True}


def outputs(model, rows):
    """What onnxruntime computes, step after step from zero: (frames, outputs)."""
    step = session(model)
    states = {i.name: np.zeros(i.shape, np.float32) for i in step.get_inputs() if i.name != "x"}
    names, found = [o.name for o in step.get_outputs()], []
    shape = [d if isinstance(d, int) else 1 for d in next(i for i in step.get_inputs() if i.name == "x").shape]
    for row in rows:
        values = dict(zip(names, step.run(None, {"x": row.reshape(shape), **states}), strict=True))
        states = {name: values[name.removesuffix("_in") + "_out"] for name in states}
        found.append(values["mask"].ravel())
    return np.array(found)


def integer_features(network, rows):
    """Features as the front end gives them, and its extremes."""
    value = network.values[network.input]
    limit = 127 if value.dtype == "int8" else 32767
    steps = np.rint(rows / np.float32(value.scale)) + value.zero_point
    ends = np.where(np.arange(SIZE) % 2, limit, -limit)
    return np.clip(np.concatenate([steps, [ends, -ends]]), -limit, limit).astype(value.dtype)


AS_IT_IS = [
    ("mlp", {}),
    ("mlp", {"activations": "s8", "form": "QOperator"}),
    ("mlp", {"activations": "s8", "extra": SYMMETRIC, "opset": 13}),
    ("mlp", {"activations": "s16", "extra": SYMMETRIC, "opset": 21}),
    ("mlp", {"weights": "u8", "reduce_range": True, "extra": {"WeightSymmetric": True}}),
    ("mlp", {"extra": {"AddQDQPairToWeight": True}}),
    ("mlp", {"extra": {"QuantizeBias": False}, "per_channel": True}),
    ("matmul", {"activations": "s8", "per_channel": True}),
    ("matmul", {"form": "QOperator"}),
    ("residual", {"extra": {"DedicatedQDQPair": True}}),
    ("residual", {"activations": "s8", "form": "QOperator", "per_channel": True}),
    ("residual", {"activations": "s16", "extra": SYMMETRIC}),
    ("conv", {"activations": "s8", "per_channel": True}),
    ("conv", {"form": "QOperator"}),
    ("clipped", {"form": "QOperator"}),
]


@pytest.mark.parametrize(("network", "options"), AS_IT_IS)
def test_scales_and_integers_are_taken_as_they_are(network, options, tmp_path):
    path = static(tmp_path, network, **options)
    graph = load_onnx(path)
    layers = lower(graph)
    assert graph.notes == ()
    rows = features(30, seed=3)
    theirs, step = outputs(onnx.load(path), rows), graph.quants["mask"].scale
    assert np.abs(outputs(step_model(path), rows) - theirs).max() <= 1.01 * step
    check = against_onnxruntime(path, graph, layers, integer_features(layers, rows))
    assert check.ok, check
    assert "mask" in check.detail, "the whole network is compared"


def test_frames_before_the_first_are_zeros_in_integers(tmp_path):
    path = static(tmp_path, "causal")
    graph = load_onnx(path)
    layers = lower(graph)
    (state,) = graph.states
    assert state.shape == (SIZE, 2)
    rows = features(30, seed=3)
    (theirs,) = session(onnx.load(path)).run(None, {"x": rows[None]})
    feed, ours = np.zeros((1, SIZE, 2), np.float32), []
    step = session(step_model(path))
    for row in rows:
        values = dict(
            zip([o.name for o in step.get_outputs()], step.run(None, {"x": row[None, None], state.input: feed}), strict=True)
        )
        feed = values[state.output]
        ours.append(values["mask"].ravel())
    np.testing.assert_allclose(ours, theirs[0], atol=1e-6)
    check = against_onnxruntime(path, graph, layers, integer_features(layers, rows))
    assert check.ok, check


def dequantized_source(path):
    """The float network with the numbers that the weights of the quantized file stand for; one scale a tensor."""
    source = onnx.load(path.with_name("float.onnx"))
    arrays = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    for tensor in source.graph.initializer:
        parts = [arrays.get(f"{tensor.name}_{what}") for what in ("quantized", "zero_point", "scale")]
        if all(part is not None for part in parts):
            integers, zero, scale = (part.astype(np.float64) for part in parts)
            tensor.CopyFrom(numpy_helper.from_array(((integers - zero) * scale).astype(np.float32), tensor.name))
    return source


AGAIN = [
    ("mlp", {"weights": "u8"}, "127 steps from their zero point"),
    ("mlp", {"form": "QOperator", "weights": "u8"}, "127 steps"),
    ("matmul", {"activations": "s8", "extra": {"WeightSymmetric": False}}, "127 steps"),
    ("mlp", {"activations": "u16"}, "zero point 0"),
    ("residual", {"op_types_to_quantize": ["Gemm"]}, "not quantized"),
    ("conv", {"weights": "u8", "form": "QOperator"}, "127 steps"),
    ("clipped", {"weights": "u8"}, "127 steps"),
    ("lstm", {}, "not quantized"),
    ("gru", {"form": "QOperator"}, "not quantized"),
]


@pytest.mark.parametrize(("network", "options", "why"), AGAIN)
def test_what_is_not_taken_is_quantized_again(network, options, why, tmp_path):
    path = static(tmp_path, network, **options)
    with pytest.raises(InputError, match=why) as refused:
        lower(load_onnx(path))
    assert refused.value.hint.endswith(QUANTIZE_HINT)
    graph, rows = load_row(path, as_float=True).graphs[0], features(40)  # those of the calibration: a range cuts nothing off
    ours = float_run(graph, rows).values[graph.output].reshape(len(rows), -1)
    assert np.abs(ours - outputs(dequantized_source(path), rows)).max() < 0.01, "its biases are rounded, too"
    lower(quantize_graph(graph, [rows]))


@pytest.mark.parametrize(
    ("network", "weights"), [("mlp", "u8"), ("matmul", "s8"), ("conv", "u8"), ("lstm", "s8"), ("gru", "u8")]
)
def test_dynamic_quantization_becomes_a_float_network(network, weights, tmp_path):
    path = dynamic(tmp_path, network, weights, per_channel=network == "matmul")
    graph, rows = load_onnx(path), features(30)
    assert not graph.quants
    assert sum("dynamic quantization" in note for note in graph.notes) == 1
    ours = float_run(graph, rows).values[graph.output].reshape(len(rows), -1)
    theirs = outputs(onnx.load(path), rows)
    assert np.abs(ours - theirs).max() < 0.02, "it rounds every value to 8 bits of its own range"
    with pytest.raises(InputError) as refused:
        lower(graph)
    assert refused.value.hint == QUANTIZE_HINT
    lower(quantize_graph(graph, [rows]))


def microsoft(kind, inputs, outputs):
    return helper.make_node(kind, inputs, outputs, name=kind.lower(), domain="com.microsoft")


def test_products_that_onnxruntime_has_fused(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    weight = g.constant(rng.integers(0, 255, (SIZE, UNITS)).astype(np.uint8))
    scale, zero = g.constant(np.float32(0.01)), g.constant(np.uint8(120))
    back, bias = g.constant(rng.integers(-127, 127, (UNITS, SIZE)).astype(np.int8)), g.weights(SIZE)
    scales = g.constant(rng.uniform(0.01, 0.02, SIZE).astype(np.float32))
    g.nodes.append(microsoft("DynamicQuantizeMatMul", ["x", weight, scale, zero], ["a"]))
    g("DynamicQuantizeLinear", g("Tanh", "a"), outputs=["q", "q_scale", "q_zero"])
    g.nodes.append(microsoft("MatMulIntegerToFloat", ["q", back, "q_scale", scales, "q_zero", "", bias], ["b"]))
    g("Sigmoid", "b", outputs=["mask"])
    model = g.model({"x": [1, SIZE]}, {"mask": [1, SIZE]})
    onnx.save(model, tmp_path / "fused.onnx")
    graph, rows = load_onnx(tmp_path / "fused.onnx"), features(20)
    ours = float_run(graph, rows).values[graph.output]
    assert np.abs(ours - outputs(model, rows)).max() < 0.03, "it rounds every value to 8 bits of its own range"


def test_other_operators_of_onnxruntime_are_refused_by_name(tmp_path):
    g = Graph()
    g.nodes.append(microsoft("BiasGelu", ["x", g.weights(SIZE)], ["y"]))
    g("Sigmoid", "y", outputs=["mask"])
    model = g.model({"x": [1, SIZE]}, {"mask": [1, SIZE]})
    onnx.save(model, tmp_path / "gelu.onnx")
    with pytest.raises(InputError, match=r"'biasgelu' \(BiasGelu\) is of domain 'com.microsoft'"):
        load_onnx(tmp_path / "gelu.onnx")


def test_blocks_of_scales_are_read_as_real_numbers(tmp_path):
    g, rng = Graph(), np.random.default_rng(0)
    weight, scale = (
        rng.integers(-127, 127, (SIZE, SIZE)).astype(np.int8),
        rng.uniform(0.001, 0.003, (4, SIZE)).astype(np.float32),
    )
    real = g("DequantizeLinear", g.constant(weight), g.constant(scale), axis=0, block_size=4)
    g("Sigmoid", g("MatMul", "x", real), outputs=["mask"])
    model = g.model({"x": [1, SIZE]}, {"mask": [1, SIZE]}, opset=21)
    onnx.save(model, tmp_path / "blocks.onnx")
    with pytest.raises(InputError, match="a scale for every few elements") as refused:
        load_onnx(tmp_path / "blocks.onnx")
    assert refused.value.hint == QUANTIZE_HINT
    (linear, _) = load_row(tmp_path / "blocks.onnx", as_float=True).graphs[0].ops
    np.testing.assert_allclose(linear.weight.values.T, weight * np.repeat(scale, 4, 0), rtol=1e-6)


def test_the_operators_that_are_let_in_are_those_that_are_rewritten():
    rewritten = {*integers.OPERATORS, *dynamic_pass.OPERATORS, block_weights.OPERATOR, "QuantizeLinear", "DequantizeLinear"}
    assert rewritten >= ONNXRUNTIME_OPERATORS
    assert rewritten - ONNXRUNTIME_OPERATORS == {"QLinearMatMul", "MatMulInteger", "ConvInteger", "DynamicQuantizeLinear"}
    assert set(NETWORKS) >= {network for network, *_ in (*AS_IT_IS, *AGAIN)}
