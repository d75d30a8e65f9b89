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
from codesign.firmware.machines.host import run_host
from codesign.firmware.toolchain import build_host
from codesign.proof.equality import equal, run_reference
from codesign.proof.oracle import against_onnxruntime
from models import Net, float_network
from refusals import node_of

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
    host = run_host(build_host(network, tmp_path / "host"), pcm)
    assert equal(host, run_reference(network, pcm)).ok
    assert len(np.unique(host.mask)) > N  # it computes something


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
