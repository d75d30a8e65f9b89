# SPDX-License-Identifier: Apache-2.0
"""onnxruntime's MatMulNBits against onnxruntime: weights of few bits in blocks are a float network."""

import numpy as np
import onnx
import pytest
from onnx import helper

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.compiler.quantize.float_run import float_run
from onnx_graphs import Graph, session

COLUMNS, ROWS, BLOCK = 40, 40, 16
BLOCKS = 3  # the last one is not full


def model_of(bits, zeros="", bias=False, changed=None):
    rng, g = np.random.default_rng(bits), Graph()
    packed = rng.integers(0, 256, (ROWS, BLOCKS, BLOCK * bits // 8)).astype(np.uint8)
    scales = rng.uniform(0.2, 1.0, ROWS * BLOCKS).astype(np.float32) / 2**bits
    inputs = ["x", g.constant(packed), g.constant(scales)]
    if zeros == "packed":
        inputs.append(g.constant(rng.integers(0, 256, ROWS * -(-BLOCKS * bits // 8)).astype(np.uint8)))
    elif zeros == "float":
        inputs.append(g.constant(rng.uniform(0, 2**bits - 1, (ROWS, BLOCKS)).astype(np.float32)))
    if bias:
        inputs += [""] * (5 - len(inputs)) + [g.weights(ROWS)]
    options = {"K": COLUMNS, "N": ROWS, "block_size": BLOCK, "bits": bits} | (changed or {})
    g.nodes.append(helper.make_node("MatMulNBits", inputs, ["y"], name="product", domain="com.microsoft", **options))
    g("Sigmoid", "y", outputs=["mask"])
    return g.model({"x": [1, COLUMNS]}, {"mask": [1, ROWS]})


def loaded(model, tmp_path):
    onnx.save(model, tmp_path / "blocks.onnx")
    return load_onnx(tmp_path / "blocks.onnx")


@pytest.mark.parametrize(
    ("bits", "zeros", "bias"), [(4, "", False), (4, "packed", True), (4, "float", False), (8, "packed", False), (8, "", True)]
)
def test_weights_are_what_onnxruntime_multiplies_with(bits, zeros, bias, tmp_path):
    model = model_of(bits, zeros, bias)
    graph = loaded(model, tmp_path)
    assert [op.label for op in graph.ops] == ["linear", "sigmoid"]
    assert sum("MatMulNBits" in note for note in graph.notes) == 1
    rows = np.random.default_rng(0).standard_normal((20, COLUMNS)).astype(np.float32)
    theirs = np.concatenate([session(model).run(None, {"x": row[None]})[0] for row in rows])
    np.testing.assert_allclose(float_run(graph, rows).values[graph.output], theirs, atol=2e-6)
    lower(quantize_graph(graph, [rows]))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"K": 2**40}, "bytes and 120 scales are not 40 rows"),
        ({"K": COLUMNS + BLOCK}, "are not 40 rows of 4 blocks"),
        ({"block_size": 0}, "no form of it"),
        ({"bits": 3}, "no form of it"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_by_name(changed, why, tmp_path):
    with pytest.raises(InputError, match=f"'product'.*{why}"):
        loaded(model_of(4, changed=changed), tmp_path)


def test_weights_of_two_bits_are_the_lowest_first(tmp_path):
    packed = np.full((16, 1, 4), 0b11100100, np.uint8)
    g = Graph()
    inputs = ["x", g.constant(packed), g.constant(np.full(16, 0.5, np.float32))]
    g.nodes.append(
        helper.make_node(
            "MatMulNBits", inputs, ["y"], name="product", domain="com.microsoft", K=16, N=16, block_size=16, bits=2
        )
    )
    graph = loaded(g.model({"x": [1, 16]}, {"y": [1, 16]}), tmp_path)
    np.testing.assert_array_equal(graph.ops[0].weight.values, [[-1.0, -0.5, 0.0, 0.5] * 4] * 16)
