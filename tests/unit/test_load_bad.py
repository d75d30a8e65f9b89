"""One small bad file per rule: each gets one line that says what and where, and exit code 2."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from codesign.errors import InputError
from codesign.load import load_onnx
from codesign.lower import lower
from codesign.quantize import quantize_graph, write_qdq
from models import Net, float_network


def refused(model, tmp_path, *words):
    path = tmp_path / "model.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    with pytest.raises(InputError) as caught:
        load_onnx(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 900
    assert "model.onnx" in text
    for word in words:
        assert word in text, text
    assert caught.value.hint


def initializer(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def replaced(model, name, array):
    initializer(model, name).CopyFrom(numpy_helper.from_array(array, name))
    return model


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


@pytest.mark.parametrize("opset", [1, 9, 12, 99])
def test_wrong_opset(opset, tmp_path):
    refused(float_network(form="separate").model(opset=opset), tmp_path, f"opset {opset}", "13 to")


def test_foreign_domain(tmp_path):
    model = float_network().model()
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    refused(model, tmp_path, "com.example", "operators.md")


def test_unknown_operator(tmp_path):
    net = float_network()
    net.nodes[-1] = helper.make_node("Softmax", ["fc1"], ["mask"], name="the end")
    refused(net.model(), tmp_path, "the end", "Softmax", "not supported", "docs/operators.md")


def test_missing_state_pair(tmp_path):
    net = float_network()
    net.states.pop()
    refused(net.model(), tmp_path, "c1_in")
    net = float_network()
    net.states[0][1] = "nothing"
    refused(net.model(), tmp_path, "nothing", "output")


def test_states_that_cannot_be_paired_by_name(tmp_path):
    net = float_network()
    net.outputs["other"] = net.outputs.pop("c1_out")
    for node in net.nodes:
        node.output[:] = ["other" if name == "c1_out" else name for name in node.output]
    refused(net.model(metadata={"n_fft": "128", "window": "128", "hop": "64"}), tmp_path, "c1_in", "states")


def test_state_fed_back_from_the_wrong_output(tmp_path):
    net = float_network(units=(8, 8))
    net.states[0][1], net.states[2][1] = net.states[2][1], net.states[0][1]
    refused(net.model(), tmp_path, "state")


def test_float64_weights(tmp_path):
    model = float_network(form="separate").model()
    refused(replaced(model, "fc0_w", np.zeros((10, 6))), tmp_path, "fc0_w")
    model = float_network(form="separate").model()
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3), "stray"))
    refused(model, tmp_path, "stray", "double")


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
        ("hop", "50"),
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


def test_lstm_options_that_are_not_supported(tmp_path):
    for attribute, value in (("direction", "reverse"), ("input_forget", 1), ("clip", 3.0)):
        net = float_network()
        lstm = next(n for n in net.nodes if n.op_type == "LSTM")
        lstm.attribute.append(helper.make_attribute(attribute, value))
        refused(net.model(), tmp_path, "lstm0", attribute)


def test_product_that_is_no_lstm_cell(tmp_path):
    net = float_network()
    net.nodes[-1] = helper.make_node("Mul", ["fc1", "fc1"], ["mask"], name="square")
    refused(net.model(), tmp_path, "square", "LSTM cell")


def test_sum_of_two_layers_outside_of_an_lstm(tmp_path):
    net = Net()
    net.inputs["features"], net.outputs["mask"] = 4, 4
    h = net.state("h", 4)
    a = net.node("Gemm", ["features", net.weights("a_w", 4, 4)], "a")
    b = net.node("Gemm", [h, net.weights("b_w", 4, 4)], "b")
    net.node("Sigmoid", [net.node("Add", [a, b], "both")], "mask")
    net.node("Identity", ["mask"], "h_out")
    refused(net.model(), tmp_path, "both")


def test_a_chain_without_end(tmp_path):
    net = float_network()
    net.nodes.pop()
    for index in range(3000):
        net.node("Relu", [f"r{index - 1}" if index else "fc1"], f"r{index}")
    net.node("Sigmoid", ["r2999"], "mask")
    refused(net.model(), tmp_path, "in a row")


def test_unsigned_quantization(quantized, tmp_path):
    model = onnx.load_from_string(quantized)
    node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
    back = next(n for n in model.graph.node if n.input[0] == node.output[0])
    model.graph.initializer.append(numpy_helper.from_array(np.uint8(0), "unsigned"))
    node.input[2] = back.input[2] = "unsigned"
    refused(model, tmp_path, "uint8")


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


def node_of(net, output):
    return next(n for n in net.nodes if output in n.output)


def rewired(net, output, old, new):
    node = node_of(net, output)
    node.input[:] = [new if name == old else name for name in node.input]
    return net.model()


@pytest.mark.parametrize(("output", "old", "new"), [("fc0", "h1_out", "h1_in"), ("cell1_x", "h0_out", "h0_in")])
def test_old_state_read_by_another_layer(output, old, new, tmp_path):
    refused(rewired(float_network(units=(8, 8), form="stacked"), output, old, new), tmp_path, new, "before the step")


SKIP = {"units": (8, 8), "skip": True}


@pytest.mark.parametrize("form", ["operator", "stacked"])
@pytest.mark.parametrize("reader", ["fc0", "gate_logit"])
def test_layer_read_without_its_skip_gate(form, reader, tmp_path):
    refused(rewired(float_network(form=form, **SKIP), reader, "h1_out", "h1_new"), tmp_path, "without its skip gate")


@pytest.mark.parametrize("form", ["operator", "stacked"])
@pytest.mark.parametrize("state", ["h1", "c1"])
def test_skip_gate_that_keeps_another_state(form, state, tmp_path):
    model = rewired(float_network(form=form, **SKIP), f"{state}_out", f"{state}_in", "h0_in")
    refused(model, tmp_path, f"{state}_in", "must stay")


@pytest.mark.parametrize("form", ["operator", "stacked"])
@pytest.mark.parametrize("state", ["h1", "c1"])
def test_skip_gate_over_half_a_layer(form, state, tmp_path):
    net = float_network(form=form, **SKIP)
    node_of(net, f"{state}_out").CopyFrom(helper.make_node("Identity", [f"{state}_new"], [f"{state}_out"]))
    refused(net.model(), tmp_path, "guarded by one skip gate")


def test_skip_gate_with_another_threshold(tmp_path):
    refused(replaced(float_network(**SKIP).model(), "half", np.array([[0.25]], np.float32)), tmp_path, "threshold 0.25")
    refused(
        replaced(float_network(**SKIP).model(), "one", np.array([[2.0]], np.float32)), tmp_path, "min(state + increment, 1)"
    )


def test_sizes_are_not_broadcast(tmp_path):
    net = float_network(form="stacked")
    row = helper.make_node("Gemm", ["features", net.weights("row_w", 1, 12)], ["row"], name="row", transB=1)
    net.nodes.insert(net.nodes.index(node_of(net, "cell0_both")), row)
    node_of(net, "cell0_both").input[0] = "row"
    refused(net.model(), tmp_path, "cell0_both", "1 and 32")
    refused(replaced(float_network().model(), "fc0_b", np.zeros((10, 1), np.float32)), tmp_path, "fc0_b", "[10, 1]")


def test_mask_that_is_no_layers_result(tmp_path):
    for source in ("features", "h0_out"):
        net = float_network(n_mels=8, units=(8,))
        node_of(net, "mask").CopyFrom(helper.make_node("Identity", [source], ["mask"]))
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
    refused(net.model(), tmp_path, "fc0_w", word)


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
    refused(net.model(), tmp_path, "16 linear layers")


def test_operators_that_bring_their_own_graph(tmp_path):
    net = float_network()
    body = helper.make_graph([], "body", [], [])
    net.nodes.insert(0, helper.make_node("Loop", ["", ""], [], name="again", body=body))
    refused(net.model(), tmp_path, "again", "Loop")
    model = float_network().model()
    opset = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("", "Relu", ["X"], ["Y"], [helper.make_node("Neg", ["X"], ["Y"])], opset))
    refused(model, tmp_path, "functions", "Relu")


def test_lstm_of_no_step(tmp_path):
    net = float_network()
    node_of(net, "lstm0_h").input[4] = net.constant("lengths", np.array([0], np.int32))
    refused(net.model(), tmp_path, "lstm0", "sequence_lens")


def test_dropout_in_training(tmp_path):
    net = float_network(form="stacked")
    net.initializers.append(numpy_helper.from_array(np.array(True), "training"))
    net.nodes.insert(0, helper.make_node("Dropout", ["features", "", "training"], ["dropped"], name="drop"))
    node_of(net, "cell0_x").input[0] = "dropped"
    refused(net.model(), tmp_path, "drop", "training")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 5000, '[["h0_in", "h0_out", true]]', '[["h0_in", "h0_out", NaN]]', "null"]
)
def test_states_that_are_no_list_of_pairs(text, tmp_path):
    refused(float_network().model(states=text), tmp_path, "state")


def test_state_with_two_possible_partners(tmp_path):
    net = float_network(units=(8,))
    for old, new in (("c0_out", "h0_new"), ("c0_in", "h0_old")):
        for values in (net.inputs, net.outputs):
            values.update({new: values.pop(old)} if old in values else {})
        for node in net.nodes:
            node.input[:] = [new if name == old else name for name in node.input]
            node.output[:] = [new if name == old else name for name in node.output]
    refused(net.model(metadata={"n_fft": "128", "window": "128", "hop": "64"}), tmp_path, "h0_in", "'h0_out' or 'h0_new'")


def test_integer_weights_of_another_type(quantized, tmp_path):
    model = onnx.load_from_string(quantized)
    tensor = next(t for t in model.graph.initializer if t.name.endswith("weight_q"))
    name, integers = tensor.name, numpy_helper.to_array(tensor)
    refused(replaced(model, name, integers.astype(np.uint8)), tmp_path, "uint8", "int8")
    refused(replaced(model, name, integers.astype(np.int16)), tmp_path, "int16")


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "Add", "Gemm"])
def test_other_scales_inside_an_lstm_or_skip_gate(kind, tmp_path):
    path = tmp_path / "q.onnx"
    onnx.save(float_network(**SKIP).model(), path)
    features = np.random.default_rng(2).uniform(0, 3, (50, 12)).astype(np.float32)
    write_qdq(quantize_graph(load_onnx(path), [features]), path)
    model = onnx.load(path)
    makers = {n.output[0]: n for n in model.graph.node}
    suffix = {"Sigmoid": "/delta", "Tanh": "/cell_tanh", "Add": "/gates", "Gemm": "/logit/product"}[kind]
    quantize = next(n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0].endswith(suffix))
    assert makers[quantize.input[0]].op_type == kind
    back = next(n for n in model.graph.node if n.input[0] == quantize.output[0])
    model.graph.initializer.append(numpy_helper.from_array(np.float32(2.0**-11), "other"))
    quantize.input[1] = back.input[1] = "other"
    refused(model, tmp_path, "16 bits, scale 0.000488281")
