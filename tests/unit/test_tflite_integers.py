# SPDX-License-Identifier: Apache-2.0
"""Full-integer TFLite files: the reference gives LiteRT's bits, and the emitted C those of the reference."""

import numpy as np
import pytest

from codesign.compiler.lower import lower
from codesign.compiler.model.onnx_model import load_stage
from codesign.compiler.model.stage import StageFile
from codesign.compiler.reference import network as reference
from codesign.proof.oracle import against_onnxruntime
from layer_images import Case, check, host_library

pytest.importorskip("ai_edge_litert", reason="the package with the schema is missing")

import tflite_cases as cases

NAMES = [(name, dtype) for name, (_, _, dtypes) in cases.CASES.items() for dtype in dtypes]


def loaded(folder, name, dtype):
    """The bytes of a case's file and its integer network; the file is called m.tflite."""
    data = cases.file_of(name, dtype)
    (folder / "m.tflite").write_bytes(data)
    return data, lower(load_stage(StageFile(folder / "m.tflite"), strict=False)[0])


@pytest.mark.parametrize(("name", "dtype"), NAMES, ids=[f"{name}, {dtype}" for name, dtype in NAMES])
def test_every_bit_is_litert_s(name, dtype, tmp_path):
    data, network = loaded(tmp_path, name, dtype)
    rows = cases.inputs_of(name, dtype)
    theirs = cases.litert(data, rows)
    np.testing.assert_array_equal(reference.run(network, rows)[0], theirs)
    assert np.unique(theirs).size > 10, "a constant output proves nothing"
    graph = load_stage(StageFile(tmp_path / "m.tflite"), strict=False)[0]
    beside_real_numbers = against_onnxruntime(tmp_path / "m.tflite", graph, network, rows[:20])
    assert beside_real_numbers.ok, beside_real_numbers.detail


IN_C = (
    *("fully connected, relu6", "convolution, 64 bits", "convolution, valid", "depthwise", "transposed", "prelu"),
    "mean over both",
)
"""Cases whose layers have modes or integers that no other network gives them; their siblings share the kernels."""


@pytest.mark.slow
def test_the_emitted_c_gives_the_same_bits(tmp_path):
    found = [
        layer_case
        for name, dtype in NAMES
        if name.startswith(IN_C)
        for layer_case in layer_cases(loaded(tmp_path, name, dtype)[1], cases.inputs_of(name, dtype, count=4))
    ]
    for frames, clip in ((1, 8.0), (5, 8.0)):
        network = lstm_network(tmp_path, frames, clip)[1]
        rows = np.random.default_rng(0).integers(-128, 128, (6, network.values[network.input].size)).astype(np.int8)
        found += layer_cases(network, rows)
    run = host_library(found, tmp_path)
    for i, case in enumerate(found):
        check(case, run(i), f"case {i}")
    assert {"conv2d", "convtranspose2d", "mean", "fullyconnected", "lstm"} <= {case.layer.kind for case in found}


def layer_cases(network, rows):
    """Each layer with what it reads when the network runs over rows of integers."""
    runner, state = reference.Runner(network), reference.initial_state(network)
    inputs = {layer.name: [] for layer in network.layers}
    values = dict(state.values)
    for row in rows:
        values[network.input] = row.astype(np.int64)
        for layer in network.layers:
            inputs[layer.name].append({name: values[name] for name in (*layer.reads, *layer.states)})
            layer.step(values, runner.matrices[layer.name])
    return [
        Case(layer, {n: network.values[n] for n in (*layer.reads, *layer.writes, *layer.states)}, inputs[layer.name])
        for layer in network.layers
    ]


def lstm_network(folder, frames, clip):
    """The bytes of a file of one LSTM and its integer network."""
    data = cases.lstm(cases.INT8, frames, clip=clip)
    (folder / "m.tflite").write_bytes(data)
    return data, lower(load_stage(StageFile(folder / "m.tflite"), strict=False)[0])


@pytest.mark.parametrize(("frames", "clip"), [(1, 0.0), (1, 8.0), (5, 10.0)])
def test_an_lstm_stays_beside_litert(frames, clip, tmp_path):
    """Within a step of the hidden state in each of many steps, states handed on."""
    data, network = lstm_network(tmp_path, frames, clip)
    assert [state.value.size for state in network.states] == [12, 12]
    size = network.values[network.input].size
    rows = np.clip(np.random.default_rng(2).normal(4, 25, (80, size)), -128, 127).astype(np.int8)
    ours, theirs = reference.run(network, rows)[0], cases.litert(data, rows)
    print(f"largest difference {np.abs(ours - theirs).max()}, {np.mean(ours != theirs):.1%} differ")
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert np.unique(theirs).size > 100


def state_as_reals(dtype) -> bytes:
    """y = quantized(x) + quantized(h_in), given as y and h_out: real numbers outside, a state's steps are finer out than in."""
    f = cases.TfliteFile()
    x, h = f.tensor([1, 32]), f.tensor([1, 32])
    within = [cases.value(f, [1, 32], dtype, factor, zero) for factor, zero in ((1.0, 17), (2.03, 5))]
    for real, integer in zip((x, h), within, strict=True):
        f("QUANTIZE", [real], integer, options="QuantizeOptions", version=3)
    added = cases.value(f, [1, 32], dtype, 0.98, -3)
    f("ADD", within, added, options="AddOptions", version=2, potScaleInt16=False)
    results = [f("DEQUANTIZE", [added], f.tensor([1, 32]), options="DequantizeOptions", version=2) for _ in range(2)]
    for name, tensor in (("x", x), ("h_in", h), ("y", results[0]), ("h_out", results[1])):
        f.graph.tensors[tensor].name = name
    return f.data([x, h], results)


@pytest.mark.parametrize(("dtype", "share"), [(cases.INT8, 0.0), (cases.INT16, 0.01)])
def test_a_state_of_real_numbers_is_rounded_once(dtype, share, tmp_path):
    """From y's steps to those of h_in, 0.48 of them, by DEQUANTIZE and QUANTIZE of whoever hands it on."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    data = state_as_reals(dtype)
    (tmp_path / "m.tflite").write_bytes(data)
    network = lower(load_stage(StageFile(tmp_path / "m.tflite"), strict=False)[0])
    limits, source, output = np.iinfo(dtype), network.values[network.input], network.values[network.output]
    rows = np.random.default_rng(3).integers(limits.min // 2, limits.max // 2, (40, 32)).astype(dtype)
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    given = {d["name"]: d["index"] for d in interpreter.get_input_details()}
    taken = {d["name"]: d["index"] for d in interpreter.get_output_details()}
    state, theirs = np.zeros((1, 32), np.float32), []
    for row in rows:
        real = (np.float32(source.scale) * (row.astype(np.float32) - source.zero_point)).astype(np.float32)
        interpreter.set_tensor(given["x"], real[None])
        interpreter.set_tensor(given["h_in"], state)
        interpreter.invoke()
        state = interpreter.get_tensor(taken["h_out"])
        theirs.append(np.rint(interpreter.get_tensor(taken["y"])[0] / output.scale + output.zero_point))
    difference = np.abs(reference.run(network, rows)[0] - np.array(theirs))
    assert difference.max() <= (share > 0)
    assert np.mean(difference > 0) <= share
    assert np.unique(theirs).size > 50, "a constant output proves nothing"
