# SPDX-License-Identifier: Apache-2.0
"""Chains of residual blocks: each block adds to what came before, and computes nothing of it again."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from codesign.compiler.model import load_onnx
from codesign.compiler.operators.binary import Binary
from codesign.compiler.operators.linear import Linear
from codesign.compiler.quantize.float_run import float_run
from onnx_graphs import Graph
from whole_way import outputs_of_onnxruntime, relative

BINS, WIDE = 64, 16


def chain(blocks: int) -> onnx.ModelProto:
    g = Graph()
    last = g("MatMul", "x", g.weights(BINS, WIDE))
    for _ in range(blocks):
        inner = g("Relu", g("MatMul", last, g.weights(WIDE, 8)))
        last = g("Add", last, g("MatMul", inner, g.weights(8, WIDE)))
    g("Sigmoid", g("MatMul", last, g.weights(WIDE, BINS)), outputs=["mask"])
    return g.model({"x": [1, BINS]}, {"mask": [1, BINS]})


@pytest.mark.parametrize("blocks", [1, 3, 80])
def test_a_block_adds_to_the_chain(blocks, tmp_path):
    path = tmp_path / "chain.onnx"
    onnx.save(chain(blocks), path)
    graph = load_onnx(path)
    weights = sum(sum(matrix.values.size for matrix in op.matrices) for op in graph.ops if isinstance(op, Linear))
    assert weights == BINS * WIDE + blocks * 2 * WIDE * 8 + WIDE * BINS
    assert sum(isinstance(op, Binary) for op in graph.ops) == blocks
    features = np.random.default_rng(2).uniform(0, 1, (5, BINS)).astype(np.float32)
    ours = float_run(graph, features).values[graph.output]
    assert relative(ours, outputs_of_onnxruntime(path, graph, features)) < 1e-5
