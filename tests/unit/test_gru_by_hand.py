# SPDX-License-Identifier: Apache-2.0
"""GRUs written in parts, however they are arranged: one layer, the values of onnxruntime, the bits of the operator."""

import numpy as np
import onnx
import pytest

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize.calibrate import quantize_graph
from codesign.compiler.quantize.float_run import float_run
from codesign.compiler.reference.network import run
from onnx_graphs import Graph, session

INPUTS, UNITS = 40, 24
BLENDS = ("kept + taken", "new + z(h - new)", "h + u(new - h)", "new - z(new - h)", "h - u(h - new)", "kept by 1 - u")


class Cell:
    """Weights of a GRU, rows update, reset, candidate, as a graph in parts."""

    def __init__(self, after):
        self.graph, self.after, rng = Graph(), after, np.random.default_rng(3)
        self.w = rng.standard_normal((3, UNITS, INPUTS)).astype(np.float32) / 4
        self.r = rng.standard_normal((3, UNITS, UNITS)).astype(np.float32) / 3
        self.b, self.c = rng.standard_normal((2, 3, UNITS)).astype(np.float32) / 4
        if not after:
            self.c[2] = 0

    def linear(self, x, matrix, bias, form):
        g = self.graph
        if form == "gemm":
            return g("Gemm", x, g.constant(matrix), g.constant(bias), transB=1)
        return g("Add", g.constant(bias), g("MatMul", x, g.constant(matrix.T)))

    def gates(self, form):
        """Pre-activations of update and reset, and both products of the candidate."""
        g, n = self.graph, UNITS
        if form == "stacked":
            a, b = ["a0", "a1", "a2"], ["b0", "b1", "b2"]
            for x, weights, bias, names in (("x", self.w, self.b, a), ("h_in", self.r, self.c, b)):
                g(
                    "Split",
                    self.linear(x, weights.reshape(3 * n, -1), bias.ravel(), "gemm"),
                    g.ints(n, n, n),
                    outputs=names,
                    axis=1,
                )
        elif form == "joined":
            both = g("Concat", "x", "h_in", axis=1)
            gates = [
                self.linear(both, np.concatenate([self.w[k], self.r[k]], 1), self.b[k] + self.c[k], "gemm") for k in (0, 1)
            ]
            return *gates, self.linear("x", self.w[2], self.b[2], "gemm"), self.linear("h_in", self.r[2], self.c[2], "gemm")
        else:
            a = [self.linear("x", m, bias, form) for m, bias in zip(self.w, self.b, strict=True)]
            b = [self.linear("h_in", m, bias, form) for m, bias in zip(self.r, self.c, strict=True)]
        return g("Add", a[0], b[0]), g("Add", b[1], a[1]), a[2], b[2]

    def model(self, form, blend, sign=1.0):
        g = self.graph
        if blend == "kept by 1 - u":
            self.w[0], self.r[0], self.b[0], self.c[0] = (-v[0] for v in (self.w, self.r, self.b, self.c))
        z, r, a, b = self.gates(form)
        z, r, one = g("Sigmoid", z), g("Sigmoid", r), g.constant(np.float32(1))
        if self.after:
            new = g("Tanh", g("Add", a, g("Mul", r, b)))
        else:
            new = g("Tanh", g("Add", a, g("MatMul", g("Mul", r, "h_in"), g.constant(np.ascontiguousarray(self.r[2].T)))))
        match blend:
            case "kept + taken":
                h = g("Add", g("Mul", g("Sub", one, z), new), g("Mul", "h_in", z))
            case "kept by 1 - u":
                h = g("Add", g("Mul", new, z), g("Mul", g("Sub", one, z), "h_in"))
            case "new + z(h - new)":
                h = g("Add", new, g("Mul", z, g("Sub", "h_in", new)))
            case "h + u(new - h)":
                h = g("Add", g("Mul", g("Sub", new, "h_in"), g("Sub", one, z)), "h_in")
            case "new - z(new - h)":
                h = g("Sub", new, g("Mul", z, g("Sub", new, "h_in")))
            case _:
                h = g("Sub", "h_in", g("Mul", g("Sub", one, z), g("Sub", "h_in", new)))
        g("Identity", h, outputs=["h_out"])
        g("Sigmoid", self.linear(h, self.w[0].T[:, :UNITS], np.zeros(INPUTS, np.float32), "gemm"), outputs=["mask"])
        state = [1, UNITS]
        return g.model({"x": [1, INPUTS], "h_in": state}, {"mask": [1, INPUTS], "h_out": state}, states='[["h_in", "h_out"]]')

    def operator(self):
        """The same in ONNX's own operator, before `model` has changed anything."""
        g = self.graph
        x, h = g("Reshape", "x", g.ints(1, 1, INPUTS)), g("Reshape", "h_in", g.ints(1, 1, UNITS))
        w, r = (g.constant(m.reshape(1, 3 * UNITS, -1)) for m in (self.w, self.r))
        both = g.constant(np.concatenate([self.b.ravel(), self.c.ravel()])[None])
        y = g("GRU", x, w, r, both, "", h, outputs=["", "y"], hidden_size=UNITS, linear_before_reset=int(self.after))
        h = g("Reshape", y, g.ints(1, UNITS), outputs=["h_out"])
        g("Sigmoid", self.linear(h, self.w[0].T[:, :UNITS], np.zeros(INPUTS, np.float32), "gemm"), outputs=["mask"])
        state = [1, UNITS]
        return g.model({"x": [1, INPUTS], "h_in": state}, {"mask": [1, INPUTS], "h_out": state}, states='[["h_in", "h_out"]]')


def loaded(model, tmp_path):
    onnx.save(model, tmp_path / "m.onnx")
    return load_onnx(tmp_path / "m.onnx")


def rows_of(count=25):
    return np.random.default_rng(0).uniform(-1, 2, (count, INPUTS)).astype(np.float32)


def outputs(model, rows):
    step, h, found = session(model), np.zeros((1, UNITS), np.float32), []
    for row in rows:
        mask, h = step.run(["mask", "h_out"], {"x": row[None], "h_in": h})
        found.append(mask[0])
    return np.array(found)


@pytest.mark.parametrize("after", [True, False], ids=["reset after", "reset before"])
@pytest.mark.parametrize(
    ("form", "blend"),
    [*(("gemm", blend) for blend in BLENDS), ("matmul", "new + z(h - new)"), ("stacked", BLENDS[0]), ("joined", BLENDS[0])],
)
def test_one_layer_with_the_values_of_onnxruntime(after, form, blend, tmp_path):
    model, rows = Cell(after).model(form, blend), rows_of()
    graph = loaded(model, tmp_path)
    assert [op.label for op in graph.ops] == ["gru", "linear", "sigmoid"]
    assert graph.ops[0].reset_after == after
    np.testing.assert_allclose(float_run(graph, rows).values[graph.output], outputs(model, rows), atol=3e-6)


@pytest.mark.parametrize("after", [True, False], ids=["reset after", "reset before"])
def test_bits_are_those_of_the_operator(after, tmp_path):
    rows, found = rows_of(60), []
    for model in (Cell(after).operator(), Cell(after).model("gemm", "kept + taken")):
        network = lower(quantize_graph(loaded(model, tmp_path), [rows]))
        value = network.values[network.input]
        q = np.clip(np.rint(rows / value.scale) + value.zero_point, -127, 127).astype(np.int8)
        found.append(run(network, q)[0])
    np.testing.assert_array_equal(*found)


def test_what_is_nearly_a_gru_stays_in_parts(tmp_path):
    """A blend of two numbers with a gate of its own each is none, and is computed all the same."""
    model, rows = Cell(True).model("gemm", "kept + taken"), rows_of()
    kept = next(node for node in model.graph.node if node.op_type == "Mul" and node.input[0] == "h_in")
    reset = [node.output[0] for node in model.graph.node if node.op_type == "Sigmoid"][1]
    kept.input[1] = reset
    graph = loaded(model, tmp_path)
    assert "gru" not in [op.label for op in graph.ops]
    np.testing.assert_allclose(float_run(graph, rows).values[graph.output], outputs(model, rows), atol=3e-6)
