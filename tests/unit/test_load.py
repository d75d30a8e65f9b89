# SPDX-License-Identifier: Apache-2.0
"""Every form of a network that exporters write is the same graph, and computes what onnxruntime computes."""

import dataclasses
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from codesign.base.resources import resource
from codesign.compiler.model import load_onnx
from codesign.compiler.model.operator_page import operator_table
from codesign.compiler.names import C_KEYWORDS, STAGES, identifier
from codesign.compiler.operators import Activation, Linear, LstmCell, SkipGate
from codesign.compiler.quantize.float_run import float_run
from models import FORMS, float_network


def saved(model, path):
    path = path / "model.onnx"
    onnx.save(model, path)
    return path


def run_onnxruntime(path, features, states):
    """Masks of all frames, states fed back."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = {s.input: np.full((1, s.size), s.initial, np.float32) for s in states}
    mask = next(o.name for o in session.get_outputs() if o.name not in {s.output for s in states})
    feature = next(i.name for i in session.get_inputs() if i.name not in values)
    masks = []
    for row in features:
        out = session.run([mask, *(s.output for s in states)], {feature: row[None], **values})
        masks.append(out[0][0])
        values = {s.input: value for s, value in zip(states, out[1:], strict=True)}
    return np.array(masks)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("skip", [False, True], ids=["", "skip gate"])
def test_graph_computes_what_onnxruntime_computes(form, skip, tmp_path):
    path = saved(float_network(form=form, skip=skip, seed=3, gain=1.5).model(), tmp_path)
    graph = load_onnx(path)
    features = np.random.default_rng(1).uniform(0, 3, (40, 12)).astype(np.float32)
    ours = float_run(graph, features).values[graph.output]
    theirs = run_onnxruntime(path, features, graph.states)
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert np.ptp(theirs, axis=0).min() > 1e-3, "a constant mask proves nothing"


@pytest.mark.parametrize("form", FORMS)
def test_operators_and_states(form, tmp_path):
    graph = load_onnx(saved(float_network(form=form).model(), tmp_path))
    assert [type(op) for op in graph.ops] == [LstmCell, LstmCell, Linear, Activation, Linear, Activation]
    first = graph.ops[0]
    assert (first.hidden, first.cell, first.source) == ("h0_in", "c0_in", "features")
    assert graph.ops[1].source == first.output
    assert [s.input for s in graph.states] == ["h0_in", "c0_in", "h1_in", "c1_in"]
    assert (graph.input, graph.output, graph.frontend.hop) == ("features", "mask", 64)
    assert graph.quants == {}
    assert len({op.name for op in graph.ops}) == len(graph.ops)


def test_skip_gate_is_found(tmp_path):
    graph = load_onnx(saved(float_network(form="stacked", skip=True).model(), tmp_path))
    (gate,) = [op for op in graph.ops if isinstance(op, SkipGate)]
    cells = [op for op in graph.ops if isinstance(op, LstmCell)]
    assert gate.layers == tuple(cell.name for cell in cells)
    assert (gate.state, gate.source) == ("gate_in", cells[-1].output)
    assert next(s for s in graph.states if s.input == "gate_in").initial == 1.0


def test_states_are_paired_by_name_without_metadata(tmp_path):
    net = float_network()
    with_list = load_onnx(saved(net.model(), tmp_path))
    model = net.model(metadata={"n_fft": "128", "window": "128", "hop": "64"})
    assert load_onnx(saved(model, tmp_path)).states == with_list.states


def test_states_whose_names_have_no_separator(tmp_path):
    net = float_network(units=(8,))
    for node in net.nodes:
        for names in (node.input, node.output):
            names[:] = [
                name.replace("0_in", "in").replace("0_out", "out") if name[:2] in ("h0", "c0") else name for name in names
            ]
    for values in (net.inputs, net.outputs):
        for name in [name for name in values if name[:2] in ("h0", "c0")]:
            values[name.replace("0_", "")] = values.pop(name)
    graph = load_onnx(saved(net.model(metadata={"n_fft": "128", "window": "128", "hop": "64"}), tmp_path))
    assert {(s.input, s.output) for s in graph.states} == {("hin", "hout"), ("cin", "cout")}


def test_batch_dimension_may_have_no_size(tmp_path):
    model = float_network(form="stacked").model()
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    assert len(load_onnx(saved(model, tmp_path)).ops) == 6


def test_clip_and_tanh_between_layers(tmp_path):
    net = float_network(units=(8,))
    net.nodes = [n for n in net.nodes if n.op_type != "Relu"]
    low, high = net.constant("low", np.float32(0.0)), net.constant("high", np.float32(6.0))
    net.nodes.insert(-3, helper.make_node("Clip", ["fc0", low, high], ["fc0_relu"], name="relu6"))
    graph = load_onnx(saved(net.model(), tmp_path))
    clip = next(op for op in graph.ops if op.name == "relu6")
    assert (clip.kind, clip.low, clip.high) == ("clip", 0.0, 6.0)


@pytest.mark.parametrize("shape", [[12], [1, 1, 12], [12, 1]])
def test_features_of_other_ranks(shape, tmp_path):
    net = float_network(form="stacked")
    net.nodes.insert(0, helper.make_node("Reshape", ["features", net.constant("flat", np.array([1, 12]))], ["row"], name="row"))
    first = next(n for n in net.nodes if n.output[0] == "cell0_x")
    first.input[0] = "row"
    model = net.model()
    dims = next(i for i in model.graph.input if i.name == "features").type.tensor_type.shape.dim
    del dims[:]
    for size in shape:
        dims.add(dim_value=size)
    assert load_onnx(saved(model, tmp_path)).size("features") == 12


def test_gather_of_the_only_slice_and_constants_given_as_numbers(tmp_path):
    """What PyTorch makes of y[0]."""
    net = float_network(units=(8,))
    squeeze = next(n for n in net.nodes if n.output[0] == "h0_out")
    squeeze.CopyFrom(helper.make_node("Gather", ["lstm0_h", "zero"], ["h0_out"], name="/Gather", axis=0))
    net.nodes.insert(0, helper.make_node("Constant", [], ["zero"], value_int=0))
    assert isinstance(load_onnx(saved(net.model(), tmp_path)).ops[0], LstmCell)


def test_skip_gate_over_some_layers(tmp_path):
    net = float_network(form="stacked", skip=True, gain=1.5)
    for state in ("h0", "c0"):
        where = next(n for n in net.nodes if n.output[0] == f"{state}_out")
        where.CopyFrom(helper.make_node("Identity", [f"{state}_new"], [f"{state}_out"]))
    path = saved(net.model(), tmp_path)
    graph = load_onnx(path)
    cells = [op.name for op in graph.ops if isinstance(op, LstmCell)]
    assert next(op for op in graph.ops if isinstance(op, SkipGate)).layers == (cells[1],)
    features = np.random.default_rng(1).uniform(0, 3, (40, 12)).astype(np.float32)
    ours = float_run(graph, features).values[graph.output]
    np.testing.assert_allclose(ours, run_onnxruntime(path, features, graph.states), atol=2e-6)


def test_external_data_in_the_folder(tmp_path):
    model = float_network().model()
    inside = load_onnx(saved(model, tmp_path))
    onnx.save(model, tmp_path / "out.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    outside = load_onnx(tmp_path / "out.onnx")
    np.testing.assert_array_equal(outside.ops[0].input_weight.values, inside.ops[0].input_weight.values)
    weights = bytearray((tmp_path / "weights.bin").read_bytes())
    weights[0] ^= 1
    (tmp_path / "weights.bin").write_bytes(weights)
    assert load_onnx(tmp_path / "out.onnx").sha256 != outside.sha256


def test_metadata_reaches_the_front_end(tmp_path):
    model = float_network().model(feature="mel_power", exponent="0.15", window_kind="hann", name='N "1"', licence="MIT")
    graph = load_onnx(saved(model, tmp_path))
    assert dataclasses.astuple(graph.frontend)[4:6] == ("hann", "mel_power")
    assert (graph.frontend.exponent, graph.name, graph.licence) == (0.15, 'N "1"', "MIT")
    assert len(graph.sha256) == 64


def test_hostile_node_names_become_identifiers(tmp_path):
    net = float_network(form="separate")
    for node, name in zip(net.nodes, ["*/ }", 'a"b', "x\ny", "int", "", "ÄÖ", "7"] * 20, strict=False):
        node.name = name
    names = [op.name for op in load_onnx(saved(net.model(), tmp_path)).ops]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isascii()
        assert name.isidentifier()
        assert name == name.lower()
        assert name not in C_KEYWORDS


def test_names_in_the_file_cannot_reach_the_terminal(tmp_path):
    graph = load_onnx(saved(float_network().model(name="a\x1b[2Jb\nc" + "d" * 500, licence="\x07MIT"), tmp_path))
    assert graph.name.startswith("a [2Jb c")
    assert len(graph.name) == 80
    assert graph.licence == "MIT"


def test_identifiers_are_unique_and_short():
    taken: set[str] = set()
    names = [identifier(name, taken) for name in ["a" * 99, "a" * 99, "A.b", "a_b", "", "", "for", "9"]]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 32


def test_operator_page_is_true():
    assert resource("docs", "operators.md").read_text() == operator_table()


def test_states_metadata_survives_a_round_trip(tmp_path):
    model = float_network(skip=True).model()
    states = json.loads(next(p.value for p in model.metadata_props if p.key == "states"))
    graph = load_onnx(saved(model, tmp_path))
    assert [[s.input, s.output, *([s.initial] if s.initial else [])] for s in graph.states] == states


@pytest.mark.parametrize("stage", ["analysis", "features", "mask", "synthesis"])
def test_no_layer_is_called_like_a_stage_of_the_front_end(stage):
    taken = set(STAGES)
    assert identifier(stage, taken) == f"{stage}_2"
