# SPDX-License-Identifier: Apache-2.0
"""Layer normalizations as exporters write them, in all orders and over all axes, become one operator that keeps their range."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, session

SHAPE = (1, 3, 4, 5)


def number(g: Graph, x: float) -> str:
    return g.constant(np.array(x, np.float32))


def normalized(g: Graph, axes: list[int], root: str, gain: str, *, twice: bool) -> str:
    """x − mean over the axes, through its deviation, in one of the ways in which that is written."""
    axes_name = g.ints(*axes)
    centred = g("Sub", "x", g("ReduceMean", "x", axes_name))
    again = g("Sub", "x", g("ReduceMean", "x", axes_name)) if twice else centred
    variance = g("ReduceMean", g("Mul", again, again) if twice else g("Pow", again, number(g, 2.0)), axes_name)
    total = g("Add", variance, number(g, 1e-8))
    shape = [n if axis in axes else 1 for axis, n in enumerate(SHAPE)]
    factor = g.weights(*shape)
    if gain == "before":
        centred = g("Mul", factor, centred)
    match root:
        case "pow":
            made = g("Div", centred, g("Pow", total, number(g, 0.5)))
        case "inverse pow":
            made = g("Mul", g("Pow", total, number(g, -0.5)), centred)
        case "one over":
            made = g("Mul", centred, g("Div", number(g, 1.0), g("Sqrt", total)))
        case _:
            made = g("Div", centred, g("Sqrt", total))
    return g("Add", made if gain == "before" else g("Mul", made, factor), g.weights(*shape))


FORMS = list(itertools.product(([3], [1], [1, 3], [1, 2, 3]), ("pow", "inverse pow", "one over", "sqrt"), ("before", "after")))


@pytest.mark.parametrize(("axes", "root", "gain"), FORMS)
def test_a_normalization_in_pieces_is_one_operator(axes, root, gain):
    g = Graph()
    g("Relu", normalized(g, axes, root, gain, twice=root in ("pow", "sqrt")), outputs=["y"])
    model = g.model({"x": list(SHAPE)}, {"y": list(SHAPE)}, opset=18)
    made = simplify(PATH, model).model
    kinds = [node.op_type for node in made.graph.node]
    assert kinds.count("LayerNormalization") == 1
    assert not {"ReduceMean", "Sqrt", "Pow", "Div", "Reciprocal"} & set(kinds)
    x = np.random.default_rng(1).normal(0, 1e-3, SHAPE).astype(np.float32)
    np.testing.assert_allclose(session(made).run(None, {"x": x})[0], session(model).run(None, {"x": x})[0], atol=3e-5)


def test_what_divides_by_another_deviation_stays_as_it_is():
    g = Graph()
    axes = g.ints(3)
    centred = g("Sub", "x", g("ReduceMean", "x", axes))
    other = g("Sub", "x", g("ReduceMean", "x", g.ints(1)))
    total = g("Add", g("ReduceMean", g("Mul", other, other), axes), number(g, 1e-8))
    g("Div", centred, g("Sqrt", total), outputs=["y"])
    made = simplify(PATH, g.model({"x": list(SHAPE)}, {"y": list(SHAPE)}, opset=18)).model
    assert "LayerNormalization" not in [node.op_type for node in made.graph.node]
