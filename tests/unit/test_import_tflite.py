# SPDX-License-Identifier: Apache-2.0
"""TFLite files: LiteRT and onnxruntime on what they become agree."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.model.file import read_model
from codesign.compiler.model.onnx_model import load_stage
from codesign.compiler.model.passes import simplify
from codesign.compiler.model.stage import StageFile
from onnx_graphs import kinds, session

pytest.importorskip("ai_edge_litert", reason="the package with the schema is missing")
from ai_edge_litert.interpreter import Interpreter

from tflite_files import TfliteFile

SHARED = Path(os.environ.get("CODESIGN_SHARED", Path(__file__).parents[3] / "shared")) / "networks"


def compare(path, steps=3, seed=0):
    """The largest difference of any output in any of some steps; for quantized outputs in steps of their scale."""
    model, _ = read_model(path)
    simplified = simplify(path, model)
    worst = 0.0
    same_inputs = [i.name for i in simplified.model.graph.input] == [i.name for i in model.graph.input]
    for judged in (model, simplified.model) if same_inputs else (model,):  # stacked states come apart
        interpreter, step = Interpreter(model_path=str(path), num_threads=1), session(judged)
        interpreter.allocate_tensors()
        rng = np.random.default_rng(seed)
        states = {i.name: np.zeros(i.shape, np.float32) for i in step.get_inputs()}
        pairs = json.loads(next((p.value for p in judged.metadata_props if p.key == "states"), "[]"))
        names = [o.name for o in step.get_outputs()]
        for _ in range(steps):
            for detail, info in zip(interpreter.get_input_details(), step.get_inputs(), strict=False):
                real = rng.standard_normal(detail["shape"]).astype(np.float32)
                scale, zero = detail["quantization"]
                integers = real
                if scale:
                    limits = np.iinfo(detail["dtype"])
                    integers = np.clip(np.round(real / scale) + zero, limits.min, limits.max).astype(detail["dtype"])
                    real = ((integers.astype(np.float64) - zero) * scale).astype(np.float32)
                interpreter.set_tensor(detail["index"], integers)
                states[info.name] = real
            interpreter.invoke()
            values = dict(zip(names, step.run(None, states), strict=True))
            states |= {old: values[new] for old, new in pairs}
            for detail, name in zip(interpreter.get_output_details(), names, strict=False):
                result, (scale, zero) = interpreter.get_tensor(detail["index"]), detail["quantization"]
                result = (result.astype(np.float64) - zero) * (scale or 1)
                worst = max(worst, float(np.abs(result - values[name]).max() / (scale or 1)))
    return worst, simplified


def weights(rng, *shape):
    return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)


def test_dense_layers_and_views(tmp_path):
    f, rng = TfliteFile(), np.random.default_rng(0)
    x = f.tensor([1, 1, 6])
    y = f("UNPACK", [x], f.tensor([1, 6]), options="UnpackOptions", num=1, axis=1)
    w, b = f.constant(weights(rng, 8, 6)), f.constant(weights(rng, 8))
    y = f("FULLY_CONNECTED", [y, w, b], f.tensor([1, 8]), options="FullyConnectedOptions", fusedActivationFunction=1)
    parts = [f.tensor([1, 4]), f.tensor([1, 4])]
    f("SPLIT", [f.ints(1), y], *parts, options="SplitOptions", numSplits=2)
    y = f("MUL", [f("LOGISTIC", [parts[0]], f.tensor([1, 4])), parts[1]], f.tensor([1, 4]), options="MulOptions")
    y = f(
        "CONCATENATION", [y, f("TANH", [parts[1]], f.tensor([1, 4]))], f.tensor([1, 8]), options="ConcatenationOptions", axis=1
    )
    bounds = [f.ints(0, 1), f.ints(0, 7), f.ints(1, 2)]
    y = f("STRIDED_SLICE", [y, *bounds], f.tensor([1, 3]), options="StridedSliceOptions", beginMask=1, endMask=1)
    y = f("SUB", [y, f("MEAN", [y, f.ints(1)], f.tensor([1, 1]), options="ReducerOptions", keepDims=True)], f.tensor([1, 3]))
    y = f("PACK", [y, y], f.tensor([1, 2, 3]), options="PackOptions", valuesCount=2, axis=1)
    y = f("TRANSPOSE", [y, f.ints(0, 2, 1)], f.tensor([1, 3, 2]))
    y = f("RESHAPE", [y, f.ints(1, 6)], f.tensor([1, 6]))
    worst, done = compare(f.save(tmp_path / "m.tflite", [x], [y]))
    assert worst <= 1e-5
    assert {"Sigmoid", "Tanh", "MatMul", "Relu"} <= set(kinds(done))


@pytest.mark.parametrize("padding", [0, 1])
def test_convolutions(padding, tmp_path):
    f, rng = TfliteFile(), np.random.default_rng(0)
    x, same = f.tensor([1, 6, 5, 4]), padding == 0
    shape = [1, 3, 5, 3] if same else [1, 2, 3, 3]
    w, b = f.constant(weights(rng, 3, 3, 3, 4)), f.constant(weights(rng, 3))
    options = {"padding": padding, "strideH": 2, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    y = f("CONV_2D", [x, w, b], f.tensor(shape), options="Conv2DOptions", fusedActivationFunction=3, **options)
    w, b = f.constant(weights(rng, 1, 1, 3, 3)), f.constant(weights(rng, 3))
    after = shape if same else [1, 2, 1, 3]
    options = {**options, "strideH": 1, "depthMultiplier": 1}
    y = f("DEPTHWISE_CONV_2D", [y, w, b], f.tensor(after), options="DepthwiseConv2DOptions", **options)
    worst, done = compare(f.save(tmp_path / "m.tflite", [x], [y]))
    assert worst <= 1e-5
    assert "Conv" in kinds(done)


@pytest.mark.parametrize("wide", [False, True])
def test_integers(wide, tmp_path):
    """int8, and int16 with int8 weights: the bits of LiteRT, but for ties that float and integer arithmetic round apart."""
    f, rng = TfliteFile(), np.random.default_rng(0)
    dtype, scale, zero = (np.int16, 2.0**-12, 0) if wide else (np.int8, 0.03, 5)
    x = f.tensor([1, 16], dtype, scale=scale, zero=zero)
    rows = np.float32(rng.uniform(0.002, 0.01, 8))
    w = f.constant(rng.integers(-127, 127, (8, 16)).astype(np.int8), scale=rows)
    bias = rng.integers(-500, 500, 8)
    b = f.constant(bias.astype(np.int32), scale=rows * np.float32(scale))
    out = f.tensor([1, 8], dtype, scale=2.0**-11 if wide else 0.04, zero=0 if wide else -3)
    y = f("FULLY_CONNECTED", [x, w, b], out, options="FullyConnectedOptions", version=11 if wide else 4)
    result = f.tensor([1, 8], dtype, scale=2.0**-15 if wide else 2.0**-8, zero=0 if wide else -128)
    y = f("LOGISTIC", [y], result, version=2)
    worst, done = compare(f.save(tmp_path / "m.tflite", [x], [y]), steps=8)
    assert worst <= (4 if wide else 1)
    assert {"QuantizeLinear", "DequantizeLinear", "MatMul", "Sigmoid"} <= set(kinds(done))


@pytest.mark.parametrize("stored", ["float16", "int8", "int8 a row", "float16 as it is"])
def test_narrow_weights_make_a_float_network(stored, tmp_path):
    """Float16 behind DEQUANTIZE, and int8 with real values around it (dynamic range, where LiteRT rounds the values)."""
    f, rng = TfliteFile(), np.random.default_rng(0)
    x, real = f.tensor([1, 6]), weights(rng, 8, 6)
    if stored == "float16":
        w = f("DEQUANTIZE", [f.constant(real.astype(np.float16))], f.tensor([8, 6]), options="DequantizeOptions", version=3)
    elif stored == "float16 as it is":
        w = f.constant(real.astype(np.float16))
    else:
        scale = np.abs(real).max(axis=1 if stored == "int8 a row" else None, keepdims=True) / 127
        w = f.constant(np.rint(real / scale).astype(np.int8), scale=scale.ravel())
    y = f("FULLY_CONNECTED", [x, w, f.constant(weights(rng, 8))], f.tensor([1, 8]), options="FullyConnectedOptions", version=3)
    path = f.save(tmp_path / "m.tflite", [x], [f("LOGISTIC", [y], f.tensor([1, 8]))])
    graph = load_stage(StageFile(path), strict=False)[0]
    assert not graph.quants
    assert not graph.tflite
    assert any(f"{stored.split()[0]} weights: they are taken as real numbers" in note for note in graph.notes)
    if stored != "float16 as it is":
        assert compare(path)[0] <= (1e-5 if stored == "float16" else 0.01)


@pytest.mark.parametrize("frames", [1, 3])
def test_lstm_keeps_its_state(frames, tmp_path):
    f, rng, units = TfliteFile(), np.random.default_rng(0), 5
    x = f.tensor([1, frames, 6])
    w, r = ([f.constant(weights(rng, units, n)) for _ in range(4)] for n in (6, units))
    b = [f.constant(weights(rng, units)) for _ in range(4)]
    states = [f.tensor([1, units], variable=True) for _ in range(2)]
    inputs = [x, *w, *r, -1, -1, -1, *b, -1, -1, *states, -1, -1, -1, -1]
    y = f(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs,
        f.tensor([1, frames, units]),
        options="UnidirectionalSequenceLSTMOptions",
        fusedActivationFunction=4,
    )
    worst, done = compare(f.save(tmp_path / "m.tflite", [x], [y]), steps=5)
    assert worst <= 1e-5
    assert "LSTM" in kinds(done)
    assert len(done.model.graph.input) == 3


def test_damaged_files_end_in_one_line(tmp_path):
    f, rng = TfliteFile(), np.random.default_rng(0)
    x = f.tensor([1, 6])
    w, b = f.constant(weights(rng, 8, 6)), f.constant(weights(rng, 8))
    y = f("FULLY_CONNECTED", [x, w, b], f.tensor([1, 8]), options="FullyConnectedOptions")
    data, path, refused = f.data([x], [y]), tmp_path / "model.tflite", []
    for _ in range(300):
        bad = bytearray(data)
        for at in rng.integers(8, len(bad), rng.integers(1, 5)):
            bad[at] = rng.integers(256)
        if rng.random() < 0.3:
            del bad[int(rng.integers(9, len(bad))) :]
        path.write_bytes(bad)
        try:
            simplify(path, read_model(path)[0])
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 30
    assert all("\n" not in text and "model.tflite" in text for text in refused)


def test_unknown_operators_are_named(tmp_path):
    f = TfliteFile()
    x = f.tensor([1, 6])
    y = f("CUMSUM", [x, f.ints(1)], f.tensor([1, 6]))
    with pytest.raises(InputError, match=r"operator 0 \(CUMSUM\) is not supported"):
        read_model(f.save(tmp_path / "m.tflite", [x], [y]))


@pytest.mark.parametrize(("name", "limit"), [("dtln_1", 1e-5), ("tflm_dtln", 8), ("tflm_lstm_int8", 8)])
def test_files_of_other_people(name, limit):
    path = SHARED / f"{name}.tflite"
    if not path.exists():
        pytest.skip("no networks of other people beside the project")
    worst, done = compare(path, steps=4)
    print(f"{name}: {worst:g}, {', '.join(kinds(done))}")
    assert worst <= limit


def test_the_page_lists_the_operators():
    from codesign.compiler.model.tflite.operators import OPERATORS

    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8").replace("\n", " ")
    assert f"Operators: {', '.join(sorted(OPERATORS))}." in text


def test_places_pools_and_products(tmp_path):
    """Operators that move elements, pools, resizing, attention's product of two values, functions."""
    f = TfliteFile()
    x = f.tensor([1, 4, 6, 3])
    y = f("REVERSE_V2", [x, f.ints(2)], f.tensor([1, 4, 6, 3]), version=1)
    pooled = {"strideH": 1, "strideW": 2, "filterHeight": 1, "filterWidth": 3, "padding": 0}
    tops = f("MAX_POOL_2D", [y], f.tensor([1, 4, 3, 3]), options="Pool2DOptions", **pooled)
    mean = f("AVERAGE_POOL_2D", [x], f.tensor([1, 4, 3, 3]), options="Pool2DOptions", **pooled)
    y = f("CONCATENATION", [tops, mean], f.tensor([1, 4, 3, 6]), options="ConcatenationOptions", axis=3)
    near = f("RESIZE_NEAREST_NEIGHBOR", [y, f.ints(4, 7)], f.tensor([1, 4, 7, 6]), options="ResizeNearestNeighborOptions")
    options = {"options": "ResizeBilinearOptions", "halfPixelCenters": True, "alignCorners": False}
    line = f("RESIZE_BILINEAR", [y, f.ints(4, 7)], f.tensor([1, 4, 7, 6]), version=3, **options)
    y = f("ADD_N", [near, line], f.tensor([1, 4, 7, 6]), options="AddNOptions")
    y = f("GELU", [y], f.tensor([1, 4, 7, 6]), options="GeluOptions", approximate=False)
    y = f("GATHER", [y, f.ints(3, 0, 2)], f.tensor([1, 4, 3, 6]), options="GatherOptions", axis=2)
    y = f("BATCH_MATMUL", [y, y], f.tensor([1, 4, 3, 3]), options="BatchMatMulOptions", adjX=False, adjY=True)
    y = f("L2_NORMALIZATION", [y], f.tensor([1, 4, 3, 3]), options="L2NormOptions")
    y = f("TILE", [y, f.ints(1, 1, 2, 1)], f.tensor([1, 4, 6, 3]), options="TileOptions")
    widths = f.constant(np.array([[0, 0], [0, 0], [1, 2], [0, 0]], np.int32))
    y = f("MIRROR_PAD", [y, widths], f.tensor([1, 4, 9, 3]), options="MirrorPadOptions", mode=0)
    worst, _ = compare(f.save(tmp_path / "m.tflite", [x], [y]))
    assert worst <= 1e-5


def test_sizes_that_are_computed_of_a_batch_left_open(tmp_path):
    """SHAPE, STRIDED_SLICE and PACK of integers, as Keras writes a reshape of any batch."""
    f, rng = TfliteFile(), np.random.default_rng(0)
    x = f.tensor([1, 2, 4])
    f.graph.tensors[x].shapeSignature = [-1, 2, 4]
    size = f("SHAPE", [x], f.tensor([3], np.int32), options="ShapeOptions", outType=2)
    cut = {"options": "StridedSliceOptions", "beginMask": 0, "endMask": 0, "shrinkAxisMask": 1}
    batch = f("STRIDED_SLICE", [size, f.ints(0), f.ints(1), f.ints(1)], f.tensor([], np.int32), **cut)
    eight = f.constant(np.array(8, np.int32))
    shape = f("PACK", [batch, eight], f.tensor([2], np.int32), options="PackOptions", valuesCount=2, axis=0)
    flat = f("RESHAPE", [x, shape], f.tensor([1, 8]))
    y = f("FULLY_CONNECTED", [flat, f.constant(weights(rng, 5, 8)), -1], f.tensor([1, 5]), options="FullyConnectedOptions")
    for tensor, signature in ((flat, [-1, 8]), (y, [-1, 5])):
        f.graph.tensors[tensor].shapeSignature = signature
    worst, done = compare(f.save(tmp_path / "m.tflite", [x], [y]))
    assert worst <= 1e-5
    assert "Shape" not in kinds(done)


def test_states_that_a_signature_names(tmp_path):
    """What a signature calls an input and an output makes them a state; the names of tensors say nothing."""
    f, rng = TfliteFile(), np.random.default_rng(0)
    x, old = f.tensor([1, 6]), f.tensor([1, 6])
    w = f.constant(weights(rng, 6, 6))
    new = f("FULLY_CONNECTED", [f("ADD", [x, old], f.tensor([1, 6])), w, -1], f.tensor([1, 6]), options="FullyConnectedOptions")
    y = f("LOGISTIC", [new], f.tensor([1, 6]))
    said = f.schema.SignatureDefT()
    said.signatureKey, said.subgraphIndex, said.inputs, said.outputs = "serving_default", 0, [], []
    for kind, name, tensor in (("inputs", "x", x), ("inputs", "memory", old), ("outputs", "y", y), ("outputs", "memory", new)):
        entry = f.schema.TensorMapT()
        entry.name, entry.tensorIndex = name, tensor
        getattr(said, kind).append(entry)
    f.model.signatureDefs = [said]
    graph, _ = load_stage(StageFile(f.save(tmp_path / "m.tflite", [x, old], [y, new])), strict=False)
    assert [(state.input, state.output) for state in graph.states] == [("t1", "t4_result")]
