# SPDX-License-Identifier: Apache-2.0
"""A graph over many frames becomes one step: frame after frame it gives what onnxruntime gives for the sequence."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from codesign.base.errors import InputError
from codesign.compiler.model.passes import simplify
from onnx_graphs import PATH, Graph, kinds, same_sequence

BINS, UNITS = 6, 5


def recurrent(kind, direction="forward", seed=0, initial=True):
    """Linear, recurrent, linear, with time in the middle: [1, frames, BINS]."""
    g, gates = Graph(seed), {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    n = 2 if direction == "bidirectional" else 1
    x = g("Transpose", g("Relu", g("MatMul", "x", g.weights(BINS, UNITS))), perm=[1, 0, 2])
    states = []
    if initial:
        batch = g("Gather", g("Shape", x), g.ints(1), axis=0)
        zeros = g("ConstantOfShape", g("Concat", g.ints(n), batch, g.ints(UNITS), axis=0))
        states = ["", zeros, zeros] if kind == "LSTM" else ["", zeros]
    weights = [g.weights(n, gates * UNITS, UNITS), g.weights(n, gates * UNITS, UNITS), g.weights(n, 2 * gates * UNITS)]
    options = {"linear_before_reset": 1} if kind == "GRU" else {}
    y = g(kind, x, *weights, *states, hidden_size=UNITS, direction=direction, outputs=["y", "y_h"], **options)
    y = g("Squeeze", y, g.ints(1)) if n == 1 else g("Reshape", g("Transpose", y, perm=[0, 2, 1, 3]), g.ints(0, 0, -1))
    g("Sigmoid", g("MatMul", g("Transpose", y, perm=[1, 0, 2]), g.weights(n * UNITS, BINS)), outputs=["mask"])
    return g


def shaped(g, frames="frames", batch="batch", **metadata):
    return g.model({"x": [batch, frames, BINS]}, {"mask": [batch, frames, BINS]}, **metadata)


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layer_from_zero(kind, initial):
    done = same_sequence(shaped(recurrent(kind, initial=initial)))
    assert kind in kinds(done)
    assert sorted(i.name for i in done.model.graph.input) == sorted(
        ["x", *(f"{kind.lower()}{len_of(kind, initial)}_{part}_in" for part in ("hc" if kind == "LSTM" else "h"))]
    )
    assert any("one frame a step" in note for note in done.notes)
    assert any("starts from zero" in note for note in done.notes)


def len_of(kind, initial):
    return next(i for i, node in enumerate(recurrent(kind, initial=initial).nodes) if node.op_type == kind)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("frames", ["frames", 24])
def test_recurrent_layer_from_numbers_of_its_own(kind, frames):
    """A learned first state, one for all positions of the batch."""
    g = recurrent(kind, initial=False)
    node = next(node for node in g.nodes if node.op_type == kind)
    starts = [g.constant(g.rng.uniform(-1.5, 1.5, (1, 1, UNITS)).astype(np.float32)) for _ in ("hc" if kind == "LSTM" else "h")]
    node.input.extend(["", *starts])
    done = same_sequence(shaped(g, frames, batch=1), frames=24)
    assert any("starts from numbers of its own" in note for note in done.notes)


@pytest.mark.parametrize("reshaped", [False, True])
def test_frames_that_are_open_only_at_the_input(reshaped):
    """What torch's default exporter writes after a recurrent layer: the sizes of its example, here 24 frames."""
    g = recurrent("GRU")
    if reshaped:
        flat = g.nodes.pop()
        g("Reshape", flat.input[0], g.ints(1, 24, BINS), outputs=["again"])
        g("Sigmoid", "again", outputs=["mask"])
    model = g.model({"x": [1, "frames", BINS]}, {"mask": [1, 24, BINS]})
    inner = flat.input[0] if reshaped else g.nodes[-2].output[0]
    model.graph.value_info.append(helper.make_tensor_value_info(inner, TensorProto.FLOAT, [1, 24, BINS]))
    done = same_sequence(model)
    assert any("'frames' is 24 further in" in note for note in done.notes)
    assert list(done.model.graph.input[0].type.tensor_type.shape.dim)[1].dim_value == 1


def test_sizes_that_contradict_each_other_are_refused():
    model = recurrent("GRU").model({"x": [1, "frames", BINS]}, {"mask": [1, 24, BINS + 1]})
    with pytest.raises(InputError, match="'mask' has shape"):
        simplify(PATH, model)


def test_a_fixed_number_of_frames():
    g = recurrent("GRU")
    flat = g.nodes.pop()
    g("Reshape", flat.input[0], g.ints(1, 50, BINS), outputs=["again"])
    g("Sigmoid", "again", outputs=["mask"])
    done = same_sequence(g.model({"x": [1, 50, BINS]}, {"mask": [1, 50, BINS]}), frames=50)
    assert list(done.model.graph.input[0].type.tensor_type.shape.dim)[1].dim_value == 1


def test_one_frame_that_starts_from_zero():
    done = same_sequence(shaped(recurrent("LSTM")), frames=9)
    single = simplify(PATH, shaped(recurrent("LSTM"), frames=1, batch=1))
    assert [i.name for i in single.model.graph.input] == [i.name for i in done.model.graph.input]


def test_states_are_paired_in_metadata_that_lists_none():
    done = simplify(PATH, shaped(recurrent("GRU")))
    assert {p.key for p in done.model.metadata_props} == {"states"}


@pytest.mark.parametrize("direction", ["bidirectional", "reverse"])
def test_backwards_over_time_is_refused(direction):
    with pytest.raises(InputError, match=r"lstm\d+.*frames that are yet to come"):
        simplify(PATH, shaped(recurrent("LSTM", direction)))


def test_frames_as_a_batch_may_run_both_ways():
    """A recurrent layer along frequency sees each frame alone; the next one runs along time."""
    g = Graph()
    x = g("Unsqueeze", g("Squeeze", "x", g.ints(0)), g.ints(2))  # [frames, bins, 1]
    weights = [g.weights(2, 3 * 2, 1), g.weights(2, 3 * 2, 2), g.weights(2, 6 * 2)]
    y = g("GRU", g("Transpose", x, perm=[1, 0, 2]), *weights, hidden_size=2, direction="bidirectional", outputs=["y", ""])
    y = g("Reshape", g("Transpose", y, perm=[2, 0, 1, 3]), g.ints(0, 1, -1))  # [frames, 1, bins · 4]
    weights = [g.weights(1, 3 * UNITS, 4 * BINS), g.weights(1, 3 * UNITS, UNITS)]
    z = g("GRU", y, *weights, hidden_size=UNITS, outputs=["z", ""])
    z = g("MatMul", g("Transpose", g("Squeeze", z, g.ints(1)), perm=[1, 0, 2]), g.weights(UNITS, BINS))
    g("Sigmoid", z, outputs=["mask"])
    done = same_sequence(g.model({"x": [1, "frames", BINS]}, {"mask": [1, "frames", BINS]}))
    assert len(done.model.graph.input) == 2


def convolution(front, back, kernel=3, dilation=1, cut=None, pad_node=False, opset=17):
    g = Graph()
    x = g("Transpose", "x", perm=[0, 2, 1])
    pads = {"pads": [front, back]}
    if pad_node:
        x, pads = g("Pad", x, g.ints(0, 0, front, 0, 0, back)), {}
    y = g("Conv", x, g.weights(UNITS, BINS, kernel), g.weights(UNITS), kernel_shape=[kernel], dilations=[dilation], **pads)
    if cut is not None:
        y = g("Slice", y, g.ints(0), g.ints(cut), g.ints(2))
    y = g("Conv", g("Relu", y), g.weights(BINS, UNITS, 1))
    g("Sigmoid", g("Transpose", y, perm=[0, 2, 1]), outputs=["mask"])
    return shaped(g)


@pytest.mark.parametrize("pad_node", [True, False])
@pytest.mark.parametrize(("kernel", "dilation"), [(2, 1), (3, 1), (3, 4)])
def test_causal_convolution(kernel, dilation, pad_node):
    reach = (kernel - 1) * dilation
    done = same_sequence(convolution(reach, 0, kernel, dilation, pad_node=pad_node))
    past = next(i for i in done.model.graph.input if i.name.endswith("past_in"))
    assert [d.dim_value for d in past.type.tensor_type.shape.dim] == [1, BINS, reach]


def test_convolution_whose_end_is_cut_off():
    same_sequence(convolution(2, 2, cut=-2))


@pytest.mark.parametrize(("front", "back", "ahead"), [(1, 1, 1), (0, 2, 2)])
def test_a_convolution_that_looks_ahead_is_refused(front, back, ahead):
    with pytest.raises(InputError, match=rf"conv\d+.*looks {ahead} frames ahead"):
        simplify(PATH, convolution(front, back))


def test_two_dimensional_convolutions_there_and_back():
    """Time is one of two spatial axes; strides and padding along frequency stay."""
    g = Graph()
    x = g("Unsqueeze", "x", g.ints(1))  # [1, 1, frames, bins]
    x = g("Pad", x, g.ints(0, 0, 2, 0, 0, 0, 0, 0))
    x = g("Conv", x, g.weights(4, 1, 3, 3), g.weights(4), pads=[0, 1, 0, 1], strides=[1, 2])
    x = g("PRelu", x, g.weights(4, 1, 1))
    x = g("Conv", x, g.weights(4, 2, 2, 1), g.weights(4), pads=[1, 0, 0, 0], group=2)
    x = g("ConvTranspose", x, g.weights(4, 1, 3, 3), g.weights(1), pads=[0, 1, 0, 1], strides=[1, 2], output_padding=[0, 1])
    x = g("Slice", x, g.ints(0), g.ints(-2), g.ints(2))
    g("Tanh", g("Squeeze", x, g.ints(1)), outputs=["mask"])
    done = same_sequence(shaped(g, batch=1))
    assert len(done.model.graph.input) == 4


def test_zeros_joined_in_front():
    g = Graph()
    x = g("Concat", g.constant(np.zeros((1, 2, BINS), np.float32)), "x", axis=1)
    y = g("Conv", g("Transpose", x, perm=[0, 2, 1]), g.weights(BINS, BINS, 3))
    g("Sigmoid", g("Transpose", y, perm=[0, 2, 1]), outputs=["mask"])
    same_sequence(g.model({"x": [1, "frames", BINS]}, {"mask": [1, "frames", BINS]}))


@pytest.mark.parametrize(
    ("kind", "options", "word"),
    [
        ("ReduceMean", {"axes": [1], "keepdims": 1}, "all frames"),
        ("Softmax", {"axis": 1}, "along time"),
        ("CumSum", {"reverse": 1}, "yet to come"),
        ("InstanceNormalization", {}, "along time"),
    ],
)
def test_all_frames_at_once_are_refused(kind, options, word):
    g = recurrent("GRU")
    g.nodes[-1].output[0] = "before"
    inputs = {"CumSum": [g.ints(1)], "InstanceNormalization": None}.get(kind, [])
    if inputs is None:
        x = g("Transpose", "before", perm=[0, 2, 1])
        y = g(kind, x, g.weights(BINS), g.weights(BINS))
        g("Transpose", y, perm=[0, 2, 1], outputs=["after"])
    else:
        inputs = [g.constant(np.array(1, np.int64))] if kind == "CumSum" else inputs
        g(kind, "before", *inputs, outputs=["after"], **options)
    g("Mul", "before", "after", outputs=["mask"])
    with pytest.raises(InputError, match=rf"{kind.lower()}\d+.*{word}") as caught:
        simplify(PATH, shaped(g))
    assert caught.value.hint


def test_the_last_frame_is_no_result():
    g = recurrent("GRU")
    g.nodes[-1].output[0] = "before"
    g("Add", "before", g("Slice", "before", g.ints(-1), g.ints(2**31), g.ints(1)), outputs=["mask"])
    with pytest.raises(InputError, match="counted from the last"):
        simplify(PATH, shaped(g))


def test_numbers_that_differ_from_frame_to_frame():
    g = recurrent("GRU")
    g.nodes[-1].output[0] = "before"
    length = g("Gather", g("Shape", "before"), g.constant(np.array(1, np.int64)))
    length = g("Unsqueeze", length, g.ints(0))
    positions = g("Slice", g.weights(1000, 1), g.ints(0), length, g.ints(0))
    g("Add", "before", positions, outputs=["mask"])
    with pytest.raises(InputError, match="from frame to frame"):
        simplify(PATH, shaped(g))


def test_a_sequence_with_states_of_its_own():
    """The cache of a convolution as input and output, and any number of frames: nothing is added."""
    g = Graph()
    x = g("Concat", "past_in", g("Transpose", "x", perm=[0, 2, 1]), axis=2)
    g("Slice", x, g.ints(-2), g.ints(2**31), g.ints(2), outputs=["past_out"])
    y = g("Conv", x, g.weights(BINS, BINS, 3))
    g("Sigmoid", g("Transpose", y, perm=[0, 2, 1]), outputs=["mask"])
    shapes = {"x": [1, "frames", BINS], "past_in": [1, BINS, 2]}, {"mask": [1, "frames", BINS], "past_out": [1, BINS, 2]}
    done = same_sequence(g.model(*shapes))
    assert [i.name for i in done.model.graph.input] == ["x", "past_in"]


@pytest.mark.train
def test_what_torch_exports(tmp_path):
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv1d(BINS, 8, 3, dilation=2)
            self.norm = torch.nn.BatchNorm1d(8)
            self.lstm = torch.nn.LSTM(8, UNITS, num_layers=2, batch_first=True)
            self.out = torch.nn.Linear(UNITS, BINS)

        def forward(self, x):
            y = torch.nn.functional.pad(x.transpose(1, 2), (4, 0))
            y = torch.relu(self.norm(self.conv(y))).transpose(1, 2)
            return torch.sigmoid(self.out(self.lstm(y)[0]))

    torch.manual_seed(0)
    net = Net().eval()
    net.norm.running_mean.uniform_(-1, 1)
    path = tmp_path / "t.onnx"
    axes = {"x": {0: "batch", 1: "frames"}}
    torch.onnx.export(net, (torch.zeros(1, 30, BINS),), path, input_names=["x"], dynamo=False, dynamic_axes=axes)
    import onnx

    done = same_sequence(onnx.load(path))
    assert set(kinds(done)) <= {"Concat", "Conv", "LSTM", "MatMul", "Add", "Relu", "Reshape", "Sigmoid", "Slice", "Squeeze"}


def test_a_shifted_copy_of_the_frames():
    """The frame before beside this one, for one matrix: the delay is a state."""
    g = Graph()
    before = g("Pad", g("Slice", "x", g.ints(0), g.ints(-1), g.ints(1)), g.ints(0, 1, 0, 0, 0, 0))
    y = g("Concat", "x", before, axis=2)
    y = g("Conv", g("Transpose", y, perm=[0, 2, 1]), g.weights(BINS, 2 * BINS, 2), pads=[1, 0])
    g("Sigmoid", g("Transpose", y, perm=[0, 2, 1]), outputs=["mask"])
    assert len(same_sequence(shaped(g, batch=1)).model.graph.input) == 3


@pytest.mark.parametrize("frames", ["frames", 40])
def test_stacked_frames_of_a_dense_network(frames):
    """No layer runs along time: the frames before come from zeros in front and slices."""
    g = Graph()
    padded = g("Pad", "x", g.ints(0, 2, 0, 0, 0, 0))
    parts = [g("Slice", padded, g.ints(start), g.ints(stop), g.ints(1)) for start, stop in ((0, -2), (1, -1), (2, 2**31))]
    g("Sigmoid", g("MatMul", g("Concat", *parts, axis=2), g.weights(3 * BINS, BINS)), outputs=["mask"])
    done = simplify(PATH, shaped(g, frames)) if frames == 40 else same_sequence(shaped(g))
    assert len(done.model.graph.input) == 3


def test_a_fixed_number_of_frames_of_a_causal_convolution():
    g = Graph()
    y = g("Conv", g("Transpose", "x", perm=[0, 2, 1]), g.weights(BINS, BINS, 3), pads=[2, 0])
    g("Sigmoid", g("Transpose", y, perm=[0, 2, 1]), outputs=["mask"])
    same_sequence(g.model({"x": [1, "frames", BINS]}, {"mask": [1, "frames", BINS]}))
    fixed = simplify(PATH, g.model({"x": [1, 40, BINS]}, {"mask": [1, 40, BINS]}))
    assert len(fixed.model.graph.input) == 2


def test_a_convolution_along_frequency_is_no_time():
    g = Graph()
    y = g("Conv", g("Unsqueeze", "x", g.ints(1)), g.weights(1, 1, 3), pads=[1, 1])
    g("Sigmoid", g("Squeeze", y, g.ints(1)), outputs=["mask"])
    done = simplify(PATH, g.model({"x": [1, 40]}, {"mask": [1, 40]}))
    assert [d.dim_value for d in done.model.graph.input[0].type.tensor_type.shape.dim] == [1, 40]
    assert len(done.model.graph.input) == 1


@pytest.mark.parametrize("over", ["bands", "time"])
def test_attention_within_a_frame_or_over_all_of_them(over):
    g = Graph()
    x = g("Reshape", "x", g.ints(1, -1, 3, 2)) if over == "bands" else "x"
    size = 2 if over == "bands" else BINS
    q, k, v = (g("MatMul", x, g.weights(size, size)) for _ in range(3))
    turned = g("Transpose", k, perm=[0, 1, 3, 2] if over == "bands" else [0, 2, 1])
    y = g("MatMul", g("Softmax", g("MatMul", q, turned), axis=-1), v)
    y = g("Pad", g("Reshape", y, g.ints(1, -1, BINS)), g.ints(0, 1, 0, 0, 0, 0))
    g(
        "Sigmoid",
        g("Slice", g("Add", g("Slice", y, g.ints(0), g.ints(-1), g.ints(1)), "x"), g.ints(0), g.ints(BINS), g.ints(2)),
        outputs=["mask"],
    )
    if over == "bands":
        same_sequence(shaped(g, batch=1))
        return
    with pytest.raises(InputError, match="frames are mixed"):
        simplify(PATH, shaped(g, batch=1))


def test_fixed_frames_that_reshapes_repeat_after_padding():
    """As TFLite writes causal convolutions: [1, frames, …] is padded, and seen as an image [1, 1, frames + 2, …] and back."""
    g, frames = Graph(), 24
    padded = g("Pad", "x", g.ints(0, 2, 0, 0, 0, 0))
    image = g("Transpose", g("Reshape", padded, g.ints(1, 1, frames + 2, BINS)), perm=[0, 3, 1, 2])
    y = g("Transpose", g("Conv", image, g.weights(BINS, BINS, 1, 3)), perm=[0, 2, 3, 1])
    g("Sigmoid", g("Reshape", y, g.ints(1, frames, BINS)), outputs=["mask"])
    done = same_sequence(g.model({"x": [1, frames, BINS]}, {"mask": [1, frames, BINS]}), frames=frames)
    assert any("keeps the last 2 frames" in note for note in done.notes)
