# SPDX-License-Identifier: Apache-2.0
"""Convolutions from real numbers: LiteRT's every bit, and onnxruntime's floats within one LSB."""

from __future__ import annotations

import numpy as np
import pytest

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.lower.convolution import (
    Fused,
    Geometry,
    ScaledConvolution,
    conv2d,
    conv_transpose2d,
    transposed_weights,
)
from convolutions import source_of

onnx = pytest.importorskip("onnx")


def values(shape, result_shape, bits, x_scale=0.01, y_scale=0.02, zero_points=(3, -5)):
    dtype = "int16" if bits == 16 else "int8"
    zero_points = (0, 0) if bits == 16 else zero_points
    x_scale, y_scale = (s / 256 if bits == 16 else s for s in (x_scale, y_scale))
    x_scale, y_scale = float(np.float32(x_scale)), float(np.float32(y_scale))
    return (
        Value("x", int(np.prod(shape)), dtype, x_scale, zero_points[0]),
        Value("y", int(np.prod(result_shape)), dtype, y_scale, zero_points[1]),
    )


def onnx_run(op, weights, bias, x, attributes, slope=None):
    """One float64-free ONNX convolution, (channels, time, frequency) in and out."""
    import onnxruntime

    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node(op, ["x", "w", "b"], ["c"], **attributes)]
    initializers = [onnx.numpy_helper.from_array(a.astype(np.float32), n) for a, n in ((weights, "w"), (bias, "b"))]
    if slope is not None:
        nodes.append(helper.make_node("PRelu", ["c", "s"], ["p"]))
        initializers.append(onnx.numpy_helper.from_array(slope.astype(np.float32).reshape(-1, 1, 1), "s"))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [1, *x.shape])],
        [helper.make_tensor_value_info(nodes[-1].output[0], kind, None)],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x[None].astype(np.float32)})[0][0]


CASES = [
    ("Conv", (9, 1, 129), (16, 9, 1, 5), (1, 2), (1, 1), ((0, 0), (2, 2)), 1, (0, 0)),
    ("Conv", (16, 11, 33), (16, 1, 3, 3), (1, 1), (5, 1), ((0, 0), (1, 1)), 16, (0, 0)),
    ("Conv", (6, 7, 20), (8, 3, 2, 3), (2, 3), (3, 2), ((2, 1), (0, 3)), 2, (0, 0)),
    ("Conv", (4, 12, 1), (5, 4, 3, 1), (1, 1), (2, 1), ((4, 0), (0, 0)), 1, (0, 0)),
    ("ConvTranspose", (16, 1, 33), (16, 8, 1, 5), (1, 2), (1, 1), ((0, 0), (2, 2)), 2, (0, 0)),
    ("ConvTranspose", (16, 11, 33), (16, 1, 3, 3), (1, 1), (5, 1), ((10, 10), (1, 1)), 16, (0, 0)),
    ("ConvTranspose", (4, 3, 7), (4, 3, 2, 4), (2, 3), (1, 2), ((1, 0), (2, 1)), 2, (1, 2)),
    ("ConvTranspose", (3, 2, 5), (3, 2, 1, 2), (1, 4), (1, 1), ((0, 0), (0, 0)), 1, (0, 1)),
]


def int8_rows(weights, bias, source):
    """Weights of each output channel as int8, the largest 127, and their scales: larger where the bias needs it to fit."""
    scales = np.maximum(np.abs(weights).max(axis=(1, 2, 3)) / 127, np.abs(bias) / (2**29 * source.scale))
    return np.rint(weights / scales.reshape(-1, 1, 1, 1)).astype(np.int8), scales


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]} {c[2]}")
@pytest.mark.parametrize("prelu", [False, True], ids=["plain", "prelu"])
def test_float_convolution_within_one_step(case, bits, prelu):
    op, shape, kernel, stride, dilation, padding, groups, more = case
    rng = np.random.default_rng(bits)
    transposed = op == "ConvTranspose"
    real = rng.normal(size=kernel) * 0.2
    wanted = transposed_weights(real, groups) if transposed else real
    outputs = len(wanted)
    bias = rng.normal(size=outputs)
    slope = rng.uniform(-0.5, 2.5, outputs) if prelu else None
    source, _ = values(shape, (1,), bits)
    weights, scales = int8_rows(wanted, bias, source)
    stored = weights * scales.reshape(-1, 1, 1, 1)  # what the integers stand for
    attributes = {
        "strides": stride,
        "dilations": dilation,
        "pads": [padding[0][0], padding[1][0], padding[0][1], padding[1][1]],
        "group": groups,
    }
    if transposed:
        attributes["output_padding"] = more
        back = stored.reshape(groups, outputs // groups, *stored.shape[1:]).swapaxes(1, 2).reshape(kernel)
    else:
        back = stored
    limit = 127 if bits == 8 else 32767
    q = rng.integers(-limit, limit + 1, shape)
    theirs = onnx_run(op, back, bias, (q - source.zero_point) * source.scale, attributes, slope)
    scale = float(np.abs(theirs).max()) / limit * 1.2
    target = Value("y", theirs.size, source.dtype, scale, -5 if bits == 8 else 0)
    geometry, fused = Geometry(shape, stride, dilation, padding, groups), Fused(slope=slope)
    scaled = ScaledConvolution("c", source, target, weights, scales, bias, geometry, fused)
    layer = conv_transpose2d(scaled, more) if transposed else conv2d(scaled)
    ours = layer.apply(q)
    assert ours.shape == theirs.shape
    wished = np.clip(np.rint(theirs / scale) + target.zero_point, -limit, limit)
    assert np.abs(ours - wished).max() <= layer.tolerance({})["y"]
    assert np.unique(ours).size > min(50, ours.size // 3)


def litert_model(schema, flatbuffers, layer, source, target, scales):
    """CONV_2D or DEPTHWISE_CONV_2D of the layer without padding of its own."""
    kinds, depthwise = schema.TensorType, layer.depthwise
    kind = kinds.INT16 if layer.bits == 16 else kinds.INT8
    outputs, time, frequency = layer.result_shape
    channels, rows, columns = layer.shape
    (t0, t1), (f0, f1) = layer.padding
    weights = layer.weights[:, 0].transpose(1, 2, 0)[None] if depthwise else layer.weights.transpose(0, 2, 3, 1)
    arrays = [np.ascontiguousarray(weights), layer.bias]
    buffers = [schema.BufferT() for _ in range(3)]
    for buffer, array in zip(buffers[1:], arrays, strict=True):
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)

    def tensor(name, shape, type_, buffer, scale, zero_point=0, dimension=0):
        t, q = schema.TensorT(), schema.QuantizationParametersT()
        scale = np.atleast_1d(np.asarray(scale, np.float32))
        q.scale, q.zeroPoint, q.quantizedDimension = scale, np.full(scale.size, zero_point, np.int64), dimension
        t.name, t.shape, t.type, t.buffer, t.quantization = name.encode(), np.array(shape, np.int32), type_, buffer, q
        return t

    graph, model, code, op = schema.SubGraphT(), schema.ModelT(), schema.OperatorCodeT(), schema.OperatorT()
    graph.tensors = [
        tensor("x", (1, rows + t0 + t1, columns + f0 + f1, channels), kind, 0, source.scale, source.zero_point),
        tensor("w", weights.shape, kinds.INT8, 1, scales, 0, 3 if depthwise else 0),
        tensor("b", (outputs,), kinds.INT32, 2, np.float32(scales) * np.float32(source.scale)),
        tensor("y", (1, time, frequency, outputs), kind, 0, target.scale, target.zero_point),
    ]
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = 5
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideH, options.strideW = layer.stride
    options.dilationHFactor, options.dilationWFactor = layer.dilation
    if depthwise:
        options.depthMultiplier = outputs // channels
    elif layer.bits == 16:
        options.quantizedBiasType = kinds.INT32
    op.opcodeIndex, op.inputs, op.outputs = 0, np.array([0, 1, 2], np.int32), np.array([3], np.int32)
    op.builtinOptions = options
    op.builtinOptionsType = getattr(schema.BuiltinOptions, "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions")
    graph.inputs, graph.outputs, graph.operators = np.array([0], np.int32), np.array([3], np.int32), [op]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("case", [c for c in CASES if c[0] == "Conv"], ids=lambda c: str(c[2]))
def test_convolution_is_tflites(case, bits):
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed (extra tflite)")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="LiteRT has no schema here")
    flatbuffers = pytest.importorskip("flatbuffers")
    _, shape, kernel, stride, dilation, padding, groups, _ = case
    depthwise = kernel[1] == 1
    if depthwise and bits == 16:
        pytest.skip("TFLite's depthwise layer of int16 takes biases of 64 bits, which it rescales by 16-bit multipliers")
    rng = np.random.default_rng(kernel[0])
    scales = (rng.uniform(0.5, 2.0, kernel[0]) * 0.01).astype(np.float32).astype(np.float64)
    weights = rng.integers(-127, 128, kernel).astype(np.int8)
    size = int(np.sqrt(weights[0].size))
    source, target = values(shape, (1,), bits, x_scale=0.02, y_scale=0.004 * size * 2)
    bias = rng.integers(-4000, 4000, kernel[0]) * source.scale * scales
    geometry = Geometry(shape, stride, dilation, padding, groups)
    output = Value("y", _results(geometry, kernel), source.dtype, target.scale, target.zero_point)
    probe = conv2d(ScaledConvolution("c", source, output, weights, scales, bias, geometry, Fused(rounding="twice")))
    data = litert_model(schema, flatbuffers, probe, source, target, scales)
    interpreter = litert.Interpreter(model_content=data, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    limit = 127 if bits == 8 else 32767
    for kind in ("random", "extreme"):
        q = source_of(rng, probe, kind).astype(np.int64)
        padded = np.pad(q, ((0, 0), *padding), constant_values=source.zero_point).transpose(1, 2, 0)[None]
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(padded.astype(source.dtype)))
        interpreter.invoke()
        theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].transpose(2, 0, 1).astype(np.int64)
        np.testing.assert_array_equal(probe.apply(q), np.maximum(theirs, -limit))
        assert np.unique(theirs).size > 15


def _results(geometry, kernel):
    size = kernel[0]
    for i in range(2):
        reach = geometry.shape[1 + i] + sum(geometry.padding[i]) - geometry.dilation[i] * (kernel[2 + i] - 1) - 1
        size *= reach // geometry.stride[i] + 1
    return size


def small(**changes):
    """A convolution that fits but for `changes`."""
    fields = {
        "source": Value("x", 12, "int16", 2**-15),
        "output": Value("y", 12, "int16", 2**-15),
        "weights": np.full((2, 2, 1, 1), 100, np.int8),
        "scales": np.full(2, 0.01),
        "bias": np.zeros(2),
        "geometry": Geometry((2, 1, 6)),
    } | changes
    return conv2d(ScaledConvolution("c", **fields))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bias": np.array([0.0, 1e9])}, "channel 1 could overflow"),
        ({"scales": np.array([np.nan, 0.01])}, "channel 0 could overflow"),
        ({"output": Value("y", 12, "int8", 0.1)}, "keeps the type"),
        ({"output": Value("y", 11, "int16", 0.1)}, "'y' has 11 elements"),
        ({"weights": np.full((2, 2, 1, 1), -128, np.int8)}, "−128"),
        ({"geometry": Geometry((2, 1, 6), groups=3)}, "do not fit"),
        ({"source": Value("x", 12, "int16", 2**-15, 4)}, "zero point 0"),
        ({"weights": np.full((2, 2, 1, 9), 1, np.int8)}, "larger than the padded source"),
        ({"weights": np.full((2, 2, 600, 1), 127, np.int8), "geometry": Geometry((2, 600, 6))}, "could overflow"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    assert small().low == -32767
    with pytest.raises(InputError, match=message):
        small(**changes)


def test_zeros_need_no_scale():
    layer = small(weights=np.zeros((2, 2, 1, 1), np.int8), scales=np.zeros(2), bias=np.array([0.25, -0.5]))
    np.testing.assert_array_equal(layer.apply(np.ones(12))[:, 0, 0], [8192, -16384])


def test_relu6_is_the_clamp():
    layer = small(output=Value("y", 12, "int16", 0.001), fused=Fused(0.0, 6.0))
    assert (layer.low, layer.high) == (0, 6000)
