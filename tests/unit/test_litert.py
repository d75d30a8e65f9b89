# SPDX-License-Identifier: Apache-2.0
"""TFLite's own interpreter as the oracle of the int8 layers, every bit. Models come from its schema, without TensorFlow."""

import numpy as np
import pytest

from codesign.compiler.layers import Value
from codesign.compiler.lower.linear import fully_connected
from codesign.compiler.model.graph import Matrix, Quant

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed (extra tflite)")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="LiteRT has no schema here")
flatbuffers = pytest.importorskip("flatbuffers")


def tensor(name, shape, kind, buffer, scale, zero_point=0):
    """One tensor; several scales are along dimension 0."""
    t, q = schema.TensorT(), schema.QuantizationParametersT()
    scale = np.atleast_1d(np.asarray(scale, np.float32))
    q.scale, q.zeroPoint, q.quantizedDimension = scale, np.full(scale.size, zero_point, np.int64), 0
    t.name, t.shape, t.type, t.buffer, t.quantization = name.encode(), np.array(shape, np.int32), kind, buffer, q
    return t


def fully_connected_model(weights, bias, x_quant, row_scales, y_quant):
    rows, columns = weights.shape
    model, graph, code, op = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    kinds = schema.TensorType
    out_kind = kinds.INT8 if y_quant.bits == 8 else kinds.INT16
    buffers = [schema.BufferT() for _ in range(3)]
    buffers[0].data = None
    buffers[1].data = np.frombuffer(weights.tobytes(), np.uint8)
    buffers[2].data = np.frombuffer(bias.tobytes(), np.uint8)
    graph.tensors = [
        tensor("x", (1, columns), kinds.INT8, 0, x_quant.scale, x_quant.zero_point),
        tensor("w", (rows, columns), kinds.INT8, 1, row_scales),
        tensor("b", (rows,), kinds.INT32, 2, np.asarray(row_scales, np.float32) * np.float32(x_quant.scale)),
        tensor("y", (1, rows), out_kind, 0, y_quant.scale, y_quant.zero_point),
    ]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 12
    op.opcodeIndex, op.inputs, op.outputs = 0, np.array([0, 1, 2], np.int32), np.array([3], np.int32)
    op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    op.builtinOptions = schema.FullyConnectedOptionsT()
    graph.inputs, graph.outputs, graph.operators = np.array([0], np.int32), np.array([3], np.int32), [op]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run_litert(data, x):
    """Outputs for all rows of x, by the reference kernels: optimized ones round in other ways."""
    resolver = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=data, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    results = []
    for row in x:
        interpreter.set_tensor(source, row[None])
        interpreter.invoke()
        results.append(interpreter.get_tensor(target)[0].copy())
    return np.array(results)


@pytest.mark.parametrize("columns", [1, 7, 64, 136])
@pytest.mark.parametrize("zero_point", [0, -127, 31])
@pytest.mark.parametrize("per_row", [False, True], ids=["per tensor", "per row"])
def test_fully_connected_is_tflites(columns, zero_point, per_row):
    rng = np.random.default_rng(columns + zero_point + 127)
    rows = 24
    weights = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
    scales = (rng.uniform(0.5, 2.0, rows) * 0.01 if per_row else np.full(rows, 0.011)).astype(np.float32).astype(np.float64)
    x_quant = Quant(float(np.float32(0.023)), zero_point, 8)
    y_quant = Quant(float(np.float32(0.004 * np.sqrt(columns))), -5, 8)
    integers = rng.integers(-4000, 4000, rows).astype(np.int32)
    matrix = Matrix((weights * scales[:, None]).astype(np.float32), weights, scales)
    source = Value("x", columns, "int8", x_quant.scale, x_quant.zero_point)
    layer = fully_connected("fc", source, "y", matrix, integers * (x_quant.scale * scales), y_quant)
    x = rng.integers(-127, 128, (200, columns)).astype(np.int8)
    x[0], x[1] = 127, -127
    stored = np.float32(scales) if per_row else np.float32(scales[:1])
    theirs = run_litert(fully_connected_model(weights, integers, x_quant, stored, y_quant), x)
    ours = np.array([layer.apply(row) for row in x])
    np.testing.assert_array_equal(ours, np.maximum(theirs, -127))
    assert np.unique(ours).size > 50, "a constant output proves nothing"
