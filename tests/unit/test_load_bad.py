# SPDX-License-Identifier: Apache-2.0
"""One small bad file per rule: each gets one line that says what and where, and exit code 2."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.operators.binary import Binary
from codesign.compiler.quantize import quantize_graph, write_qdq
from models import float_network
from refusals import initializer, node_of, refused, replaced


def test_truncated(tmp_path):
    data = float_network().model().SerializeToString()
    for length in (0, 1, 10, len(data) // 3, len(data) - 1):
        refused(data[:length], tmp_path, "truncated" if length > 0 else "not an ONNX file")


def test_garbage(tmp_path):
    refused(b"not an onnx file at all" * 50, tmp_path, "ONNX")
    refused(np.random.default_rng(0).bytes(4096), tmp_path, "ONNX")


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(InputError, match=path.name):
            load_onnx(path)


@pytest.mark.parametrize("opset", [1, 8, 99])
def test_wrong_opset(opset, tmp_path):
    refused(float_network(form="separate").model(opset=opset), tmp_path, f"opset {opset}", "9 to")


def test_foreign_domain(tmp_path):
    net = float_network()
    net.nodes[-1] = helper.make_node("Sigmoid", ["fc1"], ["mask"], name="the end", domain="com.example")
    model = net.model()
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    refused(model, tmp_path, "the end", "com.example", "operators.md")


def test_unknown_operator(tmp_path):
    net = float_network()
    net.nodes[-1] = helper.make_node("Hardmax", ["fc1"], ["mask"], name="the end")
    refused(net.model(), tmp_path, "the end", "Hardmax", "not supported", "docs/operators.md")


def test_float64_weights(tmp_path):
    model = float_network(form="separate").model()
    refused(replaced(model, "fc0_w", np.zeros((10, 6))), tmp_path, "fc0", "double")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value, tmp_path):
    model = float_network().model()
    weights = numpy_helper.to_array(initializer(model, "lstm0_r")).copy()
    weights[0, 3, 2] = value
    refused(replaced(model, "lstm0_r", weights), tmp_path, "lstm0_r", "NaN or infinity")


@pytest.fixture(scope="module")
def quantized(tmp_path_factory):
    path = tmp_path_factory.mktemp("qdq") / "q.onnx"
    onnx.save(float_network(form="stacked").model(), path)
    features = np.random.default_rng(2).uniform(0, 3, (50, 12)).astype(np.float32)
    write_qdq(quantize_graph(load_onnx(path), [features]), path)
    return path.read_bytes()


def with_scale(data, scale, kind):
    model = onnx.load_from_string(data)
    node = next(n for n in model.graph.node if n.op_type == kind)
    model.graph.initializer.append(numpy_helper.from_array(np.float32(scale), "bad_scale"))
    node.input[1] = "bad_scale"
    return model


@pytest.mark.parametrize("scale", [0.0, -0.5])
@pytest.mark.parametrize("kind", ["QuantizeLinear", "DequantizeLinear"])
def test_scales_that_are_not_positive(scale, kind, quantized, tmp_path):
    refused(with_scale(quantized, scale, kind), tmp_path, "scale", kind)


def test_scale_of_the_weights(quantized, tmp_path):
    model = onnx.load_from_string(quantized)
    name = next(t.name for t in model.graph.initializer if t.name.endswith("weight_scale"))
    scales = numpy_helper.to_array(initializer(model, name)).copy()
    scales[1] = 0.0
    refused(replaced(model, name, scales), tmp_path, "not positive")


def test_shapes_that_disagree(tmp_path):
    refused(replaced(float_network().model(), "fc0_w", np.zeros((10, 7), np.float32)), tmp_path)
    refused(replaced(float_network().model(), "lstm0_r", np.zeros((1, 32, 9), np.float32)), tmp_path)


def test_mask_of_another_size_than_the_features(tmp_path):
    net = float_network()
    net.inputs["features"] = 12
    net.nodes = [n for n in net.nodes if n.name not in ("mask", "fc1", "fc1_product")]
    net.node("Sigmoid", ["fc0_relu"], "mask")
    net.outputs["mask"] = 10
    refused(net.model(), tmp_path, "mask", "10", "12")


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "", "sub/../../x"])
def test_external_data_outside_of_the_folder(location, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(4096))
    model = float_network().model()
    tensor = initializer(model, "fc0_w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    refused(model, tmp_path / "m", "fc0_w", "external data")


def test_external_data_through_a_link(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(4096))
    (tmp_path / "m" / "w.bin").symlink_to(tmp_path / "secret.bin")
    model = float_network().model()
    tensor = initializer(model, "fc0_w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    refused(model, tmp_path / "m", "fc0_w", "outside")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hop", "64.5"),
        ("hop", "129"),
        ("n_fft", "100"),
        ("n_mels", "13"),
        ("feature", "mfcc"),
        ("exponent", "no"),
        ("states", "{"),
    ],
)
def test_metadata_that_makes_no_sense(key, value, tmp_path):
    refused(float_network().model(**{key: value}), tmp_path, key)


def test_a_whole_sequence_is_refused(tmp_path):
    model = float_network(form="stacked").model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 7
    refused(model, tmp_path)


def test_a_long_chain_is_read(tmp_path):
    net = float_network()
    net.nodes.pop()
    for index in range(3000):
        net.node("Relu", [f"r{index - 1}" if index else "fc1"], f"r{index}")
    net.node("Sigmoid", ["r2999"], "mask")
    (tmp_path / "model.onnx").write_bytes(net.model().SerializeToString())
    assert len(load_onnx(tmp_path / "model.onnx").ops) > 3000


def test_unsigned_quantization_is_taken(quantized, tmp_path):
    model = onnx.load_from_string(quantized)
    node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    back = next(n for n in model.graph.node if n.input[0] == node.output[0])
    model.graph.initializer.append(numpy_helper.from_array(np.uint8(0), "unsigned"))
    node.input[2] = back.input[2] = "unsigned"
    onnx.save(model, tmp_path / "model.onnx")
    graph = load_onnx(tmp_path / "model.onnx")
    assert graph.quants[node.input[0]].zero_point == -128


def test_a_rounded_part_of_a_gate_is_not_reproduced(quantized, tmp_path):
    model = onnx.load_from_string(quantized)
    product = next(n.output[0] for n in model.graph.node if n.output[0].endswith("/input/product"))
    for node in model.graph.node:
        node.input[:] = [f"{product}/again" if name == product else name for name in node.input]
    at = 1 + next(i for i, node in enumerate(model.graph.node) if product in node.output)
    model.graph.initializer.append(numpy_helper.from_array(np.float32(2**-7), "step"))
    model.graph.initializer.append(numpy_helper.from_array(np.int8(0), "zero"))
    model.graph.node.insert(at, helper.make_node("QuantizeLinear", [product, "step", "zero"], ["rounded"]))
    model.graph.node.insert(at + 1, helper.make_node("DequantizeLinear", ["rounded", "step", "zero"], [f"{product}/again"]))
    onnx.save(model, tmp_path / "model.onnx")
    onnx.save(onnx.load_from_string(quantized), tmp_path / "plain.onnx")
    kinds = [[op.label for op in load_onnx(tmp_path / name).ops] for name in ("model.onnx", "plain.onnx")]
    assert kinds[0] == kinds[1]


def test_float_network_is_not_lowered(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(float_network().model(), path)
    with pytest.raises(InputError, match="codesign quantize"):
        lower(load_onnx(path))


def test_damaged_files_never_raise_anything_else(quantized, tmp_path):
    rng = np.random.default_rng(7)
    path = tmp_path / "model.onnx"
    outcomes, broken = set(), False
    for _ in range(400):
        data = bytearray(quantized)
        for position in rng.integers(0, len(data), rng.integers(1, 6)):
            data[position] ^= 1 << rng.integers(8)
        if rng.random() < 0.3:
            start = int(rng.integers(len(data)))
            del data[start : start + int(rng.integers(1, 20))]
        path.write_bytes(data)
        try:
            lower(load_onnx(path))
            outcomes.add("lowered")
        except InputError as error:
            outcomes.add("refused")
            broken |= "\n" in str(error)
    assert not broken
    assert outcomes == {"lowered", "refused"}


def test_sizes_are_not_broadcast(tmp_path):
    net = float_network(form="stacked")
    row = helper.make_node("Gemm", ["features", net.weights("row_w", 1, 12)], ["row"], name="row", transB=1)
    net.nodes.insert(net.nodes.index(node_of(net, "cell0_both")), row)
    node_of(net, "cell0_both").input[0] = "row"
    refused(net.model(), tmp_path, "its gates read none", "export it as a layer")
    refused(replaced(float_network().model(), "fc0_b", np.zeros((10, 1), np.float32)), tmp_path, "fc0_b", "[10, 1]")


def test_mask_that_is_no_layers_result(tmp_path):
    net = float_network(n_mels=8, units=(8,))
    node_of(net, "mask").CopyFrom(helper.make_node("Identity", ["features"], ["mask"]))
    refused(net.model(), tmp_path, "mask", "linear layer")


def as_constant_node(net, name, array):
    net.initializers = [tensor for tensor in net.initializers if tensor.name != name]
    net.nodes.insert(0, helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
    return net.nodes[0].attribute[0].t


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.full((10, 6), np.nan, np.float32), "NaN or infinity"),
        (np.zeros((10, 6)), "double"),
        (np.full((10, 6), 1e20, np.float32), "1e+20"),
    ],
)
def test_constant_nodes_are_checked_as_initializers_are(array, word, tmp_path):
    net = float_network()
    as_constant_node(net, "fc0_w", array)
    refused(net.model(), tmp_path, "fc0", word)


def test_constant_node_with_external_data(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(4096))
    net = float_network()
    tensor = as_constant_node(net, "fc0_w", np.zeros((10, 6), np.float32))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    refused(net.model(), tmp_path / "m", "fc0_w", "outside")


@pytest.mark.parametrize("name", ["fc0_w", "fc0_b", "lstm0_w", "lstm0_b"])
def test_weights_that_no_network_has(name, tmp_path):
    model = float_network().model()
    refused(replaced(model, name, 1e9 + numpy_helper.to_array(initializer(model, name))), tmp_path, name, "1e+09")


def test_tensor_that_claims_to_be_huge(tmp_path):
    model = float_network().model()
    initializer(model, "fc0_w").dims[:] = [2**40, 2**40]
    refused(model, tmp_path, "fc0_w", "weights in all")
    initializer(model, "fc0_w").dims[:] = [-1, 6]
    refused(model, tmp_path, "fc0_w")


def test_too_many_operators(tmp_path):
    net = float_network()
    net.nodes.pop()
    for index in range(5000):
        net.node("Relu", [f"r{index - 1}" if index else "fc1"], f"r{index}")
    net.node("Sigmoid", ["r4999"], "mask")
    refused(net.model(), tmp_path, "nodes", "4,096")


def test_sums_that_double(tmp_path):
    net = float_network()
    net.nodes.pop()
    last = "fc1"
    for index in range(40):
        last = net.node("Add", [last, last], f"r{index}")
    net.node("Sigmoid", [last], "mask")
    onnx.save(net.model(), tmp_path / "model.onnx")
    assert sum(isinstance(op, Binary) for op in load_onnx(tmp_path / "model.onnx").ops) == 40, "none is computed again"


def test_operators_that_bring_their_own_graph(tmp_path):
    net = float_network()
    body = helper.make_graph([], "body", [], [])
    net.nodes.insert(0, helper.make_node("Loop", ["", ""], [], name="again", body=body))
    refused(net.model(), tmp_path, "again", "Loop")
    model = float_network().model()
    opset = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("", "Relu", ["X"], ["Y"], [helper.make_node("Neg", ["X"], ["Y"])], opset))
    refused(model, tmp_path, "function", "Relu")


def test_dropout_in_training(tmp_path):
    net = float_network(form="stacked")
    net.initializers.append(numpy_helper.from_array(np.array(True), "training"))
    net.nodes.insert(0, helper.make_node("Dropout", ["features", "", "training"], ["dropped"], name="drop"))
    node_of(net, "cell0_x").input[0] = "dropped"
    refused(net.model(), tmp_path, "drop", "training")


def test_integer_weights_of_another_type(quantized, tmp_path):
    model = onnx.load_from_string(quantized)
    tensor = next(t for t in model.graph.initializer if t.name.endswith("weight_q"))
    name, integers = tensor.name, numpy_helper.to_array(tensor)
    refused(replaced(model, name, integers.astype(np.uint8)), tmp_path, "127 steps", "codesign quantize")
    refused(replaced(model, name, 300 * integers.astype(np.int16)), tmp_path, "127 steps", "codesign quantize")
