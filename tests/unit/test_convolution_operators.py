# SPDX-License-Identifier: Apache-2.0
"""Convolutions, layouts and time contexts in a file: as onnxruntime computes them, quantized, and as firmware."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from test_states import ended, saved, start

from codesign.base.errors import InputError
from codesign.compiler.lower import lower
from codesign.compiler.lower.network import Network
from codesign.compiler.model import load_onnx
from codesign.compiler.model.graph import Graph
from codesign.compiler.operators import Conv, Prelu
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.compiler.quantize.calibrate import Activations
from codesign.proof.oracle import against_onnxruntime
from models import Net
from whole_way import float_way, whole_way

pytestmark = pytest.mark.slow  # the file as a whole

N = 8


def features(frames: int = 30) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 3, (frames, N)).astype(np.float32)


def numbers(net: Net, *values: int) -> str:
    return net.constant(f"numbers{len(net.initializers)}", np.array(values, np.int64))


def weights(net: Net, *shape: int) -> str:
    values = net.rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:])))
    return net.constant(f"weights{len(net.initializers)}", values.astype(np.float32))


def image(net: Net, *shape: int) -> str:
    """A value of a shape (with the batch) that the features make."""
    size = int(np.prod(shape))
    net.node("Gemm", ["features", net.weights("image_w", size, N), net.weights("image_b", size)], "dense", transB=1)
    return net.node("Reshape", ["dense", numbers(net, *shape)], "image")


def finished(net: Net, value: str, size: int) -> Net:
    flat = net.node("Reshape", [value, numbers(net, 1, size)], "flat")
    return ended(net, flat, size)


def checked(net: Net, tmp_path, activations: Activations, frames: int = 30) -> tuple[Graph, Network]:
    """The quantized graph and network of a file that computes what onnxruntime does, in float and with its parameters."""
    x = features(frames)
    graph = float_way(saved(net, tmp_path), x)
    write_qdq(quantize_graph(graph, [x], activations), tmp_path / "quantized.onnx")
    again = load_onnx(tmp_path / "quantized.onnx")
    network, quant = lower(again), again.quants[again.input]
    limit, dtype = (127, np.int8) if quant.bits == 8 else (32767, np.int16)
    integers = np.clip(np.rint(x / quant.scale) + quant.zero_point, -limit, limit).astype(dtype)
    check = against_onnxruntime(tmp_path / "quantized.onnx", again, network, integers)
    assert check.ok, check.detail
    return again, network


CASES = {
    "plain": ("Conv", (1, 3, 4, 7), (5, 3, 2, 3), {}),
    "strides": ("Conv", (1, 4, 5, 9), (6, 4, 3, 3), {"strides": [2, 3], "pads": [1, 0, 2, 1]}),
    "dilations": ("Conv", (1, 2, 7, 9), (3, 2, 3, 2), {"dilations": [2, 3], "pads": [0, 1, 0, 2]}),
    "groups": ("Conv", (1, 6, 3, 8), (4, 3, 1, 3), {"group": 2, "pads": [0, 1, 0, 1]}),
    "depthwise": ("Conv", (1, 5, 3, 8), (5, 1, 3, 3), {"group": 5, "pads": [0, 1, 0, 1]}),
    "same": ("Conv", (1, 3, 5, 8), (4, 3, 3, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "one axis": ("Conv", (1, 3, 12), (4, 3, 5), {"strides": [2], "pads": [2, 1]}),
    "pointwise": ("Conv", (1, 3, 12), (4, 3, 1), {}),
    "up": ("ConvTranspose", (1, 4, 3, 5), (4, 3, 2, 5), {"strides": [1, 2], "pads": [0, 2, 0, 2]}),
    "up groups": ("ConvTranspose", (1, 4, 2, 5), (4, 3, 1, 3), {"strides": [1, 2], "group": 2, "output_padding": [0, 1]}),
    "up depthwise": ("ConvTranspose", (1, 4, 3, 5), (4, 1, 3, 3), {"group": 4, "pads": [2, 1, 0, 1], "dilations": [1, 1]}),
    "up same": ("ConvTranspose", (1, 2, 3, 5), (2, 3, 3, 3), {"auto_pad": "SAME_LOWER", "strides": [1, 2]}),
    "up one axis": ("ConvTranspose", (1, 4, 6), (4, 3, 4), {"strides": [3], "dilations": [2]}),
}
AFTER = {"Relu": {}, "LeakyRelu": {"alpha": 0.2}, "Clip": {}, "PRelu": {}, "Tanh": {}, "": {}}


def convolution(case: str, after: str) -> Net:
    kind, shape, kernel, attributes = CASES[case]
    net = start()
    source = image(net, *shape)
    outputs = kernel[0] if kind == "Conv" else kernel[1] * attributes.get("group", 1)
    value = net.node(kind, [source, weights(net, *kernel), weights(net, outputs)], "conv", **attributes)
    inputs = [value]
    if after == "Clip":
        inputs += [net.constant(f"bound{n}", np.array(n, np.float32)) for n in (-1, 2)]
    if after == "PRelu":
        slopes = np.linspace(-0.3, 0.9, outputs).astype(np.float32).reshape(-1, *[1] * (len(shape) - 2))
        inputs.append(net.constant("slopes", slopes))
    if after:
        value = net.node(after, inputs, "after", **AFTER[after])
    probe = net.model()
    del probe.graph.output[:]
    inferred = onnx.shape_inference.infer_shapes(probe)
    dims = next(v for v in inferred.graph.value_info if v.name == value).type.tensor_type.shape.dim
    return finished(net, value, int(np.prod([d.dim_value for d in dims])))


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("case", CASES)
def test_convolutions_are_onnxruntimes(case, activations, tmp_path):
    after = list(AFTER)[(list(CASES).index(case) + (activations == "int8")) % len(AFTER)]
    _, network = checked(convolution(case, after), tmp_path, activations)
    kinds = [layer.kind for layer in network.layers]
    fused = after not in ("", "Tanh")
    assert kinds[: 3 + (not fused) * bool(after)] in (
        ["fullyconnected", kinds[1], "fullyconnected"],
        ["fullyconnected", kinds[1], kinds[2], "fullyconnected"],
    )
    assert network.layers[1].vector_bits == (), "no matrix kernel is linked for it"
    assert kinds[1] == ("conv2d" if CASES[case][0] == "Conv" else "convtranspose2d")


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_a_convolution_goes_the_whole_way(activations, tmp_path):
    way = whole_way(saved(convolution("up groups", "PRelu"), tmp_path), features(), tmp_path, activations, emulated=True)
    assert way.mask_db > (45 if activations == "int16" else 20)


def test_what_comes_between_is_computed_alone(tmp_path):
    """A PReLU whose source something else reads, and one of a vector, are layers of their own."""
    net = start()
    value = net.node("Conv", [image(net, 1, 3, 4, 6), weights(net, 5, 3, 1, 3), weights(net, 5)], "conv")
    slopes = net.constant("slopes", np.linspace(-1.5, 2, 5).astype(np.float32).reshape(5, 1, 1))
    after = net.node("PRelu", [value, slopes], "after")
    both = net.node("Concat", [value, after], "both", axis=1)
    way = whole_way(saved(finished(net, both, 160), tmp_path), features(), tmp_path, "int16")
    assert {Conv, Prelu} <= {type(op) for op in way.quantized.ops}
    assert way.mask_db > 45


def history(frames: int, initial: float = 0.0, also_read: bool = False) -> Net:
    """A convolution over a state and this step's frame."""
    net = start()
    past = net.state("past", (4, frames, 6), initial=initial)
    joined = net.node("Concat", [past, image(net, 1, 4, 1, 6)], "joined", axis=2)
    cut = [numbers(net, n) for n in (1, 2**62, 2)]
    net.node("Slice", [joined, *cut], "past_out")
    value = net.node("Conv", [joined, weights(net, 6, 2, frames + 1, 3), weights(net, 6)], "conv", group=2, pads=[0, 1, 0, 1])
    if also_read:
        old = net.node("Reshape", [past, numbers(net, 1, 24 * frames)], "old")
        flat = net.node("Reshape", [value, numbers(net, 1, 36)], "new")
        return ended(net, net.node("Concat", [flat, old], "more", axis=1), 36 + 24 * frames)
    return finished(net, value, 36)


@pytest.mark.parametrize(("activations", "initial"), [("int8", 0.0), ("int16", 0.25)])
def test_time_contexts_are_kept_in_place(activations, initial, tmp_path):
    way = whole_way(saved(history(2, initial), tmp_path), features(), tmp_path, activations, emulated=True)
    assert [layer.kind for layer in way.network.layers][:3] == ["fullyconnected", "history", "conv2d"]
    (state,) = way.network.states
    assert state.value.shape == (4, 3, 6)
    assert way.mask_db > (45 if activations == "int16" else 20)


def test_time_contexts_that_others_read_are_copied(tmp_path):
    way = whole_way(saved(history(3, also_read=True), tmp_path), features(), tmp_path, "int16")
    kinds = [layer.kind for layer in way.network.layers]
    assert "history" not in kinds
    assert kinds[-1] == "rearrange"


def moved(net: Net, kind: str) -> tuple[str, int]:
    """An operator of layout over [1, 2, 3, 4], and the size of its result."""
    source = image(net, 1, 2, 3, 4)
    match kind:
        case "Transpose":
            return net.node(kind, [source], kind, perm=[0, 3, 1, 2]), 24
        case "batch":
            return net.node("Transpose", [source], kind, perm=[3, 0, 2, 1]), 24
        case "Pad":
            return net.node(kind, [source, numbers(net, 0, 1, 0, 2, 0, 0, 1, 0)], kind), 3 * 4 * 6
        case "reflect" | "edge":
            return net.node("Pad", [source, numbers(net, 0, 0, 1, 2, 0, 0, 1, 0)], kind, mode=kind), 2 * 5 * 6
        case "Gather":
            return net.node(kind, [source, numbers(net, 2, 0, 0, -1, 1)], kind, axis=3), 30
        case "windows":
            indices = net.constant("indices", np.arange(3)[:, None] + np.arange(2)[None])
            return net.node("Gather", [source, indices], kind, axis=3), 36
        case "down":
            ends = [numbers(net, n) for n in (3, -(2**40), 3, -2)]
            return net.node("Slice", [source, *ends], kind), 12
        case "Expand":
            part = net.node("Slice", [source, *(numbers(net, n) for n in (1, 2, 2))], "part")
            return net.node(kind, [part, numbers(net, 1, 2, 5, 4)], kind), 40
        case "Tile":
            return net.node(kind, [source, numbers(net, 1, 2, 1, 2)], kind), 96
        case "Split":
            halves = ["half0", "half1"]
            net.nodes.append(onnx.helper.make_node("Split", [source, numbers(net, 3, 1)], halves, name="split", axis=3))
            return net.node("Concat", halves[::-1], "turned", axis=3), 24
        case _:
            squeezed = net.node("Squeeze", [net.node("Slice", [source, *(numbers(net, n) for n in (1, 2, 1))], "one")], "sq")
            return net.node("Unsqueeze", [squeezed, numbers(net, 0, 3)], "un"), 12


LAYOUTS = ["Transpose", "batch", "Pad", "reflect", "edge", "Gather", "windows", "down", "Expand", "Tile", "Split", "squeezed"]


@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts_are_onnxruntimes(kind, tmp_path):
    net = start()
    value, size = moved(net, kind)
    graph, network = checked(finished(net, value, size), tmp_path, "int8" if kind > "b" else "int16")
    kinds = [layer.kind for layer in network.layers]
    assert kinds.count("rearrange") <= 1, "chains are one copy"
    moving = [op for op in graph.ops if op.moves]
    assert len({graph.quants[name] for op in moving for name in (*op.sources, *op.outputs)}) == 1, "nothing is rounded"


def lowered(net: Net, tmp_path, activations: str = "int16") -> Network:
    graph = float_way(saved(net, tmp_path), features())
    return lower(quantize_graph(graph, [features()], activations))


def test_pure_reshapes_cost_nothing(tmp_path):
    net = start()
    value = net.node("Transpose", [image(net, 1, 1, 6, 4)], "turned", perm=[0, 2, 1, 3])
    assert [layer.kind for layer in lowered(finished(net, value, 24), tmp_path).layers] == [
        "fullyconnected",
        "fullyconnected",
        "lookup16",
    ]


def test_a_channel_shuffle_is_one_copy(tmp_path):
    net = start()
    source = image(net, 1, 8, 1, 5)
    halves = []
    for index in range(2):
        cut = [numbers(net, n) for n in (4 * index, 4 * index + 4, 1)]
        half = net.node("Slice", [source, *cut], f"half{index}")
        halves.append(net.node("Unsqueeze", [half, numbers(net, 1)], f"deep{index}"))
    stacked = net.node("Concat", halves, "stacked", axis=1)
    turned = net.node("Transpose", [stacked], "turned", perm=[0, 2, 1, 3, 4])
    flat = net.node("Reshape", [turned, numbers(net, 1, 8, 1, 5)], "shuffled")
    kinds = [layer.kind for layer in lowered(finished(net, flat, 40), tmp_path).layers]
    assert kinds == ["fullyconnected", "rearrange", "fullyconnected", "lookup16"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: net.node("Pad", [image(net, 1, 2, 3), numbers(net, 0, 0, 0, 0, 0, -1)], "x"), "two numbers an axis"),
        (
            lambda net: net.node(
                "Pad", [image(net, 1, 2, 3), numbers(net, 0, 0, 1, 0, 0, 1), net.constant("one", np.array(1, np.float32))], "x"
            ),
            "another number than 0",
        ),
        (lambda net: net.node("Conv", [image(net, 1, 2, 2, 2, 3), weights(net, 2, 2, 1, 1, 1)], "x"), "one or two"),
        (lambda net: net.node("Conv", [image(net, 2, 2, 3), weights(net, 2, 2, 1)], "x"), "a batch of 2"),
    ],
)
def test_others_are_refused_by_name(change, message, tmp_path):
    net = start()
    value = change(net)
    with pytest.raises(InputError, match=f"node 'x'.*{message}"):
        load_onnx(saved(finished(net, value, 6), tmp_path))


def test_what_a_copy_rescales_is_compared_where_it_is_a_view(tmp_path):
    """The copy before the view rounds; the one after it moves what onnxruntime has, and is equal."""
    net = start()
    source = image(net, 1, 4, 3, 5)
    value = net.node("Conv", [source, weights(net, 4, 4, 1, 3), weights(net, 4)], "conv", pads=[0, 1, 0, 1])
    both = net.node("Concat", [source, value], "both", axis=1)
    mixed = net.node("Reshape", [net.node("Transpose", [both], "turned", perm=[0, 2, 1, 3]), numbers(net, 1, 6, 4, 5)], "mixed")
    across = net.node("Conv", [mixed, weights(net, 20, 6, 1, 2), weights(net, 20)], "across")
    moved = net.node("Transpose", [mixed], "moved", perm=[0, 3, 2, 1])
    along = net.node("Conv", [moved, weights(net, 3, 5, 1, 2), weights(net, 3)], "along")
    parts = [net.node("Reshape", [v, numbers(net, 1, n)], f"part{n}") for v, n in ((across, 320), (along, 60))]
    _, network = checked(ended(net, net.node("Concat", parts, "ends", axis=1), 380), tmp_path, "int16", 200)
    copies = [layer for layer in network.layers if layer.kind == "rearrange"]
    assert [name for layer in copies for name in layer.writes if name.endswith(":view")], "a view is a value"
    assert {limit for layer in copies for limit in layer.tolerance({}).values()} == {0, 1}
