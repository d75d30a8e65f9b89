# SPDX-License-Identifier: Apache-2.0
"""Models spoiled at random: in the structure of the protobuf, or in its bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from .names import HOSTILE

SIZES = (0, 1, 2, 7, 128, 65_535, 65_536, 2**31 - 1, 2**31, 2**34, 2**40, 2**62, -1, -(2**63))
OPERATORS = (
    *("Add", "Mul", "Min", "Sub", "Sigmoid", "Tanh", "Relu", "Clip", "Identity", "Gemm", "MatMul", "Where", "Flatten", "Cast"),
    *("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Gather", "Dropout", "Constant", "LSTM"),
    *(
        "QuantizeLinear",
        "DequantizeLinear",
        "GreaterOrEqual",
        "ConstantOfShape",
        "Expand",
        "Tile",
        "Range",
        "Pad",
        "Loop",
        "GRU",
    ),
)
NUMBERS = (
    "0",
    "1",
    "-1",
    "64",
    "1e5",
    "nan",
    "inf",
    "-inf",
    "9" * 400,
    "9" * 4300,
    "1" * 5000,
    "",
    "x",
    "0x10",
    "1_6",
    "٣",
    "\0",
)
KEYS = (
    *("sample_rate", "n_fft", "window", "hop", "n_mels", "f_min", "f_max"),
    *("exponent", "window_kind", "feature", "states", "name", "preset", "mean", "bands_matrix", "gains", "floor"),
)


def mutant(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """(`data` with one to three changes, what they are)."""
    if rng.random() < 0.5:
        return spoiled_bytes(data, rng), "bytes"
    model = onnx.load_from_string(data)
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        change = rng.choice(CHANGES)
        try:
            change(model, rng)
        except (ValueError, TypeError, IndexError, DecodeError, onnx.checker.ValidationError) as error:  # refused there already
            done.append(f"{change.__name__} ({type(error).__name__})")
        else:
            done.append(change.__name__)
    return model.SerializeToString(), ", ".join(done)


def spoiled_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bits flipped, stretches cut out, repeated, moved or overwritten: anywhere, or in the first and last part, where the
    structure of a model of mostly weights stands.
    """
    result = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        size = len(result)
        if size < 2:
            break
        at = rng.choice([rng.randrange(size), rng.randrange(min(size, 4000)), size - 1 - rng.randrange(min(size, 4000))])
        length = min(rng.choice([1, 1, 2, 8, 100]), size - at)
        match rng.randrange(7):
            case 0 | 1 | 2:
                result[at] ^= 1 << rng.randrange(8)
            case 3:
                del result[at : at + length]
            case 4:
                result[at:at] = result[at : at + length]
            case 5:
                other = rng.randrange(size)
                result[at : at + length] = result[other : other + length]
            case _:
                result[at : at + length] = bytes([rng.choice([0, 1, 0x7F, 0x80, 0xFF])]) * length
    if rng.random() < 0.03:
        del result[rng.randrange(len(result)) :]
    return bytes(result)


def _tensor(model: onnx.ModelProto, rng: random.Random) -> onnx.TensorProto:
    return rng.choice(model.graph.initializer)


def _node(model: onnx.ModelProto, rng: random.Random) -> onnx.NodeProto:
    return rng.choice(model.graph.node)


def _info(model: onnx.ModelProto, rng: random.Random) -> onnx.ValueInfoProto:
    graph = model.graph
    return rng.choice([*graph.input, *graph.output, *graph.value_info])


def _values(model: onnx.ModelProto) -> list[str]:
    graph = model.graph
    return [*(v.name for v in graph.input), *(t.name for t in graph.initializer), *(o for n in graph.node for o in n.output)]


def tensor_dims(model: onnx.ModelProto, rng: random.Random) -> None:
    tensor = _tensor(model, rng)
    match rng.randrange(4):
        case 0 if tensor.dims:
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(SIZES)
        case 1:
            tensor.dims.append(rng.choice((1, *SIZES)))
        case 2:
            tensor.dims[:] = reversed(tensor.dims)
        case _:
            del tensor.dims[rng.randrange(len(tensor.dims) + 1) :]


def tensor_type(model: onnx.ModelProto, rng: random.Random) -> None:
    _tensor(model, rng).data_type = rng.choice([*range(27), 999, -1])


def tensor_data(model: onnx.ModelProto, rng: random.Random) -> None:
    tensor = _tensor(model, rng)
    match rng.randrange(5):
        case 0:
            tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
        case 1:
            tensor.raw_data += rng.randbytes(rng.choice([1, 4, 100]))
        case 2:
            tensor.ClearField("raw_data")
        case 3:
            tensor.int32_data.extend([rng.randrange(-(2**31), 2**31)] * rng.choice([1, 5]))
        case _:
            array = numpy_helper.to_array(tensor).ravel().tolist()
            field = {1: "float_data", 3: "int32_data", 5: "int32_data", 6: "int32_data", 7: "int64_data"}[tensor.data_type]
            tensor.ClearField("raw_data")
            getattr(tensor, field).extend(array)


def tensor_values(model: onnx.ModelProto, rng: random.Random) -> None:
    """Other numbers of the same shape: whole tensor, or one element."""
    tensor = _tensor(model, rng)
    array = numpy_helper.to_array(tensor).copy()
    if array.dtype.kind == "f":
        factors = (2.0, 0.5, -1.0, 0.0, 1e-6, 1e-30, 1e-40, 1e6, 1e30, float("nan"), float("inf"), 1.0 + 2**-12)
        change: Callable[[np.ndarray], np.ndarray] = rng.choice([lambda a, f=f: a * np.float32(f) for f in factors])
    else:
        low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
        change = rng.choice([lambda a, v=v: np.full_like(a, v) for v in (0, 1, 5, low, high, low + 1)] + [lambda a: -a])
    with np.errstate(all="ignore"):
        if rng.random() < 0.5 and array.size:
            flat = array.reshape(-1)
            at = rng.randrange(array.size)
            flat[at : at + 1] = change(flat[at : at + 1])
        else:
            array = change(array)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, array.dtype), tensor.name))


def tensor_replaced(model: onnx.ModelProto, rng: random.Random) -> None:
    tensor = _tensor(model, rng)
    shape = rng.choice([(), (0,), (1,), (1, 1), (2, 3), (128,), (1, 128), (65_536,)])
    dtype = rng.choice([np.float32, np.int8, np.int16, np.int32, np.int64, np.uint8, np.float64, np.bool_])
    tensor.CopyFrom(numpy_helper.from_array(np.ones(shape, dtype), tensor.name))


def tensor_removed_or_doubled(model: onnx.ModelProto, rng: random.Random) -> None:
    tensors, at = model.graph.initializer, rng.randrange(len(model.graph.initializer))
    if rng.random() < 0.5:
        del tensors[at]
    else:
        tensors.add().CopyFrom(tensors[at])


def tensor_as_constant(model: onnx.ModelProto, rng: random.Random) -> None:
    graph, at = model.graph, rng.randrange(len(model.graph.initializer))
    tensor = onnx.TensorProto()
    tensor.CopyFrom(graph.initializer[at])
    del graph.initializer[at]
    graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))


def tensor_elsewhere(model: onnx.ModelProto, rng: random.Random) -> None:
    tensor = _tensor(model, rng)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": ("/dev/zero", "/etc/passwd", "..", "", "model.onnx", "a\0b"), "offset": ("0", "9" * 30, "-1")}
    for key, values in (entries | {"length": ("4", "9" * 12, "x")}).items():
        if rng.random() < 0.8:
            tensor.external_data.add(key=key, value=rng.choice(values))


def node_removed_or_doubled(model: onnx.ModelProto, rng: random.Random) -> None:
    nodes, at = model.graph.node, rng.randrange(len(model.graph.node))
    match rng.randrange(3):
        case 0:
            del nodes[at]
        case 1:
            nodes.insert(rng.randrange(len(nodes)), nodes[at])
        case _:
            other = rng.randrange(len(nodes))
            first, second = onnx.NodeProto(), onnx.NodeProto()
            first.CopyFrom(nodes[at])
            second.CopyFrom(nodes[other])
            nodes[at].CopyFrom(second)
            nodes[other].CopyFrom(first)


def node_rewired(model: onnx.ModelProto, rng: random.Random) -> None:
    node = _node(model, rng)
    names = rng.choice([node.input, node.output])
    match rng.randrange(5):
        case 0 | 1 if names:
            names[rng.randrange(len(names))] = rng.choice([*_values(model), "nowhere", ""])
        case 2 if len(names) > 1:
            names[0], names[1] = names[1], names[0]
        case 3:
            names.extend([rng.choice(_values(model))] * rng.choice([1, 1, 300]))
        case _:
            del names[rng.randrange(len(names) + 1) :]


def node_operator(model: onnx.ModelProto, rng: random.Random) -> None:
    _node(model, rng).op_type = rng.choice((*OPERATORS, "", "relu", "\0"))


def node_inserted(model: onnx.ModelProto, rng: random.Random) -> None:
    """An operator between a value and one of its readers."""
    nodes = model.graph.node
    at = rng.randrange(len(nodes))
    if nodes[at].input:
        index = rng.randrange(len(nodes[at].input))
        operator = rng.choice(OPERATORS)
        inputs = [nodes[at].input[index], *([rng.choice(_values(model))] * rng.choice([0, 0, 1, 2]))]
        nodes[at].input[index] = "between"
        nodes.insert(at, helper.make_node(operator, inputs, ["between"], name="between"))


def attribute(model: onnx.ModelProto, rng: random.Random) -> None:
    node = _node(model, rng)
    name = rng.choice(
        ["axis", "transB", "transA", "alpha", "beta", "hidden_size", "perm", "direction", "to", "value", "axes", "x"]
    )
    value = rng.choice([0, 1, -1, 3, 2**31, -(2**63), 0.5, [0], [1, 0], [], ["a"], "reverse", [0] * 5000])
    if node.attribute and rng.random() < 0.5:
        del node.attribute[rng.randrange(len(node.attribute))]
    if rng.random() < 0.8:
        node.attribute.append(helper.make_attribute(name, value, attr_type=onnx.AttributeProto.INTS if value == [] else None))


def renamed(model: onnx.ModelProto, rng: random.Random) -> None:
    """One value under another name, everywhere or in one place only; or a node, or the graph."""
    graph, new = model.graph, rng.choice(HOSTILE)
    if rng.random() < 0.3:
        _node(model, rng).name = new
        return
    old, everywhere = rng.choice(_values(model)), rng.random() < 0.8
    places = [*graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old and (everywhere or rng.random() < 0.5):
                    names[index] = new
    for place in places:
        if place.name == old and (everywhere or rng.random() < 0.5):
            place.name = new
    for entry in model.metadata_props:
        if entry.key == "states" and everywhere:
            entry.value = entry.value.replace(json.dumps(old), json.dumps(new))


def value_shape(model: onnx.ModelProto, rng: random.Random) -> None:
    shape = _info(model, rng).type.tensor_type.shape
    match rng.randrange(4):
        case 0 if shape.dim:
            shape.dim[rng.randrange(len(shape.dim))].dim_value = rng.choice(SIZES)
        case 1:
            shape.dim.add().dim_value = rng.choice((1, *SIZES))
        case 2 if shape.dim:
            shape.dim[0].dim_param = "batch"
        case _:
            del shape.dim[rng.randrange(len(shape.dim) + 1) :]


def value_type(model: onnx.ModelProto, rng: random.Random) -> None:
    info = _info(model, rng)
    if rng.random() < 0.2:
        info.type.sequence_type.elem_type.tensor_type.elem_type = 1
    else:
        info.type.tensor_type.elem_type = rng.choice([*range(27), 999])


def value_said(model: onnx.ModelProto, rng: random.Random) -> None:
    """A claim about a value inside."""
    name, shape = rng.choice(_values(model)), [rng.choice(SIZES) for _ in range(rng.choice([0, 1, 2, 20]))]
    model.graph.value_info.append(helper.make_tensor_value_info(name, rng.choice([1, 3, 7]), shape))


def ports(model: onnx.ModelProto, rng: random.Random) -> None:
    side = rng.choice([model.graph.input, model.graph.output])
    match rng.randrange(3):
        case 0 if side:
            del side[rng.randrange(len(side))]
        case 1 if side:
            side.add().CopyFrom(rng.choice(side))
        case _:
            side.append(helper.make_tensor_value_info(rng.choice(_values(model)), 1, [1, rng.choice([1, 8, 128])]))


def metadata(model: onnx.ModelProto, rng: random.Random) -> None:
    props = model.metadata_props
    states = (
        "[]",
        "{}",
        "[[]]",
        "[" * 10_000,
        '[["a", "b", 1e999]]',
        f'[["a", "b", {"9" * 400}]]',
        "null",
        "3",
        '"x"',
        "[" * 900 + "]" * 900,
    )
    match rng.randrange(5):
        case 0 if props:
            del props[rng.randrange(len(props))]
        case 1:
            props.add(key=rng.choice(KEYS), value=rng.choice((*NUMBERS, *states)))
        case 2:
            entry = next((p for p in props if p.key == "states"), None)
            if entry is not None:
                entries = json.loads(entry.value)
                rng.choice(entries).append(rng.choice([0.5, 1, -1, 1e5, 10**300, "x", None, [], True]))
                entry.value = json.dumps(entries)
        case _ if props:
            entry = rng.choice(props)
            entry.value = rng.choice([*NUMBERS, *HOSTILE, *(str(2**k) for k in range(4, 13)), entry.value + "0", *states])


def versions(model: onnx.ModelProto, rng: random.Random) -> None:
    match rng.randrange(4):
        case 0:
            model.opset_import[0].version = rng.choice([*range(11, 26), 0, -1, 2**40])
        case 1:
            model.ir_version = rng.choice([0, 1, 3, 4, 7, 13, 2**40])
        case 2:
            model.opset_import.add(domain=rng.choice(["", "ai.onnx", "com.example"]), version=rng.choice([1, 13, 21]))
        case _:
            model.doc_string = model.graph.doc_string = rng.choice(HOSTILE)


def rarities(model: onnx.ModelProto, rng: random.Random) -> None:
    """Parts of the format that no network for codesign has."""
    graph = model.graph
    match rng.randrange(6):
        case 0:
            graph.sparse_initializer.add().dims.append(2**40)
        case 1:
            model.functions.add().name = "f"
        case 2:
            model.training_info.add().algorithm.node.add().op_type = "Loop"
        case 3:
            _node(model, rng).attribute.add(name="body", type=onnx.AttributeProto.GRAPH).g.name = "body"
        case 4:
            graph.quantization_annotation.add().tensor_name = "x"
        case _:
            graph.node.extend([_node(model, rng)] * rng.choice([2, 5000]))


CHANGES: tuple[Callable[[onnx.ModelProto, random.Random], None], ...] = (
    *(tensor_dims, tensor_type, tensor_data, tensor_values, tensor_values, tensor_values, tensor_replaced),
    *(tensor_removed_or_doubled, tensor_as_constant, tensor_elsewhere),
    *(node_removed_or_doubled, node_rewired, node_rewired, node_operator, node_inserted, attribute),
    *(renamed, renamed, value_shape, value_type, value_said, ports, metadata, metadata, versions, rarities),
)
