# SPDX-License-Identifier: Apache-2.0
"""evaluate --real-values: a quantized model with no value rounded, against onnxruntime on the file without its rounding."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from codesign.cli.evaluate_systems import compared_systems
from codesign.compiler.frontend import whole_hops
from codesign.compiler.model import load_onnx
from codesign.compiler.reference.frontend import analyse, synthesise
from codesign.hearing.evaluate import find_pairs, model_system
from pair_folders import RATE, make_folder, speech

pytestmark = pytest.mark.slow  # compiles


def without_rounding(path):
    """The file with what each DequantizeLinear of a value gives replaced by what its QuantizeLinear was given."""
    model = onnx.load(path)
    rounds = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in rounds:
            source = rounds[node.input[0]]
            node.op_type = "Identity"
            del node.input[:], node.attribute[:]
            node.input.append(source)
    return model


def through_onnxruntime(path, pcm):
    """The output for whole hops, and how many values the file rounds."""
    model, graph = without_rounding(path), load_onnx(path)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    feeds = {state.input: np.full((1, *state.shape), state.initial, np.float32) for state in graph.states}
    analysis, gains = analyse(graph.frontend, pcm), []
    for row in analysis.features:
        values = dict(zip(names, session.run(None, {graph.input: row[None], **feeds}), strict=True))
        gains.append(values[graph.output][0])
        feeds = {state.input: values[state.output] for state in graph.states}
    rounded = sum(node.op_type == "Identity" for node in model.graph.node)
    return synthesise(graph.frontend, analysis.spectrum, np.stack(gains)), rounded


def test_no_value_is_rounded_and_the_weights_are_the_integers(small_model, tmp_path):
    config = load_onnx(small_model).frontend
    pcm = speech(1.0, 3)[1]
    expected, rounded = through_onnxruntime(small_model, whole_hops(pcm, config.hop, config.latency_samples))
    expected = expected[config.latency_samples :][: pcm.size].astype(int)
    real = model_system("small", small_model, tmp_path / "build", real_values=True)
    assert real.how == "float"
    assert real.saturation() is None
    assert rounded > 10
    assert np.abs(real.enhance("x", pcm)[: expected.size] - expected).max() <= 1
    integers = model_system("small", small_model, tmp_path / "build").enhance("x", pcm)[: expected.size]
    assert np.abs(integers - expected).max() > 1


def test_only_quantized_models_come_twice(small_model, tmp_path):
    pairs = find_pairs(make_folder(tmp_path / "data"))
    models = [f"int8={small_model}", f"f={small_model.with_name('float.onnx')}"]
    for real_values, names in ((False, ["int8", "f"]), (True, ["int8", "int8, real values", "f"])):
        found = compared_systems(pairs, models, [], [], tmp_path / "build", real_values=real_values)
        assert [system.name for system in found] == names
    assert {system.sample_rate for system in found} == {RATE}
    assert found[1].sha256 == found[0].sha256
