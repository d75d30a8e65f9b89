# SPDX-License-Identifier: Apache-2.0
"""Passes of the import: what onnxruntime computes before and after is the same, and what exporters wrap around it is gone."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, kinds, same_step

SHARED = Path(os.environ.get("CODESIGN_SHARED", Path(__file__).parents[3] / "shared"))


def one(g, shape, result, opset=17, **metadata):
    return g.model({"x": shape}, {g.nodes[-1].output[0]: result}, opset, **metadata)


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 21, 23])
def test_versions_of_the_operators(opset):
    """Axes are attributes in old versions and inputs in new ones."""
    g = Graph()
    if opset < 13:
        x = g("Unsqueeze", g("Squeeze", "x", axes=[0]), axes=[0])
    else:
        x = g("Unsqueeze", g("Squeeze", "x", g.ints(0)), g.ints(0))
    g("Relu", g("MatMul", x, g.weights(6, 4)))
    done = same_step(one(g, [1, 6], [1, 4], opset))
    assert kinds(done) == ["MatMul", "Relu"]
    assert done.model.opset_import[0].version == max(21, opset)


def test_names_are_optional():
    g = Graph()
    g("Relu", g("MatMul", "x", g.weights(6, 4)))
    model = one(g, [1, 6], [1, 4])
    for node in model.graph.node:
        node.ClearField("name")
    assert all(node.name for node in same_step(model).model.graph.node)


def test_a_domain_that_no_node_uses():
    g = Graph()
    g("Relu", g("MatMul", "x", g.weights(6, 4)))
    model = one(g, [1, 6], [1, 4])
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    assert kinds(same_step(model)) == ["MatMul", "Relu"]


def test_shapes_that_are_computed():
    g = Graph()
    y = g("MatMul", "x", g.weights(6, 8))
    size = g("Gather", g("Shape", y), g.ints(1), axis=0)
    half = g("Div", size, g.ints(2))
    y = g("Add", g("Slice", y, g.ints(0), half, g.ints(1)), g("Slice", y, half, size, g.ints(1)))
    y = g("Expand", g("Reshape", y, g("Concat", g.ints(1, 1), half, axis=0)), g("Concat", g.ints(1, 1), half, axis=0))
    g("Where", g.constant(np.array([True])), g("Dropout", g("Cast", y, to=1)), g.constant(np.float32(0)))
    done = same_step(one(g, [1, 6], [1, 1, 4]))
    assert "Shape" not in kinds(done)
    assert {"Cast", "Dropout", "Expand", "Concat", "Gather", "Div"}.isdisjoint(kinds(done))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_weights_of_another_width(dtype):
    g = Graph()
    weights = g.constant(g.rng.standard_normal((6, 4)).astype(dtype))
    g(
        "Relu",
        g("MatMul", "x", g("Transpose", g("Slice", g("Cast", g("Transpose", weights), to=1), g.ints(0), g.ints(4), g.ints(0)))),
    )
    assert kinds(same_step(one(g, [1, 6], [1, 4]))) == ["MatMul", "Relu"]


def test_views_of_views():
    g = Graph()
    y = g("Transpose", g("Transpose", "x", perm=[2, 0, 1]), perm=[1, 2, 0])
    y = g("Reshape", g("Unsqueeze", g("Squeeze", y, g.ints(0)), g.ints(0)), g.ints(2, 3))
    g("Reshape", g("Transpose", g("Reshape", y, g.ints(1, 6, 1)), perm=[2, 0, 1]), g.ints(6))
    assert kinds(same_step(one(g, [1, 2, 3], [6]))) == ["Reshape"]


@pytest.mark.parametrize(
    ("index", "left"),
    [
        (np.array(2), {"Slice", "Reshape"}),
        (np.array(-1), {"Slice", "Reshape"}),
        (np.array([1, 3, 5]), {"Slice"}),
        (np.array([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7]]), {"Slice", "Unsqueeze", "Concat"}),
        (np.array([[0, 2], [1, 3], [2, 4]]), {"Slice", "Unsqueeze", "Concat"}),
        (np.array([3, 1, 2]), {"Gather"}),
    ],
)
def test_gather(index, left):
    g = Graph()
    y = g("Gather", "x", g.constant(index.astype(np.int64)), axis=1)
    g("Relu", y)
    assert set(kinds(same_step(one(g, [2, 8, 3], [2, *index.shape, 3])))) - {"Reshape"} == (left | {"Relu"}) - {"Reshape"}


@pytest.mark.parametrize(
    ("at", "sizes"),
    [((slice(0, 1),), (1, 3, 4)), ((1, slice(1, 3)), (2, 4)), ((slice(None), 2, slice(1, 2)), (2, 1)), ((-1,), (3, 4))],
)
def test_scatter_of_a_box(at, sizes):
    g = Graph()
    grid = np.arange(24).reshape(2, 3, 4)
    index = np.stack(np.unravel_index(grid[at].ravel(), grid.shape), -1)
    update = g("Reshape", "y", g.ints(len(index)))
    g("ScatterND", "x", g.constant(index.astype(np.int64)), update)
    model = g.model({"x": [2, 3, 4], "y": list(sizes)}, {g.nodes[-1].output[0]: [2, 3, 4]})
    assert "ScatterND" not in kinds(same_step(model))


def test_scatter_of_whole_rows():
    g = Graph()
    g("ScatterND", "x", g.constant(np.array([[-1]], np.int64)), "y")
    model = g.model({"x": [2, 3, 4], "y": [1, 3, 4]}, {g.nodes[-1].output[0]: [2, 3, 4]})
    assert kinds(same_step(model)) == ["Concat", "Slice"]


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("rank", [1, 2])
def test_kernels_of_one_on_one_position(kind, rank):
    g = Graph()
    weights = g.weights(*((4, 6) if kind == "Conv" else (6, 4)), *[1] * rank)
    g("Relu", g(kind, "x", weights, g.weights(4)))
    assert set(kinds(same_step(one(g, [1, 6, *[1] * rank], [1, 4, *[1] * rank])))) <= {"Gemm", "Relu", "Reshape"}


def batch_norm(g, x, channels):
    numbers = [g.constant(a.astype(np.float32)) for a in g.rng.uniform(0.2, 2, (4, channels))]
    return g("BatchNormalization", x, *numbers, epsilon=1e-3)


LAYERS = {
    "Gemm": ([1, 6], lambda g, x: g("Gemm", x, g.weights(4, 6), g.weights(4), transB=1), 4),
    "Gemm without a bias": ([1, 6], lambda g, x: g("Gemm", x, g.weights(6, 4), alpha=0.5), 4),
    "MatMul": ([1, 6], lambda g, x: g("MatMul", x, g.weights(6, 4)), 4),
    "MatMul and Add": ([1, 6], lambda g, x: g("Add", g.weights(4), g("MatMul", x, g.weights(6, 4))), 4),
    "Conv": ([1, 6, 5, 4], lambda g, x: g("Conv", x, g.weights(4, 6, 2, 3), g.weights(4)), 4),
    "Conv in groups": ([1, 6, 5, 4], lambda g, x: g("Conv", x, g.weights(4, 3, 2, 3), group=2), 4),
    "ConvTranspose in groups": (
        [1, 6, 5, 4],
        lambda g, x: g("ConvTranspose", x, g.weights(6, 2, 2, 3), g.weights(4), group=2, strides=[2, 1]),
        4,
    ),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_batch_norm_after_a_layer(layer):
    shape, make, channels = LAYERS[layer]
    g = Graph()
    g("Relu", batch_norm(g, make(g, "x"), channels))
    done = same_step(g.model({"x": shape}, {g.nodes[-1].output[0]: [None] * len(shape)}))
    assert {"BatchNormalization", "Mul"}.isdisjoint(kinds(done))
    assert ("Add" in kinds(done)) == ("MatMul" in layer)


@pytest.mark.parametrize("layer", LAYERS)
def test_batch_norm_before_a_layer(layer):
    shape, make, _ = LAYERS[layer]
    g = Graph()
    g("Relu", make(g, batch_norm(g, "x", shape[1])))
    done = same_step(g.model({"x": shape}, {g.nodes[-1].output[0]: [None] * len(shape)}))
    assert {"BatchNormalization", "Mul"}.isdisjoint(kinds(done))
    assert ("Add" in kinds(done)) == ("MatMul" in layer or "Transpose" in layer)


def test_an_offset_before_a_padded_convolution_stays():
    """Zeros around the input get no offset, so it cannot be a bias; the factor is folded."""
    g = Graph()
    g("Conv", batch_norm(g, "x", 6), g.weights(4, 6, 3, 3), pads=[1, 1, 1, 1])
    assert kinds(same_step(one(g, [1, 6, 5, 4], [1, 4, 5, 4]))) == ["Add", "Conv"]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_mean_and_deviation_before_a_recurrent_layer(kind):
    g, gates = Graph(), {"LSTM": 4, "GRU": 3}[kind]
    y = g("Div", g("Sub", "x", g.weights(6)), g.constant(g.rng.uniform(0.5, 2, 6).astype(np.float32)))
    y = g("Transpose", g("Mul", g("Neg", y), g.constant(np.float32(3))), perm=[1, 0, 2])
    states = ["h", "h"] if kind == "LSTM" else ["h"]
    g(kind, y, g.weights(1, gates * 5, 6), g.weights(1, gates * 5, 5), "", "", *states, hidden_size=5, outputs=["y", "h_out"])
    model = g.model({"x": [1, 1, 6], "h": [1, 1, 5]}, {"h_out": [1, 1, 5]})
    assert set(kinds(same_step(model))) <= {kind, "Reshape"}


def test_constants_through_views():
    """Mean over bins, then bins and frames flattened for one matrix: each column has its own number."""
    g = Graph()
    y = g("Mul", g("Sub", "x", g.weights(4)), g.constant(g.rng.uniform(0.5, 2, (3, 1)).astype(np.float32)))
    y = g(
        "Reshape",
        g("MatMul", g("Reshape", g("Transpose", y, perm=[0, 2, 1]), g.ints(1, 12)), g.weights(12, 6)),
        g.ints(1, 2, 3),
    )
    g("Relu", g("Mul", g("Add", y, g.weights(3)), g.constant(np.float32([[2], [0.5]]))))
    assert set(kinds(same_step(one(g, [1, 3, 4], [1, 2, 3])))) == {"Transpose", "Reshape", "MatMul", "Add", "Relu"}


def test_what_others_read_is_not_folded():
    g = Graph()
    y = g("MatMul", "x", g.weights(6, 4))
    g("Add", g("Sigmoid", g("Mul", y, g.constant(np.float32(2)))), g("Tanh", y))
    assert kinds(same_step(one(g, [1, 6], [1, 4]))) == ["Add", "MatMul", "Mul", "Sigmoid", "Tanh"]


def test_weights_that_two_layers_share():
    g = Graph()
    weights = g.weights(6, 6)
    y = g("Relu", g("Mul", g("MatMul", "x", weights), g.constant(np.float32(2))))
    g("Relu", g("Mul", g("MatMul", y, weights), g.constant(np.float32(3))))
    assert kinds(same_step(one(g, [1, 6], [1, 6]))) == ["MatMul", "Relu"]


def test_quantized_weights_stay_integers():
    g = Graph()
    integers = g.constant(g.rng.integers(-127, 127, (6, 4)).astype(np.int8))
    y = g("MatMul", "x", g("DequantizeLinear", integers, g.constant(np.float32(0.01)), g.constant(np.int8(0))))
    g("Relu", g("Mul", y, g.constant(np.float32(2))))
    assert kinds(same_step(one(g, [1, 6], [1, 4]))) == ["DequantizeLinear", "MatMul", "Mul", "Relu"]


def test_functions_are_inlined():
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    silu = helper.make_function(
        "own",
        "Silu",
        ["a"],
        ["b"],
        [helper.make_node("Sigmoid", ["a"], ["s"]), helper.make_node("Mul", ["a", "s"], ["b"])],
        opsets,
    )
    nodes = [helper.make_node("Silu", ["x"], ["s"], domain="own"), helper.make_node("Silu", ["s"], ["y"], domain="own")]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 6]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=opsets, functions=[silu], ir_version=8)
    assert len(same_step(model).model.graph.node) == 4


def branch(output, *nodes, tensors=()):
    return helper.make_graph(
        list(nodes), output, [], [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], list(tensors)
    )


def test_a_branch_that_is_known():
    g = Graph()
    y = g("MatMul", "x", g.weights(6, 4))
    then = branch(
        "a", helper.make_node("Squeeze", [y, "axis"], ["a"]), tensors=[numpy_helper.from_array(np.array([0]), "axis")]
    )
    same = branch("b", helper.make_node("Identity", [y], ["b"]))
    rank = g("Equal", g("Size", g("Shape", y)), g.constant(np.array(3, np.int64)))
    g("Relu", g("If", rank, then_branch=then, else_branch=same))
    assert kinds(same_step(one(g, [1, 6], [1, 4]))) == ["MatMul", "Relu"]


def test_a_branch_that_is_computed_is_refused():
    g = Graph()
    same = branch("b", helper.make_node("Identity", ["x"], ["b"]))
    other = branch("a", helper.make_node("Relu", ["x"], ["a"]))
    g("If", g("Greater", g("ReduceMax", "x", keepdims=0), g.constant(np.float32(0))), then_branch=other, else_branch=same)
    with pytest.raises(InputError, match=r"if\d+.*condition is computed"):
        simplify(PATH, one(g, [1, 6], [1, 6]))


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_loop_is_unrolled(rounds):
    g, info = Graph(), helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Gemm", ["h", "w"], ["a"]),
            helper.make_node("Tanh", ["a"], ["h_next"]),
            helper.make_node("Less", ["i", "last"], ["on"]),
            *([helper.make_node("Identity", ["a"], ["seen"])] if rounds == 1 else []),
        ],
        "body",
        [info("i", TensorProto.INT64, []), info("going", TensorProto.BOOL, []), info("h", TensorProto.FLOAT, [1, 6])],
        [
            info("on", TensorProto.BOOL, []),
            info("h_next", TensorProto.FLOAT, [1, 6]),
            *([info("seen", TensorProto.FLOAT, [1, 6])] if rounds == 1 else []),
        ],
        [
            numpy_helper.from_array(g.rng.standard_normal((6, 6)).astype(np.float32), "w"),
            numpy_helper.from_array(np.array(rounds - 1), "last"),
        ],
    )
    y = g("Loop", g.constant(np.array(9)), "", "x", outputs=["h9", "all"] if rounds == 1 else ["h9"], body=body)
    limit = rounds
    g.nodes[-1].input[0] = g.constant(np.array(limit))
    y = g("Add", y, g("Squeeze", "all", g.ints(0))) if rounds == 1 else g("Relu", y)
    done = same_step(one(g, [1, 6], [1, 6]))
    assert sum(node.op_type == "Gemm" for node in done.model.graph.node) == rounds


def with_outputs(**shapes):
    g = Graph()
    y = g("MatMul", "x", g.weights(6, 6))
    g("Sigmoid", y, outputs=["mask"])
    g("Sigmoid", g("MatMul", y, g.weights(6, 1)), outputs=["vad"])
    g("Tanh", y, outputs=["other"])
    return g.model({"x": [1, 6]}, {name: [1, 1 if name == "vad" else 6] for name in shapes})


def test_other_outputs_go_with_a_note():
    done = same_step(with_outputs(vad=1, mask=1))
    assert [o.name for o in done.model.graph.output] == ["mask"]
    assert any("'vad'" in note and "dropped" in note for note in done.notes)


def test_the_wanted_output_stays():
    done = simplify(PATH, with_outputs(mask=1, other=1, vad=1), "other")
    assert [o.name for o in done.model.graph.output] == ["other"]
    both = simplify(PATH, with_outputs(mask=1, other=1, vad=1))
    assert [o.name for o in both.model.graph.output] == ["mask", "other"]
    with pytest.raises(InputError, match="no output 'nothing'") as caught:
        simplify(PATH, with_outputs(mask=1, vad=1), "nothing")
    assert "'vad'" in caught.value.hint


def shared_files():
    return sorted([*SHARED.glob("cases/import/*.onnx"), *SHARED.glob("networks/*.onnx")])


@pytest.mark.skipif(not shared_files(), reason="no networks of other people beside the project")
def test_files_of_other_people():
    for path in shared_files():
        model = onnx.load(path)
        if path.stem in ("nsnet2", "lstm_nostate_T1_dynamo"):
            continue
        done = same_step(model)
        assert {"Constant", "Shape", "ScatterND", "BatchNormalization", "Loop", "Cast", "Expand"}.isdisjoint(kinds(done)), path
        print(f"{path.stem}: {', '.join(kinds(done))}")


def test_a_slice_of_joined_values():
    g = Graph()
    y = g("Concat", g("Relu", "x"), g("Tanh", "x"), g("Sigmoid", "x"), axis=1)
    g("Neg", g("Slice", y, g.ints(7), g.ints(11), g.ints(1)))
    assert kinds(same_step(one(g, [1, 6], [1, 4]))) == ["Neg", "Slice", "Tanh"]
