# SPDX-License-Identifier: Apache-2.0
"""Weights whose rounding makes up for itself, against exhaustive search and against direct sums."""

import itertools

import numpy as np
import onnx
import pytest

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Matrix
from codesign.compiler.operators.compensation import VECTORS_A_COLUMN, Moments, rounded_weights
from codesign.compiler.operators.conv import Conv
from codesign.compiler.operators.conv_transpose import ConvTranspose
from codesign.compiler.operators.scales import GATE_STEP, HIDDEN16, LSTM_STEP, group_scales
from codesign.compiler.quantize.calibrate import observe, quantize_graph, quantize_seen
from codesign.compiler.quantize.float_run import float_run
from models import float_network


def correlated(rng, count, columns):
    """Vectors that few causes make, as neighbouring bins are."""
    return rng.standard_normal((count, 3)) @ rng.standard_normal((3, columns)) + 0.1 * rng.standard_normal((count, columns))


def moment_of(vectors):
    gathered = Moments(vectors.shape[1])
    for part in np.array_split(vectors, 7):
        gathered.add(part)
    return gathered.mean


def noise(weights, q, scales, vectors):
    return float(np.square(vectors @ (q * scales - weights).T).mean())


def test_results_come_nearer_than_by_rounding_one_by_one_and_near_the_best():
    rng = np.random.default_rng(0)
    weights, vectors = rng.standard_normal((4, 7)), correlated(rng, 400, 7)
    scales = np.full(weights.shape, 0.25)
    ours = noise(weights, rounded_weights(weights, scales, moment_of(vectors)), scales, vectors)
    nearest = noise(weights, np.rint(weights / scales), scales, vectors)
    around = np.floor(weights / 0.25)[:, None] + np.array(list(itertools.product((-1, 0, 1, 2), repeat=7)))
    errors = 0.25 * around - weights[:, None]
    best = np.einsum("rni,ij,rnj->rn", errors, moment_of(vectors), errors).min(axis=1).mean()
    assert best <= ours < 4 * best
    assert ours < 0.5 * nearest


@pytest.mark.parametrize("columns", [5, 150])
def test_columns_that_tell_nothing_about_each_other_are_rounded_one_by_one(columns):
    rng = np.random.default_rng(1)
    weights, scales = rng.standard_normal((6, columns)), rng.uniform(0.01, 0.1, (6, 1)) * np.ones(columns)
    nearest = np.clip(np.rint(weights / scales), -127, 127)
    for moment in (None, np.diag(rng.uniform(0, 2, columns)), np.zeros((columns, columns))):
        np.testing.assert_array_equal(rounded_weights(weights, scales, moment), nearest)


def test_blocks_of_columns_are_no_seams():
    rng = np.random.default_rng(2)
    weights, vectors = rng.standard_normal((8, 150)), correlated(rng, 3000, 150)
    scales = np.full(weights.shape, 0.1)
    q = rounded_weights(weights, scales, moment_of(vectors))
    assert noise(weights, q, scales, vectors) < 0.1 * noise(weights, np.rint(weights / scales), scales, vectors)
    assert np.abs(q).max() <= 127


def test_few_vectors_and_infinite_ones_say_nothing():
    rng = np.random.default_rng(3)
    assert moment_of(rng.standard_normal((VECTORS_A_COLUMN * 6 - 1, 6))) is None
    assert moment_of(np.full((VECTORS_A_COLUMN * 6, 6), 1e200)) is None
    vectors = rng.standard_normal((VECTORS_A_COLUMN * 6, 6))
    np.testing.assert_allclose(moment_of(vectors), vectors.T @ vectors / len(vectors))


def graph_of(tmp_path, **options):
    onnx.save(float_network(form="separate", **options).model(), tmp_path / "float.onnx")
    return load_onnx(tmp_path / "float.onnx")


def test_moments_are_of_what_a_layer_multiplies(tmp_path):
    graph = graph_of(tmp_path, gain=1.5)
    features = correlated(np.random.default_rng(4), 400, 12).astype(np.float32)
    moments = {}
    seen = observe(graph, [features], moments)
    trace = float_run(graph, features).values
    lstm, linear = graph.ops[0], next(op for op in graph.ops if op.label == "linear")
    both = np.concatenate([trace[lstm.source], trace[lstm.hidden]], axis=1)
    np.testing.assert_allclose(moments[lstm.name], both.T @ both / 400)
    np.testing.assert_allclose(moments[linear.name], trace[linear.source].T @ trace[linear.source] / 400)
    finer, nearest = quantize_seen(graph, seen, moments=moments), quantize_graph(graph, [features])

    def error(quantized):
        made = quantized.ops[0]
        weights = np.concatenate(
            [made.input_weight.values - lstm.input_weight.values, made.recurrent_weight.values - lstm.recurrent_weight.values],
            axis=1,
        )
        return np.square(both @ weights.T).mean()

    assert error(finer) < 0.3 * error(nearest)
    np.testing.assert_array_equal(finer.ops[0].input_weight.scale, nearest.ops[0].input_weight.scale)


def test_an_lstm_takes_weights_up_to_the_last_bit_of_its_multiplier(tmp_path):
    """Scales twice as coarse as a GRU's: the multiplier has 31 bits with the smallest shift."""
    graph = graph_of(tmp_path, gain=60.0)
    weights = graph.ops[0].input_weight.values.astype(np.float64)
    step = float(np.abs(weights).max()) / 127
    source = type(HIDDEN16)(LSTM_STEP / step, 0, 16)
    assert (group_scales(weights, 4, source, LSTM_STEP) >= group_scales(weights, 4, source)).all()
    assert group_scales(weights, 4, source).max() == pytest.approx(step * GATE_STEP / LSTM_STEP)
    loud = (32000 * source.scale * np.random.default_rng(5).uniform(-1, 1, (200, 12))).astype(np.float32)
    quantized = quantize_graph(graph, [loud], "int16")
    layer = lower(quantized).layers[0]
    assert layer.input_multiplier.max() > 2**30
    assert layer.gate_shift.min() == 1


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_patches_times_weights_are_the_sums_of_a_convolution(transposed, groups):
    rng = np.random.default_rng(4)
    sizes = {"kernel": (2, 3), "stride": (1, 2), "dilation": (1, 1), "before": (0, 1), "after": (0, 1), "groups": groups}
    weight = rng.standard_normal((4, 6 // groups, 2, 3))
    matrix = Matrix(weight.reshape(4, -1).astype(np.float32))
    kind = ConvTranspose if transposed else Conv
    conv = kind("c", "x", "y", matrix, np.zeros(4), **sizes)
    x = rng.standard_normal((6, 2, 5))
    vectors = conv.multiplied({"x": x})
    rows = matrix.values.astype(np.float64).reshape(groups, 4 // groups, -1)
    sums = conv.sums(x, matrix.values.astype(np.float64).reshape(weight.shape))
    np.testing.assert_allclose(np.swapaxes(vectors @ np.swapaxes(rows, 1, 2), 1, 2).reshape(sums.shape), sums, atol=1e-9)


def test_groups_are_rounded_each_by_its_own_vectors():
    rng = np.random.default_rng(5)
    weights, parts = rng.standard_normal((6, 7)), [correlated(rng, 400, 7) for _ in range(2)]
    scales, gathered = np.full(weights.shape, 0.25), Moments(7)
    gathered.add(np.stack(parts))
    alone = [rounded_weights(w, scales[:3], moment_of(x)) for w, x in zip(np.split(weights, 2), parts, strict=True)]
    np.testing.assert_array_equal(rounded_weights(weights, scales, gathered.mean), np.concatenate(alone))
