# SPDX-License-Identifier: Apache-2.0
"""States that are no LSTM's: frames stacked, values fed back from anywhere, old values read, states that change places.

Oracles: onnxruntime for the float network and, step by step, for the int8 file; the host library for the integers.
"""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from codesign.compiler.lower import lower
from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq
from codesign.compiler.quantize.float_run import float_run
from codesign.firmware.boards import load_board
from codesign.firmware.machines import MACHINES
from codesign.firmware.toolchain import build_bare, build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime
from models import Net, float_network
from refusals import node_of

pytestmark = pytest.mark.slow  # the file as a whole

N = 8


def ended(net, source, width, name="head"):
    """The mask, after a linear layer over `source`."""
    net.node("Gemm", [source, net.weights(f"{name}_w", N, width), net.weights(f"{name}_b", N)], name, transB=1)
    net.node("Sigmoid", [name], "mask")
    net.outputs["mask"] = N
    return net


def start(seed=0):
    net = Net(seed)
    net.inputs["features"] = N
    return net


def frame_stack():
    """The last three frames: states that are the input, and each other's old values."""
    net = start()
    x1, x2 = net.state("x1", N), net.state("x2", N, initial=0.5)
    net.node("Identity", ["features"], "x1_out")
    net.node("Identity", [x1], "x2_out")
    return ended(net, net.node("Concat", ["features", x1, x2], "frames", axis=1), 3 * N)


def fed_back_mask():
    """A sum of two linear layers, one of them over the mask of the step before."""
    net = start()
    h = net.state("h", N)
    a = net.node("Gemm", ["features", net.weights("a_w", N, N)], "a")
    b = net.node("Gemm", [h, net.weights("b_w", N, N)], "b")
    net.node("Sigmoid", [net.node("Add", [a, b], "both")], "mask")
    net.node("Identity", ["mask"], "h_out")
    net.outputs["mask"] = N
    return net


def changing_places():
    """Two states that swap, one that stays, and one that is an activation's result; a value for each element."""
    net = start()
    a, b, c, d = (net.state(n, N) for n in "abcd")
    for entry, value in zip(net.states, (1.0, -0.5, 0.25, 0.0), strict=True):
        entry.append([value * (k + 1) / N for k in range(N)] if entry[0] != "d_in" else 0.0)
    net.node("Identity", [b], "a_out")
    net.node("Identity", [a], "b_out")
    net.node("Identity", [c], "c_out")
    joined = net.node("Concat", ["features", a, b, c, d], "joined", axis=1)
    net.node("Gemm", [joined, net.weights("w", N, 5 * N), net.weights("w_b", N)], "hidden", transB=1)
    net.node("Relu", ["hidden"], "d_out")
    return ended(net, "d_out", N)


def old_state(form):
    net = float_network(n_mels=N, units=(N, N), form=form)
    node = node_of(net, "fc0")
    node.input[:] = ["h1_in" if name == "h1_out" else name for name in node.input]
    return net


def lstm_is_the_mask():
    net = float_network(n_mels=N, units=(N,))
    node_of(net, "mask").CopyFrom(helper.make_node("Identity", ["h0_out"], ["mask"]))
    return net


def old_states_of_a_skip_gate():
    """The gate's state and those of the layers under it, read after the layers have changed them."""
    net = float_network(n_mels=N, units=(N, N), skip=True)
    at = next(index for index, node in enumerate(net.nodes) if node.name == "fc0")
    joined = helper.make_node("Concat", ["h1_out", "gate_in", "h1_in", "c0_in", "h1_in"], ["joined"], name="joined", axis=1)
    net.nodes.insert(at, joined)
    node_of(net, "fc0").input[:2] = ["joined", net.weights("wide_w", 10, 4 * N + 1)]
    return net


def crossed():
    """The hidden state of each LSTM is fed back to the other."""
    net = float_network(n_mels=N, units=(N, N))
    net.states[0][1], net.states[2][1] = net.states[2][1], net.states[0][1]
    return net


NETWORKS = {
    "frame stack": frame_stack,
    "mask fed back": fed_back_mask,
    "swap": changing_places,
    "old state": lambda: old_state("operator"),
    "old state, cells": lambda: old_state("stacked"),
    "lstm is the mask": lstm_is_the_mask,
    "crossed": crossed,
    "old states, skip gate": old_states_of_a_skip_gate,
}


def saved(net, path):
    onnx.save(net.model(), path / "float.onnx")
    return path / "float.onnx"


def masks_of_onnxruntime(path, graph, features):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = {s.input: s.start[None].astype(np.float32) for s in graph.states}
    masks = []
    for row in features:
        mask, *new = session.run([graph.output, *(s.output for s in graph.states)], {graph.input: row[None], **values})
        masks.append(mask[0])
        values = {s.input: value for s, value in zip(graph.states, new, strict=True)}
    return np.array(masks)


@pytest.mark.parametrize("name", NETWORKS)
def test_any_value_may_be_a_state(name, tmp_path):
    path = saved(NETWORKS[name](), tmp_path)
    graph = load_onnx(path)
    features = np.random.default_rng(1).uniform(0, 3, (60, N)).astype(np.float32)
    ours = float_run(graph, features).values[graph.output]
    np.testing.assert_allclose(ours, masks_of_onnxruntime(path, graph, features), atol=2e-6)

    quantized = quantize_graph(graph, [features])
    write_qdq(quantized, tmp_path / "int8.onnx")
    again = load_onnx(tmp_path / "int8.onnx")
    network = lower(again)
    quant = quantized.quants[graph.input]
    integers = np.clip(np.rint(features / quant.scale) + quant.zero_point, -127, 127).astype(np.int8)
    assert against_onnxruntime(tmp_path / "int8.onnx", again, network, integers).ok
    pcm = np.random.default_rng(3).integers(-(2**14), 2**14, 40 * network.frontend.hop).astype(np.int16)
    host = MACHINES["host"].run(build_host(network, tmp_path / "host"), pcm)
    reference = run_reference(network, pcm)
    assert equal(host, reference).ok
    assert len(np.unique(host.mask)) > N  # it computes something
    if name == "swap":
        board = load_board("nrf5340dk")
        assert equal(MACHINES["unicorn"].run(build_bare(network, board, tmp_path / "bare"), pcm), reference).ok


def test_initial_values_of_each_element_come_through(tmp_path):
    graph = load_onnx(saved(changing_places(), tmp_path))
    state = graph.state("b_in")
    assert state is not None
    assert state.initial == tuple(-0.5 * (k + 1) / N for k in range(N))
    quantized = quantize_graph(graph, [np.ones((4, N), np.float32)])
    write_qdq(quantized, tmp_path / "int8.onnx")
    assert load_onnx(tmp_path / "int8.onnx").states == graph.states
    value = next(s for s in lower(quantized).states if s.value.name == "b_in")
    quant = quantized.quants["b_in"]
    np.testing.assert_allclose((value.start - quant.zero_point) * quant.scale, state.start, atol=quant.scale / 2)


def test_initial_values_of_another_number_are_refused(tmp_path):
    net = changing_places()
    net.states[0][2] = [1.0, 2.0]
    model = net.model()
    assert json.loads(next(p.value for p in model.metadata_props if p.key == "states"))[0][2] == [1.0, 2.0]
    with pytest.raises(Exception, match="8 elements and 2 initial values"):
        onnx.save(model, tmp_path / "bad.onnx")
        load_onnx(tmp_path / "bad.onnx")


def stacked(way):
    """Two LSTMs whose four states are one input, stacked as exporters do it."""
    net = float_network(n_mels=N, units=(N, N))
    states = [pair[:] for pair in net.states]
    net.states.clear()
    for name, output in states:
        del net.inputs[name], net.outputs[output]
    shape = {"vector": [1, 4 * N], "layers": [4, 1, N], "last axis": [1, 2, N, 2]}[way]
    nodes, indices = [], [net.constant(f"at{k}", np.array([k], np.int64)) for k in range(5)]
    row = net.constant("row", np.array([1, N], np.int64))
    for k, (name, _) in enumerate(states):
        if way == "vector":
            bounds = [net.constant(f"{w}{k}", np.array([n], np.int64)) for w, n in (("from", k * N), ("to", (k + 1) * N))]
            nodes.append(helper.make_node("Slice", ["all_in", *bounds, indices[1]], [name], name=f"slice{k}"))
        elif way == "layers":
            nodes.append(helper.make_node("Gather", ["all_in", net.constant(f"i{k}", np.array(k, np.int64))], [name], axis=0))
        else:
            layer = ["all_in", indices[k // 2], indices[k // 2 + 1], indices[1]]
            nodes.append(helper.make_node("Slice", layer, [f"layer{k}"], name=f"layer{k}"))
            last = [f"layer{k}", indices[k % 2], indices[k % 2 + 1], indices[3]]
            nodes.append(helper.make_node("Slice", last, [f"one{k}"], name=f"one{k}"))
            nodes.append(helper.make_node("Reshape", [f"one{k}", row], [name], name=f"row{k}"))
    net.nodes[:0] = nodes
    outputs = [output for _, output in states]
    if way == "vector":
        net.node("Concat", outputs, "all_out", axis=1)
    elif way == "layers":
        net.node("Concat", [net.node("Unsqueeze", [o, indices[0]], f"{o}_3d") for o in outputs], "all_out", axis=0)
    else:
        column = net.constant("column", np.array([1, 1, N, 1], np.int64))
        columns = [net.node("Reshape", [o, column], f"{o}_4d") for o in outputs]
        pairs = [net.node("Concat", columns[k : k + 2], f"pair{k}", axis=3) for k in (0, 2)]
        net.node("Concat", pairs, "all_out", axis=1)
    model = net.model(states=json.dumps([["all_in", "all_out"]]))
    for infos, name in ((model.graph.input, "all_in"), (model.graph.output, "all_out")):
        infos.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    return model


@pytest.mark.parametrize("way", ["vector", "layers", "last axis"])
def test_stacked_states_come_apart(way, tmp_path):
    onnx.save(stacked(way), tmp_path / "stacked.onnx")
    onnx.save(float_network(n_mels=N, units=(N, N)).model(), tmp_path / "plain.onnx")
    graph, plain = load_onnx(tmp_path / "stacked.onnx"), load_onnx(tmp_path / "plain.onnx")
    assert [s.shape for s in graph.states] == 4 * [(N,)]
    assert len({s.input for s in graph.states} | {"all_in"}) == 5
    assert [op.label for op in graph.ops] == [op.label for op in plain.ops]
    features = np.random.default_rng(1).uniform(0, 3, (30, N)).astype(np.float32)
    ours, wanted = (float_run(g, features).values["mask"] for g in (graph, plain))
    np.testing.assert_array_equal(ours, wanted)
    write_qdq(quantize_graph(graph, [features]), tmp_path / "int8.onnx")
    assert lower(load_onnx(tmp_path / "int8.onnx")).states


def test_a_state_that_is_read_as_a_whole_too_stays_one(tmp_path):
    net = start()
    s = net.state("s", 2 * N)
    bounds = [net.constant(f"at{n}", np.array([n], np.int64)) for n in (0, N, 1)]
    first = net.node("Slice", [s, bounds[0], bounds[1], bounds[2]], "first")
    a = net.node("Gemm", [first, net.weights("a_w", N, N)], "a", transB=1)
    b = net.node("Gemm", [s, net.weights("b_w", N, 2 * N)], "b", transB=1)
    c = net.node("Gemm", ["features", net.weights("c_w", N, N)], "c", transB=1)
    net.node("Tanh", [net.node("Add", [net.node("Add", [a, b], "ab"), c], "abc")], "t")
    net.node("Concat", ["t", "features"], "s_out", axis=1)
    path = saved(ended(net, "t", N), tmp_path)
    graph = load_onnx(path)
    assert [state.input for state in graph.states] == ["s_in"]
    features = np.random.default_rng(1).uniform(0, 3, (30, N)).astype(np.float32)
    ours = float_run(graph, features).values["mask"]
    np.testing.assert_allclose(ours, masks_of_onnxruntime(path, graph, features), atol=2e-6)
    assert lower(quantize_graph(graph, [features])).states
