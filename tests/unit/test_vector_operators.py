# SPDX-License-Identifier: Apache-2.0
"""Two operands, layers over positions, means, normalizations and slopes, from files to firmware; oracle: onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from test_states import N, ended, saved, start

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph
from whole_way import whole_way

pytestmark = pytest.mark.slow  # the file as a whole

FEATURES = np.random.default_rng(1).uniform(0, 3, (40, N)).astype(np.float32)
ROWS, COLUMNS = 2, 4


def ints(net, name, *numbers):
    return net.constant(name, np.array(numbers, np.int64))


def floats(net, name, *shape, low=-1.0, high=1.0):
    return net.constant(name, net.rng.uniform(low, high, shape).astype(np.float32))


def dense(net, name="dense"):
    return net.node("Gemm", ["features", net.weights(f"{name}_w", N, N), net.weights(f"{name}_b", N)], name, transB=1)


def grid(net, source="dense", name="grid"):
    """The values as [1, 2, 4]."""
    return net.node("Reshape", [source, ints(net, f"{name}_shape", 1, ROWS, COLUMNS)], name)


def flat(net, source, size=N):
    return ended(net, net.node("Reshape", [source, ints(net, "flat_shape", 1, size)], "flat"), size)


def operands():
    """Every operation between two values, constants on either side, residuals and 1 − σ."""
    net = start()
    a, b = dense(net, "a"), net.node("Tanh", [dense(net, "b")], "tanh")
    one = net.constant("one", np.array([1.0], np.float32))
    row = floats(net, "row", N, low=0.5, high=2.0)
    results = [net.node(kind, [a, b], kind.lower()) for kind in ("Add", "Sub", "Mul", "Min", "Max")] + [
        net.node("Sub", [one, net.node("Sigmoid", [a], "gate")], "open"),
        net.node("Mul", ["features", "gate"], "masked"),
        net.node("Div", [b, row], "divided"),
        net.node("Max", [b, net.constant("floor", np.array([-0.25], np.float32))], "floored"),
        net.node("Add", [b, row], "moved"),
        net.node("Div", [b, net.node("Exp", [net.node("Abs", [b], "size")], "exp")], "ratio"),
    ]
    return ended(net, net.node("Concat", results, "all", axis=1), N * len(results))


def nearly_nothing():
    """Products that are far smaller than their operands could make them, or nothing at all."""
    net = start()
    a = net.node("Tanh", [dense(net, "a")], "tanh")
    nothing = net.node("Mul", [a, net.constant("zero", np.array([0.0], np.float32))], "nothing")
    little = net.node("Mul", [a, net.constant("tiny", np.full(N, 1e-6, np.float32))], "little")
    return ended(net, net.node("Add", [a, net.node("Add", [nothing, little], "both")], "all"), N)


def broadcast():
    net = start()
    net.node("Elu", [dense(net)], "elu")
    grid(net, "elu")
    column = net.node("ReduceMean", ["grid", ints(net, "axes", 2)], "column", keepdims=1)
    centred = net.node("Sub", ["grid", column], "centred")
    scaled = net.node("Mul", [centred, floats(net, "factor", ROWS, 1, low=0.5, high=2.0)], "scaled")
    return flat(net, net.node("Add", [scaled, floats(net, "offset", COLUMNS)], "moved"))


def positions():
    """A linear layer at each of two positions, with an activation that it takes on and one that it does not."""
    net = start()
    net.node("Elu", [dense(net)], "elu")
    grid(net, "elu")
    net.node("MatMul", ["grid", net.weights("m", COLUMNS, 6)], "product")
    net.node("Relu", [net.node("Add", ["product", net.weights("m_b", 6)], "sum")], "relu")
    net.node("MatMul", ["relu", net.weights("k", 6, COLUMNS)], "again")
    return flat(net, net.node("Sigmoid", ["again"], "gates"))


def normalized():
    net = start()
    grid(net, dense(net))
    inputs = ["grid", floats(net, "gain", COLUMNS, low=0.5, high=2.0), floats(net, "bias", COLUMNS)]
    return flat(net, net.node("LayerNormalization", inputs, "norm", axis=-1, epsilon=1e-3))


def in_pieces(square="Mul", divide="Div"):
    net = start()
    grid(net, dense(net))
    axes = ints(net, "axes", 1, 2)
    centred = net.node("Sub", ["grid", net.node("ReduceMean", ["grid", axes], "mean", keepdims=1)], "centred")
    other = net.constant("two", np.array(2.0, np.float32)) if square == "Pow" else centred
    variance = net.node("ReduceMean", [net.node(square, [centred, other], "square"), axes], "variance", keepdims=1)
    total = net.node("Add", [net.constant("epsilon", np.array(1e-5, np.float32)), variance], "total")
    root = net.node("Sqrt", [total], "root")
    if divide == "Mul":
        root = net.node("Reciprocal", [root], "inverse")
    scaled = net.node(
        "Mul", [floats(net, "gain", ROWS, COLUMNS, low=0.5, high=2.0), net.node(divide, [centred, root], "unit")], "scaled"
    )
    return flat(net, net.node("Add", [scaled, floats(net, "bias", COLUMNS)], "norm"))


def means():
    net = start()
    net.node("Elu", [dense(net)], "elu")
    grid(net, "elu")
    square = net.node("Pow", ["grid", net.constant("two", np.array(2.0, np.float32))], "square")
    results = [
        net.node("ReduceMean", ["grid", ints(net, "last", 2)], "mean", keepdims=0),
        net.node("ReduceMean", [square, ints(net, "last2", -1)], "power", keepdims=0),
        net.node("ReduceSum", ["grid", ints(net, "last3", 2)], "sum", keepdims=0),
    ]
    return ended(net, net.node("Concat", results, "all", axis=1), 3 * ROWS)


def slopes():
    net = start()
    grid(net, dense(net))
    channels = net.node("PRelu", ["grid", floats(net, "slopes", ROWS, 1)], "prelu")
    return flat(net, net.node("PRelu", [channels, floats(net, "others", COLUMNS)], "second"))


def linear_head():
    """An output that is no mask: any scale."""
    net = start()
    net.node("Gemm", ["features", net.weights("w", N, N, gain=3.0), net.weights("b", N)], "mask", transB=1)
    net.outputs["mask"] = N
    return net


CASES = {
    "operands": operands,
    "broadcast": broadcast,
    "positions": positions,
    "normalized": normalized,
    "in pieces": in_pieces,
    "in pieces, pow and reciprocal": lambda: in_pieces("Pow", "Mul"),
    "means": means,
    "slopes": slopes,
    "linear head": linear_head,
    "nearly nothing": nearly_nothing,
}


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_whole_way(name, activations, tmp_path):
    emulated = activations == "int16" and name in ("operands", "in pieces")
    way = whole_way(saved(CASES[name](), tmp_path), FEATURES, tmp_path, activations, emulated)
    assert way.mask_db > (25.0 if activations == "int8" else 40.0)
    if name.startswith("in pieces"):
        assert {op.label for op in way.graph.ops} >= {"normalize"}
        assert not {op.label for op in way.graph.ops} & {"mean", "sqrt", "reciprocal"}


def axes_apart(net):
    cube = net.node("Reshape", [dense(net), ints(net, "cube_shape", 1, 2, 2, 2)], "cube")
    net.node("ReduceMean", [cube, ints(net, "axes", 1, 3)], "bad")


def by_zero(net):
    net.node("Div", [dense(net), net.constant("zero", np.zeros(N, np.float32))], "bad")


REFUSED = {
    "hardmax": (lambda net: net.node("Hardmax", [dense(net)], "bad", axis=-1), "Hardmax is not supported"),
    "axes apart": (axes_apart, "axes"),
    "division": (by_zero, "divides by zero"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_no_layer_computes_is_refused_by_name(name, tmp_path):
    make, reason = REFUSED[name]
    net = start()
    make(net)
    with pytest.raises(InputError, match=reason):
        graph = load_onnx(saved(flat(net, "bad", 2 if name == "axes apart" else N), tmp_path))
        lower(quantize_graph(graph, [FEATURES]))
