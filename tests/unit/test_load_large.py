# SPDX-License-Identifier: Apache-2.0
"""Small files that stand for much: refused in one line before anything grows, within 2 GiB of addresses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import codesign
from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
from codesign.compiler.model.limits import MAX_FIELDS
from codesign.compiler.model.wire import MalformedError, count_fields
from models import float_network
from refusals import initializer, node_of, refused

pytestmark = pytest.mark.slow  # the file as a whole

CHILD = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
from codesign.base.errors import InputError
from codesign.compiler.model import load_onnx
for path in sys.argv[1:]:
    text = "loaded"
    try:
        load_onnx(Path(path))
    except InputError as error:
        text = str(error)
    print(json.dumps([Path(path).parent.name, text, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def first_operator(operator, inputs, **attributes):
    """A network whose features pass `operator` first."""
    net = float_network(form="stacked")
    net.nodes.insert(0, helper.make_node(operator, ["features", *inputs], ["first"], name="first", **attributes))
    node_of(net, "cell0_x").input[0] = "first"
    return net


def one_operator(size):
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [size]) for n in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Add", ["a", "a"], ["b"])], "g", info[:1], info[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def said_of_a_value(name, shape):
    model = float_network().model()
    model.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return model


def ranks_that_double():
    net = float_network(form="stacked")
    last = net.constant("index", np.zeros((1, 1), np.int64))
    for index in range(40):
        net.nodes.insert(index, helper.make_node("Gather", [last, last], [f"r{index}"], name=f"r{index}"))
        last = f"r{index}"
    return net.model()


def sizes_that_double():
    net = float_network(form="stacked")
    last = "features"
    for index in range(60):
        net.nodes.insert(index, helper.make_node("Concat", [last, last], [f"c{index}"], name=f"c{index}", axis=1))
        last = f"c{index}"
    return net.model()


def one_tensor_in_many_products():
    net = float_network(form="stacked")
    net.constant("big", np.zeros((12, 60_000), np.float32))
    for index in range(1000):
        net.nodes.insert(0, helper.make_node("MatMul", ["features", "big"], [f"p{index}"], name=f"p{index}"))
    return net.model()


def one_tensor_dequantized_often():
    net = float_network(form="stacked")
    net.constant("big", np.zeros((2000, 4000), np.int8))
    net.constant("scale", np.float32(1))
    for index in range(500):
        net.nodes.insert(0, helper.make_node("DequantizeLinear", ["big", "scale"], [f"d{index}"], name=f"d{index}"))
    return net.model()


HARMLESS = {
    "one tensor in many products": one_tensor_in_many_products,
    "one tensor dequantized often": one_tensor_dequantized_often,
    "a large body of a loop": lambda: looped(250, body=np.zeros(2**20, np.float32)),
}
"""Nobody reads what they make, or each round would copy it: it is left out before anything grows."""


def reshaped(shape):
    net = first_operator("Reshape", ["shape"])
    net.constant("shape", np.array(shape, np.int64))
    return net.model()


def with_input(model, operator, inputs, **attributes):
    model.graph.node.insert(0, helper.make_node(operator, inputs, ["large"], name="large one", **attributes))
    return model


def with_shape(operator, *before, after=()):
    model = float_network().model()
    model.graph.initializer.append(numpy_helper.from_array(np.array([2**17, 2**17], np.int64), "sizes"))
    return with_input(model, operator, [*before, "sizes", *after])


def with_range():
    model = float_network().model()
    numbers = {"low": 0, "high": 2**40, "by": 1}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(v, np.int64), k) for k, v in numbers.items())
    return with_input(model, "Range", list(numbers))


def functions_that_double(itself=False):
    """Each calls the next twice."""
    model, opsets = float_network().model(), [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    for index in range(40):
        name = "f0" if itself and index == 39 else f"f{index + 1}"
        kind, domain = ("Relu", "") if index == 39 and not itself else (name, "own")
        calls = [helper.make_node(kind, ["x"], ["a"], domain=domain), helper.make_node(kind, ["a"], ["y"], domain=domain)]
        model.functions.append(helper.make_function("own", f"f{index}", ["x"], ["y"], calls, opsets))
    model.opset_import.append(opsets[1])
    model.graph.node.insert(0, helper.make_node("f0", ["features"], ["large"], domain="own"))
    return model


def looped(rounds, inner=0, body=None):
    """A loop of a constant number of rounds over the features, and one in it."""
    value = helper.make_tensor_value_info("x_out", TensorProto.FLOAT, [1, 12])
    infos = [
        helper.make_tensor_value_info("i", TensorProto.INT64, []),
        helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 12]),
    ]
    nodes = [helper.make_node("Relu", ["x"], ["x_out"]), helper.make_node("Identity", ["going"], ["on"])]
    if inner:
        again = onnx.GraphProto.FromString(looped(0).graph.node[0].attribute[0].g.SerializeToString())
        for old, new in (("x", "y"), ("x_out", "y_out"), ("i", "j"), ("going", "g"), ("on", "o")):
            for names in (*(n.input for n in again.node), *(n.output for n in again.node)):
                names[:] = [new if name == old else name for name in names]
            for info in (*again.input, *again.output):
                info.name = new if info.name == old else info.name
        nodes[0] = helper.make_node("Loop", ["inner_rounds", "", "x"], ["x_out"], body=again)
    weights = [] if body is None else [numpy_helper.from_array(body, "weights")]
    graph = helper.make_graph(nodes, "body", infos, [helper.make_tensor_value_info("on", TensorProto.BOOL, []), value], weights)
    net = first_operator("Identity", [])
    net.constant("rounds", np.array(rounds, np.int64))
    net.constant("inner_rounds", np.array(inner, np.int64))
    net.nodes[0].CopyFrom(helper.make_node("Loop", ["rounds", "", "features"], ["first"], name="first", body=graph))
    return net.model()


def packed_numbers():
    """One byte of the file for eight of memory."""
    model = float_network().model()
    model.graph.initializer.add(name="packed", data_type=TensorProto.INT64, dims=[1], int64_data=[0] * 12_000_000)
    return model


def listed_numbers():
    model = float_network().model()
    model.graph.node[0].attribute.add(name="many", type=onnx.AttributeProto.INTS, ints=[0] * 1_000_000)
    return model


def field(number, content):
    """A field of wire type 2."""
    length, size = b"", len(content)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def empty_messages(number):
    """8 MB of messages of nothing in the graph."""
    return float_network().model().SerializeToString() + field(7, field(number, b"") * 4_000_000)


BOMBS = {
    "input": (lambda: one_operator(2**34), "'a'"),
    "input beyond 64 bits": (lambda: one_operator(2**62), "'a'"),
    "value": (lambda: said_of_a_value("lstm0_h", [2**40]), "lstm0_h"),
    "value of many dimensions": (lambda: said_of_a_value("lstm0_h", [1] * 1000), "dimensions"),
    "reshape": (lambda: reshaped([2**31, 2**31]), "first"),
    "reshape to many dimensions": (lambda: reshaped([1] * 4000), "dimensions"),
    "ranks that double": (ranks_that_double, "dimensions"),
    "sizes that double": (sizes_that_double, "elements"),
    "functions that double": (functions_that_double, "unfold"),
    "a function that calls itself": (lambda: functions_that_double(itself=True), "calls itself"),
    "a loop without end": (lambda: looped(2**40), "rounds"),
    "loops in loops": (lambda: looped(200, inner=200), "nodes"),
    "ConstantOfShape": (lambda: with_shape("ConstantOfShape"), "large one"),
    "Expand": (lambda: with_shape("Expand", "features"), "large one"),
    "Tile": (lambda: with_shape("Tile", "features"), "large one"),
    "Pad": (lambda: with_shape("Pad", "features"), "large one"),
    "Range": (with_range, "large one"),
    "packed numbers": (packed_numbers, "packed"),
    "listed numbers": (listed_numbers, "many"),
    "nodes": (lambda: empty_messages(1), "fields"),
    "initializers": (lambda: empty_messages(5), "fields"),
    "inputs": (lambda: empty_messages(11), "fields"),
}


@pytest.mark.slow
def test_refused_before_it_grows(tmp_path):
    paths = []
    bombs = {**{name: bomb for name, (bomb, _) in BOMBS.items()}, **HARMLESS}
    for name, bomb in bombs.items():
        made = bomb()
        paths.append(tmp_path / name / "model.onnx")
        paths[-1].parent.mkdir()
        paths[-1].write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    environment = {**os.environ, "PYTHONPATH": str(Path(codesign.__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", CHILD, *paths], capture_output=True, text=True, env=environment, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in results] == list(bombs), done.stderr
    for name, text, kilobytes in results:
        assert ("loaded" if name in HARMLESS else BOMBS[name][1]) in text
        assert "memory" not in text
        assert "\n" not in text
        assert kilobytes < 1_000_000, name


def external(model, name, **entries):
    tensor = initializer(model, name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return model


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"location": "w.bin"}, "holds 100"),
        ({"location": "w.bin", "offset": "4000"}, "holds 0"),
        ({"location": "w.bin", "offset": "9" * 30}, "no number of bytes"),
        ({"location": "w.bin", "offset": "-4"}, "no number of bytes"),
        ({"location": "w.bin", "length": "9" * 12}, "its external data has 999,999,999,999"),
        ({"location": "w\0.bin"}, "outside"),
        ({"location": "folder"}, "no file"),
        ({"location": "zero"}, "outside"),
        ({}, "outside"),
    ],
)
def test_external_data_that_does_not_fit(entries, word, tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(100))
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    refused(external(float_network().model(), "fc0_w", **entries), tmp_path, "fc0_w", word)


def test_external_data_is_read(tmp_path):
    model = float_network().model()
    onnx.save(model, tmp_path / "inside.onnx")
    data = initializer(model, "fc0_w").raw_data
    (tmp_path / "w.bin").write_bytes(bytes(8) + data + bytes(8))
    onnx.save(external(model, "fc0_w", location="w.bin", offset="8", length=str(len(data))), tmp_path / "beside.onnx")
    inside, beside = (load_onnx(tmp_path / f"{name}.onnx") for name in ("inside", "beside"))
    weights = [next(op.weight.values for op in graph.ops if op.name == "fc0") for graph in (inside, beside)]
    np.testing.assert_array_equal(*weights)
    assert inside.sha256 != beside.sha256


@pytest.mark.parametrize(
    ("dtype", "held"),
    [(np.float32, 3), (np.int8, 2), (np.int64, 0), (np.int32, 5)],
)
def test_tensor_that_does_not_fit_its_dimensions(dtype, held, tmp_path):
    model = float_network().model()
    tensor = numpy_helper.from_array(np.zeros(held, dtype), "stray")
    tensor.dims[:] = [1]
    model.graph.initializer.append(tensor)
    refused(model, tmp_path, "stray", f"needs 1 elements and holds {held}")
    tensor.raw_data = b"\0" * (np.dtype(dtype).itemsize + 1)
    model.graph.initializer[-1].CopyFrom(tensor)
    refused(model, tmp_path, "stray", "needs 1 elements")


@pytest.mark.parametrize("kind", [0, TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.FLOAT8E5M2, 999])
def test_tensor_of_a_type_that_no_weights_have(kind, tmp_path):
    model = float_network().model()
    model.graph.initializer.add(name="stray", data_type=kind, dims=[1])
    refused(model, tmp_path, "stray", "float32 or int8")


def test_input_of_an_unknown_type(tmp_path):
    model = float_network().model()
    model.graph.input[0].type.tensor_type.elem_type = 999
    refused(model, tmp_path, model.graph.input[0].name, "999")


def test_what_the_file_says_of_a_value_is_checked(tmp_path):
    assert load_onnx(saved(said_of_a_value("lstm0_h", [1, 1, 8]), tmp_path)).ops
    refused(said_of_a_value("lstm0_h", [1, 1, 9]), tmp_path, "lstm0_h", "[1, 1, 9]", "[1, 1, 8]")
    model = said_of_a_value("lstm0_h", [1, 1, 8])
    model.graph.value_info[0].type.tensor_type.elem_type = TensorProto.INT8
    refused(model, tmp_path, "lstm0_h", "int8", "float")


def saved(model, folder):
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def test_shape_joined_from_constants(tmp_path):
    net = first_operator("Reshape", ["shape"])
    parts = [net.constant("one", np.array([1], np.int64)), net.constant("rest", np.array([-1], np.int64))]
    net.nodes.insert(0, helper.make_node("Concat", parts, ["shape"], axis=0))
    assert len(load_onnx(saved(net.model(), tmp_path)).ops) == 6


def test_empty_scale(tmp_path):
    net = first_operator("Add", ["back"])
    net.constant("none", np.zeros(0, np.float32))
    net.constant("integers", np.zeros(12, np.int8))
    net.nodes.insert(0, helper.make_node("DequantizeLinear", ["integers", "none"], ["back"], name="back"))
    refused(net.model(), tmp_path, "back")


@pytest.mark.parametrize("digits", [11, 400, 4300, 6000])
@pytest.mark.parametrize("key", ["sample_rate", "n_fft", "window", "hop", "n_mels", "f_min", "f_max", "exponent"])
def test_numbers_of_many_digits(key, digits, tmp_path):
    refused(float_network().model(**{key: "9" * digits}), tmp_path, key)


@pytest.mark.parametrize(
    "states", ["[" * 900 + "]" * 900, "[" * 20_000, f'[["h0_in", "h0_out", {"9" * 400}]]', "9" * 5000, "NaN"]
)
def test_states_that_make_no_sense(states, tmp_path):
    refused(float_network().model(states=states), tmp_path, "states")


def test_nul_in_the_path(tmp_path):
    with pytest.raises(InputError, match="NUL"):
        load_onnx(tmp_path / "a\0b.onnx")


def test_many_inputs(tmp_path):
    model = float_network().model()
    model.graph.input.extend(helper.make_tensor_value_info(f"i{k}", TensorProto.FLOAT, [1, 1]) for k in range(300))
    refused(model, tmp_path, "inputs and outputs")


def test_fields_are_counted_as_protobuf_has_them():
    data = float_network().model().SerializeToString()

    def fields(message):
        count = 0
        for descriptor, value in message.ListFields():
            repeated = not isinstance(value, str | bytes | int | float) and not hasattr(value, "ListFields")
            values = list(value) if repeated else [value]
            count += len(values) + sum(fields(v) for v in values if hasattr(v, "ListFields"))
            assert descriptor.name not in ("float_data", "int64_data"), "packed, and one field"
        return count

    assert count_fields(data, onnx.ModelProto.DESCRIPTOR, MAX_FIELDS) == fields(onnx.load_from_string(data))
    assert count_fields(data, onnx.ModelProto.DESCRIPTOR, 10) == 11
    for broken in (b"\xff" * 20, b"\x3b", b"\x0a\x7f", b"\x08", data[:-1]):
        with pytest.raises(MalformedError):
            count_fields(broken, onnx.ModelProto.DESCRIPTOR, MAX_FIELDS)
