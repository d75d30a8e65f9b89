# SPDX-License-Identifier: Apache-2.0
"""TFLite's own interpreter as the oracle of element-wise integer layers: every bit, but for the −128 that ours never have."""

import numpy as np
import pytest

from codesign.compiler.layers import Value
from codesign.compiler.lower.binary import Side, binary_of

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed (extra tflite)")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="LiteRT has no schema here")
flatbuffers = pytest.importorskip("flatbuffers")

KINDS = {"int8": "INT8", "int16": "INT16"}


def operator_model(name, options, inputs, output, version):
    """A model of one operator: inputs and output are (Value, shape)."""
    model, graph, code, op = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    graph.tensors = []
    for value, shape in (*inputs, output):
        t, q = schema.TensorT(), schema.QuantizationParametersT()
        q.scale, q.zeroPoint = np.array([value.scale], np.float32), np.array([value.zero_point], np.int64)
        t.name, t.shape, t.type = value.name.encode(), np.array(shape, np.int32), getattr(schema.TensorType, KINDS[value.dtype])
        t.buffer, t.quantization = 0, q
        graph.tensors.append(t)
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
    op.opcodeIndex, op.inputs = 0, np.arange(len(inputs), dtype=np.int32)
    op.outputs = np.array([len(inputs)], np.int32)
    if options is not None:
        op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        op.builtinOptions = options
    graph.inputs, graph.outputs, graph.operators = op.inputs, op.outputs, [op]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(data, tensors):
    """The output for these inputs, by the reference kernels."""
    interpreter = litert.Interpreter(model_content=data, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for detail, x in zip(interpreter.get_input_details(), tensors, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def step(layer, **values):
    held = {name: x.astype(np.int64).reshape(-1) for name, x in values.items()}
    layer.step(held, ())
    return held[layer.writes[0]]


def scale32(x):
    return float(np.float32(x))


def everything(rng, shape, dtype):
    """Random integers of the whole range that is used, its ends among them."""
    full = 127 if dtype == "int8" else 32767
    x = rng.integers(-full, full + 1, shape).astype(dtype)
    x.flat[0], x.flat[-1] = full, -full
    return x


OPERATIONS = {
    "add": ("ADD", "AddOptionsT"),
    "subtract": ("SUB", "SubOptionsT"),
    "multiply": ("MUL", "MulOptionsT"),
    "minimum": ("MINIMUM", "MaximumMinimumOptionsT"),
    "maximum": ("MAXIMUM", "MaximumMinimumOptionsT"),
}


@pytest.mark.parametrize("shapes", [((40, 50), (40, 50)), ((40, 50), (40, 1))], ids=["same", "broadcast"])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_binary_is_tflites(operation, dtype, shapes):
    rng, unit = np.random.default_rng(8), 2.0**-7 if dtype == "int8" else 2.0**-15
    zero = (3, -50, 11) if dtype == "int8" else (0, 0, 0)
    factors = (1.0, 1.0, 1.0) if operation.endswith("imum") else (1.3, 0.4, 0.9)
    zero = (7, 7, 7) if operation.endswith("imum") and dtype == "int8" else zero
    size = 2000
    a, b, y = (
        Value(name, n, dtype, scale32(unit * f), z)
        for name, n, f, z in zip("aby", (size, int(np.prod(shapes[1])), size), factors, zero, strict=True)
    )
    builtin, options = OPERATIONS[operation]
    made = getattr(schema, options)()
    if operation in ("add", "subtract"):
        made.potScaleInt16 = False
    data = operator_model(builtin, made, [(a, shapes[0]), (b, shapes[1])], (y, shapes[0]), 2)
    tensors = [everything(rng, shape, dtype) for shape in shapes]
    theirs = run(data, tensors).reshape(-1)
    ours = step(binary_of("b", operation, Side(a, shapes[0]), Side(b, shapes[1]), y), a=tensors[0], b=tensors[1])
    np.testing.assert_array_equal(ours, np.maximum(theirs, -127 if dtype == "int8" else -32767))
    assert np.unique(ours).size > 50
