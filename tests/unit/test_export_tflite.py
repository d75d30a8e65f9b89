# SPDX-License-Identifier: Apache-2.0
"""TFLite files that are written: LiteRT gives the bits of the file imported again, and stays beside the network it is of."""

import numpy as np
import onnx
import pytest

from codesign.base.errors import InputError
from codesign.compiler.export import tflite_of
from codesign.compiler.lower import lower
from codesign.compiler.model.onnx_model import load_stage
from codesign.compiler.model.stage import StageFile
from codesign.compiler.quantize import quantize_graph
from codesign.compiler.reference import network as reference
from onnx_graphs import Graph

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed (extra tflite)")

SIZE = 12


def dense(g):
    y = g("Relu", g("Gemm", "x", g.weights(SIZE, SIZE), g.weights(SIZE)))
    y = g("Add", g("Gemm", y, g.weights(SIZE, SIZE)), g("Mul", y, "x"))
    y = g("Sub", g("LeakyRelu", y, alpha=0.1), g.weights(1, SIZE))
    y = g("Concat", g("Tanh", g("Slice", y, g.ints(0), g.ints(5), g.ints(1))), y, axis=1)
    g("Sigmoid", g("Gemm", y, g.weights(SIZE + 5, SIZE)), outputs=["mask"])
    return {}


def convolutions(g):
    y = g("Reshape", "x", g.ints(1, 2, 2, 3))
    y = g("Relu", g("Conv", y, g.weights(4, 2, 2, 3), g.weights(4), pads=[1, 1, 0, 1]))
    y = g("Conv", y, g.weights(4, 1, 1, 3), g.weights(4), group=4, pads=[0, 1, 0, 1])
    y = g("Add", y, g("Conv", y, g.weights(4, 4, 1, 1)))
    y = g("ConvTranspose", y, g.weights(4, 2, 1, 3), g.weights(2), strides=[1, 2], pads=[0, 1, 0, 0])
    y = g("ReduceMean", g("Transpose", y, perm=[0, 2, 1, 3]), axes=[2], keepdims=1)
    g("Reshape", g("Sigmoid", y), g.ints(1, SIZE), outputs=["mask"])
    return {}


def recurrent(kind, **attributes):
    def build(g):
        gates, names = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], ["h", "c"] if kind == "LSTM" else ["h"]
        starts = [g("Reshape", f"{name}_in", g.ints(1, 1, 6)) for name in names]
        weights = g.weights(1, gates * 6, SIZE), g.weights(1, gates * 6, 6), g.weights(1, 2 * gates * 6)
        x, ends = g("Reshape", "x", g.ints(1, 1, SIZE)), ["y", "yh", "yc"][: 1 + len(names)]
        g(kind, x, *weights, "", *starts, hidden_size=6, outputs=ends, **attributes)
        for name, end in zip(names, ends[1:], strict=True):
            g("Reshape", end, g.ints(1, 6), outputs=[f"{name}_out"])
        g("Sigmoid", g("Gemm", g("Reshape", "y", g.ints(1, 6)), g.weights(6, SIZE)), outputs=["mask"])
        return {name: [1, 6] for name in names}

    return build


NETWORKS = {
    "dense": dense,
    "convolutions": convolutions,
    "lstm": recurrent("LSTM"),
    "gru": recurrent("GRU", linear_before_reset=1),
    "gru, reset before": recurrent("GRU"),
    "rnn": recurrent("RNN"),
}


def quantized(name, activations, folder):
    g = Graph()
    states = NETWORKS[name](g)
    ends = {f"{state}_out": shape for state, shape in states.items()}
    starts = {f"{state}_in": shape for state, shape in states.items()}
    onnx.save(g.model({"x": [1, SIZE], **starts}, {"mask": [1, SIZE], **ends}), folder / "m.onnx")
    graph = load_stage(StageFile(folder / "m.onnx"), strict=False)[0]
    return quantize_graph(graph, [np.random.default_rng(1).standard_normal((80, SIZE)).astype(np.float32)], activations)


def run(data, rows):
    """What LiteRT's reference kernels give for rows of integers, states handed on from their zero points."""
    interpreter = litert.Interpreter(model_content=data, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (first, *states), (result, *ends) = interpreter.get_input_details(), interpreter.get_output_details()
    held, found = [np.full(s["shape"], s["quantization"][1], s["dtype"]) for s in states], []
    for row in rows:
        interpreter.set_tensor(first["index"], row.reshape(first["shape"]))
        for detail, value in zip(states, held, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        found.append(interpreter.get_tensor(result["index"]).ravel().copy())
        held = [interpreter.get_tensor(end["index"]).copy() for end in ends]
    return np.array(found)


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_litert_gives_the_bits_of_the_file_imported_again(name, activations, tmp_path):
    graph = quantized(name, activations, tmp_path)
    data, network = tflite_of(graph), lower(graph)
    (tmp_path / "m.tflite").write_bytes(data)
    again = lower(load_stage(StageFile(tmp_path / "m.tflite"), strict=False)[0])
    source = network.values[network.input]
    real = np.random.default_rng(2).standard_normal((40, SIZE)) / source.scale + source.zero_point
    rows = np.clip(np.rint(real), source.low, source.high).astype(source.dtype)
    theirs = run(data, rows)
    np.testing.assert_array_equal(reference.run(again, rows)[0], theirs)
    result = network.values[network.output]
    apart = np.abs(reference.run(network, rows)[0] - theirs.astype(np.int64)).max() * result.scale
    print(f"{name}, {activations}: {apart:.2e} from the network, scale {result.scale:.2e}, {len(data)} bytes")
    assert apart <= (0.02 if activations == "int8" else 0.0005)


def test_what_has_no_form_in_tflite_is_named(tmp_path):
    g = Graph()
    y = g("LayerNormalization", g("Gemm", "x", g.weights(SIZE, SIZE)), g.weights(SIZE), g.weights(SIZE))
    g("Sigmoid", g("Gemm", y, g.weights(SIZE, SIZE)), outputs=["mask"])
    onnx.save(g.model({"x": [1, SIZE]}, {"mask": [1, SIZE]}), tmp_path / "m.onnx")
    graph = load_stage(StageFile(tmp_path / "m.onnx"), strict=False)[0]
    with pytest.raises(InputError, match=r"is float; codesign quantize"):
        tflite_of(graph)
    features = np.random.default_rng(1).standard_normal((20, SIZE)).astype(np.float32)
    with pytest.raises(InputError, match=r"layernormalization1: normalize .*has no form in TFLite"):
        tflite_of(quantize_graph(graph, [features], "int8"))
