# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers, states and skip gates that are no such thing: each gets one line that says what and where."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from codesign.compiler.model import load_onnx
from codesign.compiler.quantize import quantize_graph, write_qdq
from models import float_network
from refusals import node_of, refused, replaced


def test_missing_state_pair(tmp_path):
    net = float_network()
    net.states.pop()
    refused(net.model(), tmp_path, "c1_in")
    net = float_network()
    net.states[0][1] = "nothing"
    refused(net.model(), tmp_path, "nothing", "output")


def test_a_state_that_goes_by_two_names_is_paired_by_what_computes_it(tmp_path):
    net = float_network()
    net.outputs["other"] = net.outputs.pop("c1_out")
    for node in net.nodes:
        node.output[:] = ["other" if name == "c1_out" else name for name in node.output]
    onnx.save(net.model(metadata={"n_fft": "128", "window": "128", "hop": "64"}), tmp_path / "m.onnx")
    assert ("c1_in", "other") in {(state.input, state.output) for state in load_onnx(tmp_path / "m.onnx").states}


def test_lstm_options_that_are_not_supported(tmp_path):
    for attribute, value in (("direction", "reverse"), ("input_forget", 1), ("clip", 3.0)):
        net = float_network()
        lstm = next(n for n in net.nodes if n.op_type == "LSTM")
        lstm.attribute.append(helper.make_attribute(attribute, value))
        refused(net.model(), tmp_path, "lstm0", attribute)


def rewired(net, output, old, new):
    node = node_of(net, output)
    node.input[:] = [new if name == old else name for name in node.input]
    return net.model()


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


def test_lstm_of_no_step(tmp_path):
    net = float_network()
    node_of(net, "lstm0_h").input[4] = net.constant("lengths", np.array([0], np.int32))
    refused(net.model(), tmp_path, "lstm0", "sequence_lens")


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
