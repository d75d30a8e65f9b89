# SPDX-License-Identifier: Apache-2.0
"""GRU, RNN and LSTM over positions, from ONNX files to firmware; oracle: onnxruntime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from test_states import N, ended, saved, start

from codesign.base.errors import InputError
from codesign.compiler.layers.gru import Gru
from codesign.compiler.model import load_onnx
from whole_way import whole_way

pytestmark = pytest.mark.slow  # the file as a whole

UNITS = 6
FEATURES = np.random.default_rng(1).uniform(0, 3, (40, N)).astype(np.float32)
GATES = {"GRU": 3, "RNN": 1, "LSTM": 4}


def node(net, kind, source, width, states=(), outputs=("y",), directions=1, units=UNITS, **attributes):
    """A recurrent node with weights of its own."""
    g, label = GATES[kind], outputs[0] or outputs[-1]
    inputs = [
        source,
        net.weights(f"{label}_w", directions, g * units, width),
        net.weights(f"{label}_r", directions, g * units, units),
        net.weights(f"{label}_b", directions, 2 * g * units),
    ]
    if states:
        inputs += ["", *states]
    if kind == "GRU":
        attributes.setdefault("linear_before_reset", 1)
    net.nodes.append(onnx.helper.make_node(kind, inputs, list(outputs), name=f"{label}_node", hidden_size=units, **attributes))


def one_step(kind, **attributes):
    """One step of one vector, with states."""
    net = start()
    states = [net.state(name, UNITS) for name in "hc"[: 2 if kind == "LSTM" else 1]]
    axes = net.constant("axes", np.array([0], np.int64))
    x = net.node("Unsqueeze", ["features", axes], "x3")
    node(
        net,
        kind,
        x,
        N,
        [net.node("Unsqueeze", [s, axes], f"{s}3") for s in states],
        ("", "h3", "c3")[: len(states) + 1],
        **attributes,
    )
    for name in "hc"[: len(states)]:
        net.node("Squeeze", [f"{name}3", axes], f"{name}_out")
    return ended(net, "h_out", UNITS)


def over_positions(kind, positions=4):
    """One step of several vectors, each with states of its own."""
    net = start()
    width = N // positions
    states = [net.state(name, positions * UNITS) for name in "hc"[: 2 if kind == "LSTM" else 1]]
    shape = net.constant("shape", np.array([1, positions, width], np.int64))
    state_shape = net.constant("state_shape", np.array([1, positions, UNITS], np.int64))
    flat = net.constant("flat", np.array([1, positions * UNITS], np.int64))
    x = net.node("Reshape", ["features", shape], "x3")
    shaped = [net.node("Reshape", [s, state_shape], f"{s}3") for s in states]
    node(net, kind, x, width, shaped, ("", "h3", "c3")[: len(states) + 1])
    for name in "hc"[: len(states)]:
        net.node("Reshape", [f"{name}3", flat], f"{name}_out")
    return ended(net, "h_out", positions * UNITS)


def scan(kind, direction, positions=4, last=False, used=0, unread=(), **attributes):
    """A run over the positions of a frame, from zero; `used`: over so many of a position's last values alone; `unread`: outputs
    that are listed all the same.
    """
    net = start()
    width, ways = N // positions, 2 if direction == "bidirectional" else 1
    x = net.node("Reshape", ["features", net.constant("shape", np.array([positions, 1, width], np.int64))], "x3")
    if used:
        ends = [net.constant(n, np.array([i], np.int64)) for n, i in (("from", width - used), ("to", width), ("axis", 2))]
        x, width = net.node("Slice", [x, *ends], "slice"), used
    node(net, kind, x, width, (), ("", "y") if last else ("y", *unread), ways, direction=direction, **attributes)
    count = ways * UNITS * (1 if last else positions)
    flat = net.node("Reshape", ["y", net.constant("flat", np.array([1, count], np.int64))], "flat_y")
    return ended(net, flat, count)


CASES = {
    "gru": lambda: one_step("GRU"),
    "gru, reset before": lambda: one_step("GRU", linear_before_reset=0),
    "rnn": lambda: one_step("RNN"),
    "rnn, relu": lambda: one_step("RNN", activations=["Relu"]),
    "gru, positions": lambda: over_positions("GRU"),
    "lstm, positions": lambda: over_positions("LSTM"),
    "rnn, positions": lambda: over_positions("RNN"),
    "gru, scan": lambda: scan("GRU", "forward"),
    "gru, reverse": lambda: scan("GRU", "reverse", linear_before_reset=0),
    "gru, slice": lambda: scan("GRU", "bidirectional", positions=2, used=2),
    "gru, both": lambda: scan("GRU", "bidirectional"),
    "lstm, both": lambda: scan("LSTM", "bidirectional", unread=("last_h", "last_c")),
    "rnn, both, last": lambda: scan("RNN", "bidirectional", last=True),
}


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_whole_way(name, activations, tmp_path):
    emulated = activations == "int16" and name in ("gru", "gru, slice")
    way = whole_way(saved(CASES[name](), tmp_path), FEATURES, tmp_path, activations, emulated)
    assert way.mask_db > (30.0 if activations == "int8" else 40.0)
    if name == "gru, slice":  # is read where it is
        runs = [layer for layer in way.network.layers if isinstance(layer, Gru)]
        assert [(run.source, run.source_offset, run.stride) for run in runs] == [("features", 2, 4)] * 2


REFUSED = {
    "clip": (lambda: one_step("GRU", clip=1.0), "clip"),
    "activations": (lambda: one_step("RNN", activations=["Softsign"]), "activations softsign"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_no_layer_computes_is_refused_by_name(name, tmp_path):
    make, reason = REFUSED[name]
    with pytest.raises(InputError, match=f"(h3|y)_node.*{reason}"):
        load_onnx(saved(make(), tmp_path))
