# SPDX-License-Identifier: Apache-2.0
"""Small full-integer TFLite files, one for each operator and type, and what LiteRT's reference kernels make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tflite_files import TYPES, TfliteFile

INT8, INT16 = np.dtype(np.int8), np.dtype(np.int16)
SCALES = {INT8: 0.0231, INT16: 0.00031}
Build = Callable[[TfliteFile, np.random.Generator, np.dtype, int], int]


def shape_of(f: TfliteFile, tensor: int) -> list[int]:
    return [int(n) for n in f.graph.tensors[tensor].shape]


def value(f: TfliteFile, shape, dtype, factor: float = 1.0, zero: int = 0) -> int:
    """A tensor with some scale; int16 has zero point 0."""
    return f.tensor(shape, dtype, scale=np.float32(SCALES[np.dtype(dtype)] * factor), zero=zero if dtype == INT8 else 0)


def weights(f: TfliteFile, rng, shape, axis: int, rows: bool) -> tuple[int, np.ndarray]:
    """int8 weights and their scales, one or as many as the axis is long."""
    scale = np.float32(rng.uniform(0.5, 2.0, shape[axis]) * 0.009) if rows else np.float32([0.0117])
    return f.constant(rng.integers(-127, 128, shape).astype(np.int8), scale=scale, axis=axis), scale


def bias(f: TfliteFile, rng, source: int, scale: np.ndarray, n: int, kind) -> list[int]:
    """Input 2 of an operator: biases of 32 or 64 bits, or none."""
    if kind is None:
        return [-1]
    step = np.float32(f.graph.tensors[source].quantization.scale[0]) * scale
    return [f.constant(rng.integers(-9000, 9000, n).astype(kind), scale=step)]


def dense(rows: bool, kind, activation: int = 0, n: int = 24, factor: float = 1.6) -> Build:
    def build(f, rng, dtype, x):
        w, scale = weights(f, rng, (n, shape_of(f, x)[-1]), 0, rows)
        y = value(f, [*shape_of(f, x)[:-1], n], dtype, factor, -7)
        options = {"quantizedBiasType": TYPES[np.dtype(kind)] if kind else 0, "keepNumDims": len(shape_of(f, x)) > 2}
        inputs = [x, w, *bias(f, rng, x, scale, n, kind)]
        options["fusedActivationFunction"] = activation
        return f("FULLY_CONNECTED", inputs, y, options="FullyConnectedOptions", version=12, **options)

    return build


def conv(kind, padding: int = 0, activation: int = 0, stride: int = 1, n: int = 6) -> Build:
    def build(f, rng, dtype, x):
        _, h, w, channels = shape_of(f, x)
        weight, scale = weights(f, rng, (n, 3, 3, channels), 0, True)
        size = [-(-(s if padding == 0 else s - 2) // stride) for s in (h, w)]
        y = value(f, [1, *size, n], dtype, 1.4, 11)
        options = {"padding": padding, "strideH": stride, "strideW": stride, "dilationHFactor": 1, "dilationWFactor": 1}
        options |= {"fusedActivationFunction": activation, "quantizedBiasType": TYPES[np.dtype(kind)]}
        inputs = [x, weight, *bias(f, rng, x, scale, n, kind)]
        return f("CONV_2D", inputs, y, options="Conv2DOptions", version=8, **options)

    return build


def depthwise(kind, activation: int = 0) -> Build:
    def build(f, rng, dtype, x):
        _, h, w, channels = shape_of(f, x)
        weight, scale = weights(f, rng, (1, 3, 3, channels), 3, True)
        y = value(f, [1, h, w, channels], dtype, 0.9, -20)
        options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 1}
        inputs = [x, weight, *bias(f, rng, x, scale, channels, kind)]
        options["fusedActivationFunction"] = activation
        return f("DEPTHWISE_CONV_2D", inputs, y, options="DepthwiseConv2DOptions", version=6, **options)

    return build


def transposed(kind, padding: int = 1, n: int = 5) -> Build:
    def build(f, rng, dtype, x):
        _, h, w, channels = shape_of(f, x)
        weight, scale = weights(f, rng, (n, 3, 3, channels), 0, True)
        size = [2 * s + 1 if padding else 2 * s for s in (h, w)]
        y = value(f, [1, *size, n], dtype, 1.3, 4)
        inputs = [f.ints(1, *size, n), weight, x, *([] if kind is None else bias(f, rng, x, scale, n, kind))]
        options = {"padding": padding, "strideH": 2, "strideW": 2, "quantizedBiasType": TYPES[np.dtype(kind)] if kind else 0}
        return f("TRANSPOSE_CONV", inputs, y, options="TransposeConvOptions", version=5, **options)

    return build


def requantized(factor: float, zero: int, to=None) -> Build:
    def build(f, rng, dtype, x):
        y = value(f, shape_of(f, x), to or dtype, factor, zero)
        return f("QUANTIZE", [x], y, options="QuantizeOptions", version=3)

    return build


def two(kind: str, factor: float, activation: int = 0) -> Build:
    """x and x in other steps, as different branches."""

    def build(f, rng, dtype, x):
        other = requantized(0.61, 9)(f, rng, dtype, x)
        y = value(f, shape_of(f, x), dtype, factor, -13)
        if kind in ("MINIMUM", "MAXIMUM"):
            x, other = (requantized(1.0, 3)(f, rng, dtype, v) for v in (x, other))
            y = value(f, shape_of(f, x), dtype, 1.0, 3)
        options = "MaximumMinimumOptions" if "IMUM" in kind else f"{kind.capitalize()}Options"
        values = {} if "IMUM" in kind else {"fusedActivationFunction": activation}
        values |= {"potScaleInt16": False} if kind in ("ADD", "SUB") else {}
        return f(kind, [x, other], y, options=options, version=2, **values)

    return build


def with_constant(kind: str, factor: float, shape: tuple[int, ...], first: bool = False) -> Build:
    def build(f, rng, dtype, x):
        limits = np.iinfo(dtype)
        c = rng.integers(limits.min, limits.max + 1, shape).astype(dtype)
        zero = -6 if dtype == INT8 else 0
        other = f.constant(c, scale=np.float32(SCALES[np.dtype(dtype)] * 0.37), zero=zero)
        y = value(f, shape_of(f, x), dtype, factor, 21)
        values = {"potScaleInt16": False} if kind in ("ADD", "SUB") else {}
        return f(kind, [other, x] if first else [x, other], y, options=f"{kind.capitalize()}Options", version=2, **values)

    return build


def function(
    kind: str, factor: float = 1.0, zero: int = 0, options: str = "", version: int = 2, source=(1.7, 31), **values
) -> Build:
    """`source` is what the argument is brought to before."""

    def build(f, rng, dtype, x):
        x = requantized(*source)(f, rng, dtype, x)
        fixed = {"LOGISTIC": (2.0**-8, -128), "TANH": (2.0**-7, 0)}.get(kind)
        if fixed:
            scale, own = fixed if dtype == INT8 else (2.0**-15, 0)
            y = f.tensor(shape_of(f, x), dtype, scale=np.float32(scale), zero=own)
        else:
            y = value(f, shape_of(f, x), dtype, factor, zero)
        return f(kind, [x], y, options=options, version=version, **values)

    return build


def prelu(f, rng, dtype, x):
    slopes = f.constant(rng.integers(-128, 128, shape_of(f, x)[-1:]).astype(np.int8), scale=np.float32(0.004), zero=7)
    return f("PRELU", [x, slopes], value(f, shape_of(f, x), dtype, 0.8, -9))


def mean(axes: tuple[int, ...], keep: bool = True, factor: float = 0.3) -> Build:
    def build(f, rng, dtype, x):
        size = shape_of(f, x)
        after = (
            [1 if i in axes else n for i, n in enumerate(size)] if keep else [n for i, n in enumerate(size) if i not in axes]
        )
        y = value(f, after, dtype, factor, 13)
        return f("MEAN", [x, f.ints(*axes)], y, options="ReducerOptions", keepDims=keep, version=3)

    return build


def layout(f, rng, dtype, x):
    """TRANSPOSE, PAD, SPLIT, CONCATENATION, SLICE, STRIDED_SLICE, PACK, UNPACK, RESHAPE of [1, 5, 6, 4]."""

    def same(shape):
        source = f.graph.tensors[x]
        return f.tensor(shape, dtype, scale=source.quantization.scale, zero=int(source.quantization.zeroPoint[0]))

    y = f("TRANSPOSE", [x, f.ints(0, 2, 1, 3)], same([1, 6, 5, 4]), options="TransposeOptions", version=5)
    y = f(
        "PAD", [y, f.constant(np.array([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32))], same([1, 7, 7, 4]), options="PadOptions"
    )
    parts = [same([1, 7, 7, 2]), same([1, 7, 7, 2])]
    f("SPLIT", [f.ints(3), y], *parts, options="SplitOptions", numSplits=2, version=2)
    y = f("CONCATENATION", [parts[1], parts[0]], same([1, 14, 7, 2]), options="ConcatenationOptions", axis=1, version=2)
    y = f("SLICE", [y, f.ints(0, 2, 1, 0), f.ints(1, 10, 6, 2)], same([1, 10, 6, 2]), options="SliceOptions", version=2)
    bounds = [f.ints(0, 1, 0, 0), f.ints(1, 10, 6, 2), f.ints(1, 3, 2, 1)]
    y = f("STRIDED_SLICE", [y, *bounds], same([1, 3, 3, 2]), options="StridedSliceOptions", version=2)
    rows = [same([1, 3, 2]) for _ in range(3)]
    f("UNPACK", [y], *rows, options="UnpackOptions", num=3, axis=1, version=2)
    y = f("PACK", rows[::-1], same([1, 3, 3, 2]), options="PackOptions", valuesCount=3, axis=2, version=2)
    return f("RESHAPE", [y, f.ints(1, 18)], same([1, 18]), options="ReshapeOptions")


def moved(f, rng, dtype, x):
    """TILE, GATHER, REVERSE_V2, MIRROR_PAD, RESIZE_NEAREST_NEIGHBOR, BROADCAST_TO of [1, 5, 6, 4]."""
    q = f.graph.tensors[x].quantization

    def step(kind, source, shape, operand, options, version, **values):
        y = f.tensor(shape, dtype, scale=q.scale, zero=int(q.zeroPoint[0]))
        inputs = [source, f.constant(np.array(operand, np.int32))]
        return f(kind, inputs, y, options=f"{options}Options", version=version, **values)

    y = step("TILE", x, [1, 5, 12, 4], [1, 1, 2, 1], "Tile", 2)
    y = step("GATHER", y, [1, 5, 3, 4], [3, 0, 11], "Gather", 2, axis=2, batchDims=0)
    y = step("REVERSE_V2", y, [1, 5, 3, 4], [2], "ReverseV2", 3)
    y = step("MIRROR_PAD", y, [1, 5, 5, 4], [[0, 0], [0, 0], [1, 1], [0, 0]], "MirrorPad", 2, mode=0)
    y = step("RESIZE_NEAREST_NEIGHBOR", y, [1, 10, 10, 4], [10, 10], "ResizeNearestNeighbor", 3, halfPixelCenters=True)
    return step("BROADCAST_TO", y, [2, 10, 10, 4], [2, 10, 10, 4], "BroadcastTo", 3)


def cell(f, rng, dtype, x):
    """The operators of an LSTM's cell, with integers between them: they stay what they are."""
    kind = np.int32 if dtype == INT8 else np.int64
    gates = dense(True, kind, n=12, factor=9.0)(f, rng, dtype, x)
    more = dense(True, kind, n=12, factor=9.0)(f, rng, dtype, x)
    y = value(f, [1, 12], dtype, 3.0, 5)
    gates = f("ADD", [gates, more], y, options="AddOptions", version=2, potScaleInt16=False)
    step = f.graph.tensors[y].quantization.scale
    parts = [f.tensor([1, 4], dtype, scale=step, zero=5 if dtype == INT8 else 0) for _ in range(3)]
    f("SPLIT", [f.ints(1), gates], *parts, options="SplitOptions", numSplits=3, version=2)

    def given(wide, narrow, zero):
        """A tensor of the scale that int16 or int8 has there."""
        return f.tensor([1, 4], dtype, scale=np.float32(narrow if dtype == INT8 else wide), zero=zero if dtype == INT8 else 0)

    one = f("LOGISTIC", [parts[0]], given(2.0**-15, 2.0**-8, -128), version=3)
    other = f("TANH", [parts[1]], given(2.0**-15, 2.0**-7, 0), version=3)
    last = f("LOGISTIC", [parts[2]], given(2.0**-15, 2.0**-8, -128), version=3)
    product = f("MUL", [one, other], given(2.0**-15, 2.0**-7, 0), options="MulOptions", version=2)
    bent = f("TANH", [product], given(2.0**-15, 2.0**-7, 0), version=3)
    return f("MUL", [last, bent], given(2.0**-15, 2.0**-7, 0), options="MulOptions", version=2)


VECTOR, IMAGE = [1, 40], [1, 5, 6, 4]
RELU, RELU6 = 1, 3
Case = tuple[Build, list[int], tuple[np.dtype, ...]]
BOTH = (INT8, INT16)
CASES: Mapping[str, Case] = {
    "fully connected, one scale, 32 bits": (dense(False, np.int32), VECTOR, BOTH),
    "fully connected, a scale a row, 32 bits": (dense(True, np.int32), VECTOR, BOTH),
    "fully connected, 64 bits": (dense(True, np.int64), VECTOR, (INT16,)),
    "fully connected, no bias": (dense(True, None), VECTOR, BOTH),
    "fully connected, relu6": (dense(True, np.int32, RELU6, factor=2.3), VECTOR, BOTH),
    "fully connected, positions": (dense(True, np.int32, RELU), [1, 7, 9], BOTH),
    "convolution, 32 bits": (conv(np.int32), IMAGE, BOTH),
    "convolution, 64 bits": (conv(np.int64, stride=2), IMAGE, (INT16,)),
    "convolution, valid, relu6": (conv(np.int32, 1, RELU6), IMAGE, BOTH),
    "depthwise": (depthwise(np.int32, RELU), IMAGE, (INT8,)),
    "depthwise, 64 bits": (depthwise(np.int64), IMAGE, (INT16,)),
    "transposed": (transposed(np.int32), IMAGE, BOTH),
    "transposed, same, no bias": (transposed(None, 0), IMAGE, BOTH),
    "transposed, 64 bits": (transposed(np.int64), IMAGE, (INT16,)),
    "quantize": (requantized(1.37, -20), VECTOR, BOTH),
    "add": (two("ADD", 1.1), VECTOR, BOTH),
    "add, relu6": (two("ADD", 2.3, RELU6), VECTOR, BOTH),
    "sub": (two("SUB", 0.7), VECTOR, BOTH),
    "mul": (two("MUL", 0.9), VECTOR, (INT8,)),
    "mul, int16": (two("MUL", 4.0), VECTOR, (INT16,)),
    "minimum": (two("MINIMUM", 1.0), VECTOR, BOTH),
    "maximum": (two("MAXIMUM", 1.0), VECTOR, BOTH),
    "add, constant": (with_constant("ADD", 1.1, (4,)), IMAGE, BOTH),
    "sub, constant first": (with_constant("SUB", 1.1, (1, 5, 1, 4), True), IMAGE, BOTH),
    "mul, constant": (with_constant("MUL", 2.9, (1,)), IMAGE, BOTH),
    "logistic": (function("LOGISTIC"), VECTOR, BOTH),
    "tanh": (function("TANH", source=(0.4, 5)), VECTOR, BOTH),
    "relu": (function("RELU", 0.83, -128), VECTOR, BOTH),
    "relu6": (function("RELU6", 1.9, -100), VECTOR, BOTH),
    "relu n1 to 1": (function("RELU_N1_TO_1", 0.5, 3, version=1), VECTOR, (INT8,)),
    "leaky relu": (function("LEAKY_RELU", 1.4, -30, "LeakyReluOptions", alpha=0.13), VECTOR, BOTH),
    "prelu": (prelu, IMAGE, (INT8,)),
    "hard swish": (function("HARD_SWISH", 0.9, -40, "HardSwishOptions", 1), VECTOR, (INT8,)),
    "abs": (function("ABS", 0.9, -128, "AbsOptions", 3), VECTOR, (INT8,)),
    "exp": (function("EXP", 7.0, -100, "ExpOptions", 2, source=(0.5, 20)), VECTOR, (INT8,)),
    "log": (function("LOG", 1.4, 20, "", 2, source=(1.0, -128)), VECTOR, (INT8,)),
    "abs, int16": (function("ABS", 0.9, 0, "AbsOptions", 3), VECTOR, (INT16,)),
    "sqrt": (function("SQRT", 0.7, 0, "", 2, source=(1.0, -128)), VECTOR, (INT8,)),
    "rsqrt": (function("RSQRT", 9.0, -128, "", 2, source=(1.0, -128)), VECTOR, (INT8,)),
    "mean over both": (mean((1, 2)), IMAGE, BOTH),
    "mean over channels": (mean((3,), False), IMAGE, BOTH),
    "mean over time": (mean((1,), True, 0.7), IMAGE, BOTH),
    "layout": (layout, IMAGE, BOTH),
    "moved": (moved, IMAGE, BOTH),
    "gelu": (function("GELU", 0.7, -60, "GeluOptions", 2, approximate=False), VECTOR, (INT8,)),
    "parts of a cell": (cell, VECTOR, BOTH),
}  # fmt: skip
"""Name → what builds it, shape of its input, types; a full-integer file with one input and one output."""


def file_of(name: str, dtype, seed: int = 0) -> bytes:
    build, shape, _ = CASES[name]
    f, rng = TfliteFile(), np.random.default_rng(seed)
    x = value(f, shape, dtype, 1.0, 17)
    return f.data([x], [build(f, rng, dtype, x)])


def inputs_of(name: str, dtype, count: int = 60, seed: int = 1) -> np.ndarray:
    """Random integers of the whole range and the extremes, (count, elements)."""
    size, limits = int(np.prod(CASES[name][1])), np.iinfo(dtype)
    rng = np.random.default_rng(seed)
    x = rng.integers(limits.min, limits.max + 1, (count, size)).astype(dtype)
    x[0], x[1] = limits.min, limits.max
    x[2] = rng.choice([limits.min, limits.max], size)
    x[3 : count // 2] = rng.integers(-30, 30, x[3 : count // 2].shape)
    return x


def litert(data: bytes, rows: np.ndarray) -> np.ndarray:
    """The output for each row, by the reference kernels: optimized ones round in other ways."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    results = []
    for row in rows:
        interpreter.set_tensor(source["index"], row.reshape(source["shape"]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(target["index"]).ravel().copy())
    return np.array(results)


def lstm(dtype, frames: int = 1, units: int = 12, inputs: int = 10, clip: float = 0.0, seed: int = 0) -> bytes:
    """A file of one UNIDIRECTIONAL_SEQUENCE_LSTM as the converter quantizes it, gates within the sigmoid's range."""
    f, rng = TfliteFile(), np.random.default_rng(seed)
    narrow = np.dtype(dtype) == INT8
    x = f.tensor([1, frames, inputs], dtype, scale=np.float32(0.03 if narrow else 2.0**-13), zero=4 if narrow else 0)
    quant = {"scale": np.float32(0.0079), "zero": -2} if narrow else {"scale": np.float32(2.0**-15)}

    def matrices(columns):
        return [
            f.constant(rng.integers(-127, 128, (units, columns)).astype(np.int8), scale=np.float32(0.003)) for _ in range(4)
        ]

    w, r = matrices(inputs), matrices(units)
    step = np.float32(0.003) * f.graph.tensors[x].quantization.scale[0]
    b = [f.constant(rng.integers(-9000, 9000, units).astype(np.int32), scale=step) for _ in range(4)]
    states = [f.tensor([1, units], dtype, variable=True, **quant)]
    states.append(f.tensor([1, units], np.int16, scale=np.float32(2.0**-11), variable=True))
    between = [f.tensor([], np.int16, scale=np.float32(2.0**-12)) for _ in range(4)] + [f.tensor([], dtype, **quant)]
    y = f.tensor([1, frames, units], dtype, **quant)
    operands = [x, *w, *r, -1, -1, -1, *b, -1, -1, *states, -1, -1, -1, -1]
    options = {"fusedActivationFunction": 4, "cellClip": clip, "intermediates": between}
    name = "UnidirectionalSequenceLSTM"
    return f.data([x], [f("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, y, options=f"{name}Options", version=3, **options)])
