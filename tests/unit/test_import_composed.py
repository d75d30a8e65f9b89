# SPDX-License-Identifier: Apache-2.0
"""Operators that become others: onnxruntime computes the same before and after, and each is right in the graph, too."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.model.onnx_model import load_stage
from codesign.compiler.model.ops import OPERATORS
from codesign.compiler.model.passes import simplify
from codesign.compiler.model.stage import StageFile
from codesign.compiler.quantize.float_run import float_run
from onnx_graphs import PATH, Graph, kinds, same_sequence, same_step, session


def step(g, shape, opset=18):
    """The graph as a model that gives its last node's result, whose shape onnxruntime knows."""
    name = g.nodes[-1].output[0]
    infos = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in (("x", shape), (name, None))]
    graph = helper.make_graph(g.nodes, "graph", *infos, g.tensors)
    open_ = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    size = session(open_).run(None, {"x": np.zeros(shape, np.float32)})[0].shape
    return g.model({"x": shape}, {name: list(size)}, opset)


def same(g, shape, tmp_path, opset=18):
    """The simplified model computes what the model computes, with operators of the table alone, and so does the graph."""
    model = step(g, shape, opset)
    done = same_step(model)
    assert set(kinds(done)) <= OPERATORS.keys()
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    x = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    wanted = session(model).run(None, {"x": x})[0].ravel()
    found = graph_of(path, x)
    assert np.abs(found - wanted).max() <= 1e-5 * max(1.0, float(np.abs(wanted).max()))
    return done


def loaded(path):
    return load_stage(StageFile(path, None, None), strict=False)[0]


def graph_of(path, x):
    graph = loaded(path)
    return float_run(graph, x.reshape(1, -1)).values[graph.output].ravel()


@pytest.mark.parametrize(
    ("equation", "weights"),
    [
        ("btgi,gih->btgh", (4, 3, 5)),
        ("btgi,hi->btgh", (7, 3)),
        ("b...gi,gi->b...g", (4, 3)),
        ("gih,btgi->btgh", (4, 3, 5)),
        ("btgi->bgit", None),
        ("btgi->btg", None),
    ],
)
def test_einsum_with_weights(equation, weights, tmp_path):
    g = Graph()
    names = ["x"] if weights is None else ["x", g.weights(*weights)]
    if equation.startswith("gih"):
        names = names[::-1]
    g("Relu", g("Einsum", *names, equation=equation))
    same(g, [1, 2, 4, 3], tmp_path)


@pytest.mark.parametrize("equation", ["bcft,bcyt->btfy", "bcft,bdft->bcd", "bcft,bcft->bf"])
def test_einsum_of_two_computed_values(equation, tmp_path):
    g = Graph()
    g("Relu", g("Einsum", g("Tanh", "x"), g("Sigmoid", "x"), equation=equation))
    same(g, [1, 3, 5, 1], tmp_path)


def test_einsum_over_frames_takes_each_alone():
    """The grouped linear layers of DeepFilterNet, over many frames."""
    g = Graph()
    y = g("Reshape", "x", g.ints(0, 0, 3, 2))
    y = g("Reshape", g("Einsum", y, g.weights(3, 2, 4), equation="btgi,gih->btgh"), g.ints(0, 0, 12))
    weights = [g.weights(1, 15, 12), g.weights(1, 15, 5), g.weights(1, 30)]
    y = g("GRU", g("Transpose", y, perm=[1, 0, 2]), *weights, hidden_size=5, outputs=["y", ""])
    g("Sigmoid", g("Transpose", g("Squeeze", y, g.ints(1)), perm=[1, 0, 2]), outputs=["mask"])
    same_sequence(g.model({"x": [1, "frames", 6]}, {"mask": [1, "frames", 5]}))


def test_attention_by_hand(tmp_path):
    g = Graph()
    q, k, v = (
        g("Transpose", g("Reshape", g("MatMul", "x", g.weights(8, 8)), g.ints(1, 6, 2, 4)), perm=[0, 2, 1, 3]) for _ in "qkv"
    )
    scores = g("Softmax", g("MatMul", q, g("Transpose", k, perm=[0, 1, 3, 2])), axis=-1)
    g("Reshape", g("Transpose", g("MatMul", scores, v), perm=[0, 2, 1, 3]), g.ints(1, 6, 8))
    same(g, [1, 6, 8], tmp_path)


@pytest.mark.parametrize(("heads", "options"), [((4, 4), {}), ((4, 2), {"scale": 0.3}), ((4, 4), {"softcap": 2.0})])
def test_the_operator_attention(heads, options, tmp_path):
    g = Graph()
    q = g("MatMul", "x", g.weights(8, 4 * heads[0]))
    k, v = (g("MatMul", "x", g.weights(8, 4 * heads[1])) for _ in "kv")
    g("Relu", g("Attention", q, k, v, q_num_heads=heads[0], kv_num_heads=heads[1], **options))
    try:
        session(step(g, [1, 5, 8], 23))
    except Exception as error:  # an onnxruntime of before opset 23
        pytest.skip(f"onnxruntime has no Attention: {error}")
    same(g, [1, 5, 8], tmp_path, 23)


@pytest.mark.parametrize(("kind", "opset"), [("InstanceNormalization", 18), ("GroupNormalization", 21)])
def test_normalization_of_groups(kind, opset, tmp_path):
    g, groups = Graph(), 2 if kind == "GroupNormalization" else 6
    options = {"num_groups": groups} if kind == "GroupNormalization" else {}
    g("Tanh", g(kind, "x", g.weights(6), g.weights(6), epsilon=1e-3, **options))
    same(g, [1, 6, 1, 7], tmp_path, opset)


def test_other_normalizations(tmp_path):
    g = Graph()
    y = g("LpNormalization", "x", axis=-1, p=2)
    y = g("MeanVarianceNormalization", g("LpNormalization", y, axis=1, p=1), axes=[1])
    g("Tanh", g("ReduceLogSumExp", g("ReduceL2", g("ReduceL1", y, g.ints(2), keepdims=1), g.ints(3), keepdims=1), g.ints(1)))
    same(g, [1, 4, 3, 6], tmp_path)


@pytest.mark.parametrize(
    "options", [{}, {"pads": [1, 1]}, {"pads": [1, 1], "count_include_pad": 1}, {"auto_pad": "SAME_UPPER"}]
)
@pytest.mark.parametrize("kind", ["AveragePool", "MaxPool"])
def test_pools(kind, options, tmp_path):
    if kind == "MaxPool":
        options = {key: value for key, value in options.items() if key != "count_include_pad"}
    g = Graph()
    y = g(kind, "x", kernel_shape=[3], strides=[2], **options)
    g("Tanh", g("Add", g("GlobalMaxPool", y), g("GlobalAveragePool", y)))
    same(g, [1, 4, 9], tmp_path)


@pytest.mark.parametrize("axes", [[1], [2, 3], [1, 3], None])
def test_largest_and_smallest_along_axes(axes, tmp_path):
    g = Graph()
    given = [] if axes is None else [g.ints(*axes)]
    g("Tanh", g("Sub", g("ReduceMax", "x", *given, keepdims=1), g("ReduceMin", "x", *given, keepdims=1)))
    same(g, [1, 3, 5, 2], tmp_path)


def test_any_number_of_values(tmp_path):
    g = Graph()
    three = [g(kind, "x") for kind in ("Tanh", "Sigmoid", "Softsign")]
    g("Mean", g("Sum", *three), g("Max", *three), g("Min", *three))
    same(g, [1, 6], tmp_path)


@pytest.mark.parametrize(
    "options", [{"mode": "nearest"}, {"mode": "linear"}, {"mode": "cubic"}, {"coordinate_transformation_mode": "asymmetric"}]
)
@pytest.mark.parametrize("by", ["scales", "sizes"])
def test_resize_along_frequency(by, options, tmp_path):
    g = Graph()
    given = ["", g.constant(np.array([1, 1, 1, 2], np.float32))] if by == "scales" else ["", "", g.ints(1, 2, 1, 14)]
    g("Tanh", g("Resize", "x", *given, **options))
    same(g, [1, 2, 1, 7], tmp_path)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_pixels_shuffled(mode, tmp_path):
    g = Graph()
    g("SpaceToDepth", g("Tanh", g("DepthToSpace", "x", blocksize=2, mode=mode)), blocksize=2)
    same(g, [1, 8, 2, 3], tmp_path)


@pytest.mark.parametrize("options", [{}, {"exclusive": 1}, {"reverse": 1}])
def test_sums_so_far(options, tmp_path):
    g = Graph()
    g("Tanh", g("CumSum", "x", g.constant(np.array(1, np.int64)), **options))
    same(g, [1, 6, 2], tmp_path)


def test_log_softmax_along_channels(tmp_path):
    g = Graph()
    g("Tanh", g("LogSoftmax", "x", axis=1))
    same(g, [1, 6, 3], tmp_path)


@pytest.mark.parametrize("kind", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
@pytest.mark.parametrize("slopes", [(), (3, 1), (1, 4)])
def test_a_slope_below_zero_by_hand(kind, slopes, tmp_path):
    """PReLU as UL-UNAS and torch.where write it; one slope a channel or a bin."""
    g = Graph()
    zero, below = g.constant(np.float32(0)), g("Mul", g.weights(*slopes or (1,)), "x")
    chosen = ("x", below) if kind.startswith("Greater") else (below, "x")
    g("Where", g(kind, "x", zero), *chosen)
    done = same(g, [1, 3, 4], tmp_path)
    assert kinds(done) == ["PRelu"]


def test_bounds_by_hand(tmp_path):
    g = Graph()
    one, minus = g.constant(np.float32(1)), g.constant(np.full((1, 6), -1, np.float32))
    y = g("Where", g("Greater", "x", one), one, "x")
    y = g("Where", g("Not", g("Greater", minus, y)), y, minus)
    other = g("Tanh", "x")
    g("Where", g("Less", y, other), other, y)
    assert {"Where", "Less", "Not"}.isdisjoint(kinds(same_step(step(g, [1, 6]))))


@pytest.mark.parametrize("exporter", ["elu", "softplus", "shrink", "sign", "gelu", "filled"])
def test_a_function_in_pieces_is_one_table(exporter, tmp_path):
    g = Graph()
    zero, one = g.constant(np.float32(0)), g.constant(np.float32(1))
    if exporter == "elu":
        g("Where", g("Greater", "x", zero), "x", g("Mul", g.constant(np.float32(0.7)), g("Sub", g("Exp", "x"), one)))
    elif exporter == "softplus":
        log = g("Log", g("Add", one, g("Exp", "x")))
        g("Where", g("Greater", "x", g.constant(np.float32(20))), "x", log)
    elif exporter == "shrink":
        inside = g("And", g("LessOrEqual", "x", one), g("Not", g("Less", "x", g.constant(np.float32(-1)))))
        g("Where", inside, g("Mul", "x", g.constant(np.float32(0.1))), g("Sub", "x", g("Sign", "x")))
    elif exporter == "sign":
        g("Mul", g("Sign", "x"), g("Log", g("Add", g("Abs", "x"), one)))
    elif exporter == "filled":
        g("Where", g("Equal", "x", zero), one, g("Abs", "x"))
    else:
        g("Gelu", "x", approximate="tanh")
    same(g, [1, 40], tmp_path, 20)
    assert [op.label for op in loaded(tmp_path / "model.onnx").ops] == ["curve"]


def test_what_is_not_one_number_s_choice_is_refused(tmp_path):
    g = Graph()
    g("Where", g("Greater", "x", g.constant(np.float32(0))), g("MatMul", "x", g.weights(6, 6)), "x")
    (tmp_path / "model.onnx").write_bytes(step(g, [1, 6]).SerializeToString())
    with pytest.raises(InputError, match="chooses between values by a computed condition"):
        loaded(tmp_path / "model.onnx")


def test_products_beyond_a_value_are_refused():
    g = Graph()
    g("Relu", g("MatMul", "x", g("Transpose", "x", perm=[0, 2, 1])))
    with pytest.raises(InputError, match="65,536 products, more than 65,535"):
        simplify(PATH, step(g, [1, 64, 16]))


def test_a_pad_of_pools_that_nothing_says():
    g = Graph()
    g("Relu", g("MaxPool", "x", kernel_shape=[3], strides=[2], ceil_mode=1))
    with pytest.raises(InputError, match="beyond what is padded"):
        simplify(PATH, step(g, [1, 2, 8]))


def test_deep_networks_are_read(tmp_path):
    """Hundreds of operators in a row, as a searched network has them."""
    g, y = Graph(), "x"
    for _ in range(700):
        y = g("Tanh", y)
    path = tmp_path / "deep.onnx"
    path.write_bytes(step(g, [1, 6]).SerializeToString())
    x = np.linspace(-1, 1, 6)
    found = graph_of(path, x)
    wanted = x
    for _ in range(700):
        wanted = np.tanh(wanted)
    assert np.abs(found - wanted).max() < 1e-6


def test_constant_nodes_do_not_count(tmp_path):
    """Exporters without constant folding write thousands."""
    g = Graph()
    constants = [helper.make_node("Constant", [], [f"c{i}"], value_float=float(i % 2)) for i in range(5000)]
    g.nodes += constants
    g("Relu", g("Add", "x", "c1"))
    path = tmp_path / "many.onnx"
    path.write_bytes(step(g, [1, 6]).SerializeToString())
    assert np.array_equal(graph_of(path, np.arange(6.0)), np.arange(6.0) + 1)


@pytest.mark.parametrize("inputs", ["float16", "float32"])
def test_half_precision_is_taken_in_float32(inputs, tmp_path):
    """A network exported after .half(), or converted with its inputs kept: no rounding of float16 is left."""
    g = Graph()
    half = g.constant(np.random.default_rng(3).standard_normal((6, 4)).astype(np.float16))
    source = "x" if inputs == "float16" else g("Cast", "x", to=TensorProto.FLOAT16)
    y = g("Tanh", g("MatMul", source, half))
    if inputs == "float32":
        y = g("Cast", y, to=TensorProto.FLOAT)
    kind = TensorProto.FLOAT16 if inputs == "float16" else TensorProto.FLOAT
    infos = [[helper.make_tensor_value_info(name, kind, [1, n])] for name, n in (("x", 6), (y, 4))]
    graph = helper.make_graph(g.nodes, "graph", *infos, g.tensors)
    path = tmp_path / "half.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    weights = next(numpy_helper.to_array(t) for t in g.tensors).astype(np.float64)
    x = np.random.default_rng(4).standard_normal(6)
    assert np.abs(graph_of(path, x) - np.tanh(x @ weights)).max() < 1e-6
    assert any("float16" in note for note in loaded(path).notes)


def test_one_number_beside_the_gains_is_dropped(tmp_path):
    """The probability of speech of RNNoise and PercepNet."""
    g = Graph()
    g("Sigmoid", g("MatMul", "x", g.weights(6, 4)), outputs=["gains"])
    g("Sigmoid", g("MatMul", "x", g.weights(6, 1)), outputs=["vad"])
    path = tmp_path / "model.onnx"
    path.write_bytes(g.model({"x": [1, 6]}, {"vad": [1, 1], "gains": [1, 4]}).SerializeToString())
    graph = loaded(path)
    assert graph.output == "gains"
    assert "output 'vad' [1, 1] is dropped: 'gains' is the network's result" in graph.notes


def test_a_convolution_without_frames_before_the_first():
    g = Graph()
    y = g("Conv", g("Transpose", "x", perm=[0, 2, 1]), g.weights(6, 6, 3))
    g("Sigmoid", g("Transpose", y, perm=[0, 2, 1]), outputs=["mask"])
    with pytest.raises(InputError, match="gives 2 frames fewer than it reads") as caught:
        simplify(PATH, g.model({"x": [1, "frames", 6]}, {"mask": [1, "fewer", 6]}))
    assert "pad 2 frames" in str(caught.value.hint)


@pytest.mark.parametrize("keep", [0, 1])
def test_a_magnitude_by_a_sum_of_squares(keep, tmp_path):
    """torch.sqrt(torch.sum(x ** 2, -1) + 1e-8), which many networks of complex spectra begin with."""
    g = Graph()
    total = g("ReduceSum", g("Pow", "x", g.constant(np.float32(2))), g.ints(-1), keepdims=keep)
    g("Sqrt", g("Add", total, g.constant(np.float32(1e-8))))
    same(g, [1, 5, 2], tmp_path)
    assert "magnitude" in [op.label for op in loaded(tmp_path / "model.onnx").ops]


def test_a_mean_over_axes_with_one_element_between(tmp_path):
    """Over channels and bins of one frame, [1, channels, 1, bins]: to the layer they follow one another."""
    g = Graph()
    g("Tanh", g("ReduceMean", "x", g.ints(1, 3), keepdims=1))
    same(g, [1, 4, 1, 5], tmp_path)
    assert [op.axes for op in loaded(tmp_path / "model.onnx").ops if op.label == "mean"] == [(0, 1, 2)]
