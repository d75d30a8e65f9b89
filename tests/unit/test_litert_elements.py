# SPDX-License-Identifier: Apache-2.0
"""TFLite's own interpreter as the oracle of element-wise integer layers: every bit, but for the −128 that ours never have."""

import numpy as np
import pytest

from codesign.base.resources import resource
from codesign.compiler.layers import Value, tflite_curve
from codesign.compiler.lower.binary import Side, binary_of
from codesign.compiler.lower.unary import rescale_of, slopes_of, tflite_curve_of, unary_of

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


@pytest.mark.parametrize("shapes", [((300, 200), (300, 200)), ((300, 200), (300, 1))], ids=["same", "broadcast"])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_binary_is_tflites(operation, dtype, shapes):
    rng, unit = np.random.default_rng(8), 2.0**-7 if dtype == "int8" else 2.0**-15
    zero = (3, -50, 11) if dtype == "int8" else (0, 0, 0)
    factors = (1.0, 1.0, 1.0) if operation.endswith("imum") else (1.3, 0.4, 0.9)
    zero = (7, 7, 7) if operation.endswith("imum") and dtype == "int8" else zero
    size = 60000
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


@pytest.mark.parametrize("scale", [2.0**-12, 2.0**-11, 2.0**-10, 2.0**-13, 0.00031, 0.0007, 1.5])
@pytest.mark.parametrize("table", ["sigmoid", "tanh"])
def test_curves_of_int16_are_tflites_for_all_inputs(table, scale):
    q = np.arange(-32768, 32768).astype(np.int16)
    x, y = Value("x", q.size, "int16", scale32(scale)), Value("y", q.size, "int16", 2.0**-15)
    data = operator_model({"sigmoid": "LOGISTIC", "tanh": "TANH"}[table], None, [(x, q.shape)], (y, q.shape), 3)
    np.testing.assert_array_equal(step(tflite_curve_of("t", table, x, y), x=q), run(data, [q]))


def test_the_table_of_tflites_curves_is_what_the_generator_writes():
    assert resource("runtime", "nn", "cs_tflite_sigmoid_table.c").read_text() == tflite_curve.c_source()


@pytest.mark.parametrize("operator", ["LOGISTIC", "TANH"])
def test_curves_of_int8_are_tflites_for_all_inputs(operator):
    q = np.arange(-128, 128).astype(np.int8)
    zero, scale = {"LOGISTIC": (-128, 2.0**-8), "TANH": (0, 2.0**-7)}[operator]
    x, y = Value("x", 256, "int8", scale32(0.04), 17), Value("y", 256, "int8", scale, zero)
    theirs = run(operator_model(operator, None, [(x, (256,))], (y, (256,)), 2), [q])
    function = np.tanh if operator == "TANH" else lambda v: 1 / (1 + np.exp(-v))
    np.testing.assert_array_equal(step(unary_of("t", function, x, y), x=q), np.maximum(theirs, -127))


@pytest.mark.parametrize("types", [("int8", "int8"), ("int16", "int16"), ("int8", "int16"), ("int16", "int8")])
def test_rescale_is_tflites_quantize(types):
    zero = [9 if dtype == "int8" else 0 for dtype in types]
    scale = [0.021 if dtype == "int8" else 0.00011 for dtype in types]
    q = np.arange(-127, 128).astype(np.int8) if types[0] == "int8" else np.arange(-32767, 32768).astype(np.int16)
    x, y = (Value(n, q.size, t, scale32(s), z) for n, t, s, z in zip("xy", types, scale, zero, strict=True))
    y = Value("y", q.size, y.dtype, scale32(y.scale * 1.37), -y.zero_point)
    theirs = run(operator_model("QUANTIZE", schema.QuantizeOptionsT(), [(x, q.shape)], (y, q.shape), 3), [q])
    np.testing.assert_array_equal(step(rescale_of("r", x, y), x=q), np.maximum(theirs, -127 if types[1] == "int8" else -32767))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_slopes_are_tflites_leaky_relu(dtype):
    full = 127 if dtype == "int8" else 32767
    q, zero = np.arange(-full, full + 1).astype(dtype), 12 if dtype == "int8" else 0
    x, y = Value("x", q.size, dtype, scale32(3.1 / full), zero), Value("y", q.size, dtype, scale32(2.7 / full), -zero)
    options = schema.LeakyReluOptionsT()
    options.alpha = 0.13
    theirs = run(operator_model("LEAKY_RELU", options, [(x, q.shape)], (y, q.shape), 2), [q])
    ours = step(slopes_of("l", x, y, np.array([1], np.int16), float(np.float32(0.13))), x=q)
    np.testing.assert_array_equal(ours, np.maximum(theirs, -full))


def test_slopes_are_tflites_prelu():
    rng, shape = np.random.default_rng(1), (1, 40, 1, 30)
    q = everything(rng, shape, "int8")
    x, y = Value("x", 1200, "int8", scale32(0.03), 12), Value("y", 1200, "int8", scale32(0.025), -8)
    alpha = Value("alpha", 30, "int8", scale32(0.004))
    slopes = everything(rng, (1, 1, 30), "int8")
    data = operator_model("PRELU", None, [(x, shape), (alpha, slopes.shape)], (y, shape), 1)
    theirs = run(data, [q, slopes]).reshape(-1)
    ours = step(slopes_of("p", x, y, slopes.reshape(-1).astype(np.int16), alpha.scale), x=q)
    np.testing.assert_array_equal(ours, np.maximum(theirs, -127))


FUNCTIONS = {
    "exp": np.exp,
    "sqrt": lambda v: np.sqrt(np.abs(v)),
    "square": np.square,
    "swish": lambda v: v / (1 + np.exp(-v)),
    "elu": lambda v: np.where(v < 0, np.expm1(v), v),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_table_of_int16_tells_its_largest_error(name):
    f, q = FUNCTIONS[name], np.arange(-32767, 32768).astype(np.int16)
    x = Value("x", q.size, "int16", 4.0 / 32767)
    y = Value("y", q.size, "int16", float(np.abs(f(np.linspace(-4, 4, 999))).max()) / 32767)
    layer = unary_of("t", f, x, y)
    error = np.abs(step(layer, x=q) - f(q * x.scale) / y.scale)
    assert error.max() <= layer.error
    assert layer.error <= (3 if name != "sqrt" else 1200), "only the root is too steep, at 0"
