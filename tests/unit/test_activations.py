# SPDX-License-Identifier: Apache-2.0
"""Values in int16, or where int8 is too coarse: the same networks, read back, layer by layer, and as firmware."""

from __future__ import annotations

import numpy as np
import pytest
from test_operators import functions
from test_states import NETWORKS, N, ended, saved, start

from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Quant
from codesign.compiler.operators.functions import FUNCTIONS, JUMPS
from codesign.compiler.operators.scales import int8_snr_db, wide_quant
from codesign.compiler.quantize import quantize_graph
from models import FORMS, float_network
from whole_way import whole_way

pytestmark = pytest.mark.slow  # the file as a whole

FEATURES = np.random.default_rng(1).uniform(0, 3, (60, N)).astype(np.float32)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_any_network_in_int16(name, tmp_path):
    way = whole_way(saved(NETWORKS[name](), tmp_path), FEATURES, tmp_path, "int16")
    inner = [q for n, q in way.quantized.quants.items() if n != way.graph.input and way.graph.state(n) is None]
    assert {q.bits for q in inner} <= {16}
    assert {q.zero_point for q in inner} == {0}


@pytest.mark.parametrize("form", FORMS)
def test_lstms_in_int16_are_nearer_to_float(form, tmp_path):
    path = saved(float_network(n_mels=N, units=(8, 6), form=form), tmp_path)
    found = {}
    for activations in ("int8", "int16", "auto"):
        folder = tmp_path / activations
        folder.mkdir()
        way = whole_way(path, FEATURES, folder, activations, emulated=activations == "int16" and form == "operator")
        found[activations] = way.mask_db
    assert found["int16"] > found["int8"] + 3.0
    assert found["auto"] >= found["int8"]


def test_a_skip_gate_in_int16(tmp_path):
    way = whole_way(saved(float_network(n_mels=N, units=(8, 6), skip=True), tmp_path), FEATURES, tmp_path, "int16")
    assert any(op.label == "skipgate" for op in way.quantized.ops)


@pytest.mark.parametrize("part", [0, 1])
def test_any_function_of_one_number_in_int16(part, tmp_path):
    kinds = [kind for kind in sorted(FUNCTIONS) if kind != "reciprocal" and kind not in JUMPS][part::2]
    way = whole_way(saved(functions(kinds), tmp_path), FEATURES, tmp_path, "int16", emulated=part == 1)
    assert way.mask_db > 45.0


def test_a_value_is_wide_where_int8_is_coarse():
    spread = np.exp(np.random.default_rng(0).normal(0, 3.5, 4000)).astype(np.float32)
    even = np.random.default_rng(0).uniform(-1, 1, 4000).astype(np.float32)
    assert int8_snr_db(spread) < 40.0 < int8_snr_db(even)
    assert wide_quant(even) == Quant(float(np.float32(1.125 * float(np.abs(even).max()) / 32767)), 0, 16)


def test_auto_takes_int16_for_some_values_alone(tmp_path):
    net = start()
    net.node("Gemm", ["features", net.weights("w", N, N, gain=1.2), net.weights("b", N)], "any", transB=1)
    net.node("Exp", ["any"], "exp")
    net.node("Gemm", ["features", net.weights("v", N, N), net.weights("c", N)], "even", transB=1)
    net.node("Softsign", ["even"], "soft")
    path = saved(ended(net, net.node("Concat", ["exp", "soft"], "all", axis=1), 2 * N), tmp_path)
    assert whole_way(path, FEATURES, tmp_path, "auto").mask_db > 30.0
    bits = {name: quant.bits for name, quant in quantize_graph(load_onnx(path), [FEATURES], "auto").quants.items()}
    assert (bits["exp"], bits["soft"]) == (16, 8)
    narrow = quantize_graph(load_onnx(path), [FEATURES], "auto", threshold_db=0.0)
    assert narrow.quants["exp"].bits == 8


def test_int16_with_a_zero_point_is_refused(tmp_path):
    from dataclasses import replace

    from codesign.compiler.lower import lower

    graph = quantize_graph(load_onnx(saved(functions(["elu"]), tmp_path)), [FEATURES], "int16")
    name = next(op.output for op in graph.ops if op.label == "elu")
    with pytest.raises(InputError, match="zero point 0"):
        lower(replace(graph, quants={**graph.quants, name: Quant(0.001, 3, 16)}))


def attention(net):
    """Two heads over eight places, a group norm, a pool and its way back, and a product of values of two shapes."""
    net.node("Gemm", ["features", net.weights("w", 4 * N, N, gain=0.5), net.weights("b", 4 * N)], "places", transB=1)
    ints = {
        n: net.constant(f"shape{n}", np.array(shape, np.int64)) for n, shape in enumerate([(1, N, 4), (1, 4, N), (1, 1, N)])
    }
    net.node("Reshape", ["places", ints[0]], "x")
    for part in "qkv":
        net.node("MatMul", ["x", net.weights(f"w{part}", 4, 4)], part)
    net.node("Transpose", ["k"], "kt", perm=[0, 2, 1])
    net.node("Softmax", [net.node("MatMul", ["q", "kt"], "scores")], "shares", axis=-1)
    net.node("Reshape", [net.node("MatMul", ["shares", "v"], "seen"), ints[1]], "channels")
    norm = net.node("InstanceNormalization", ["channels", net.weights("g", 4), net.weights("o", 4)], "norm")
    pooled = net.node("MaxPool", [norm], "pooled", kernel_shape=[2], strides=[2])
    up = net.node("Resize", [pooled, "", net.constant("double", np.array([1, 1, 2], np.float32))], "up", mode="nearest")
    flat = net.node("Reshape", ["features", ints[2]], "one_row")
    scaled = net.node("Mul", [up, flat], "scaled")
    return ended(net, net.node("Flatten", [scaled], "flat"), 4 * N)


def test_attention_norms_and_pools_in_int16(tmp_path):
    """Each bit of the reference, the host and the file, and near to float."""
    way = whole_way(saved(attention(start()), tmp_path), FEATURES, tmp_path, "int16")
    assert way.mask_db > 40.0
