# SPDX-License-Identifier: Apache-2.0
"""Operators of TFLite in ONNX. Convolutions lie [batch, height, width, channels] there, and channels first here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from codesign.compiler.model.limits import ROUNDING
from codesign.compiler.model.tflite import places, windows
from codesign.compiler.model.tflite.lstm import sequence_lstm
from codesign.compiler.model.tflite.reader import Tensor
from codesign.compiler.model.tflite.windows import FIRST, LAST, same_pads

if TYPE_CHECKING:
    from codesign.compiler.model.tflite.convert import Builder


def unary(kind: str, **attributes: Any) -> Callable[[Builder], None]:
    """An element-wise function of one value."""

    def convert(b: Builder) -> None:
        b.give(b.node(kind, [b.real(0)], **attributes))

    return convert


def binary(kind: str) -> Callable[[Builder], None]:
    """An element-wise function of two, with a fused activation where its options have one."""

    def convert(b: Builder) -> None:
        tensors = [b.tensor(0), b.tensor(1), b.out()]
        exact = all(len(t.scale) == 1 and math.frexp(float(t.scale[0]))[0] == 0.5 for t in tensors)
        if kind == "Sub" and b.out().dtype == np.int16 and exact and b.option("PotScaleInt16", True):
            raise b.refuse(
                "says pot_scale_int16: its shifts round in another way", hint="convert it with pot_scale_int16 = false"
            )
        activation = b.option("FusedActivationFunction", 0) if hasattr(b.call.options, "FusedActivationFunction") else 0
        b.give(b.node(kind, [b.real(0), b.real(1)]), activation=activation)

    return convert


def same(b: Builder) -> None:
    """QUANTIZE, DEQUANTIZE, CAST between floats: the same real values."""
    b.give(b.real(0))


def fully_connected(b: Builder) -> None:
    """FULLY_CONNECTED: x · Wᵀ + bias, all axes but the last of x taken together where they are not kept."""
    if b.option("WeightsFormat", 0):
        raise b.refuse("has shuffled weights")
    weight, rows = b.tensor(1), b.out().shape
    if weight.data is None or weight.data.ndim != 2:
        raise b.refuse("multiplies two computed values, its weights must be constant")
    source = b.real(0)
    axes = len(b.tensor(0).shape)
    if not b.option("KeepNumDims", False) and axes != 2:
        source, axes = b.node("Reshape", [source, b.ints([-1, weight.shape[1]])]), 2
    product = b.node("MatMul", [source, b.weights(weight, weight.data.T, axis=1 - weight.axis)])
    if b.has(2):
        product = b.node("Add", [product, b.bias(2)])
    shaped = b.node("Reshape", [product, b.ints(b.sizes(b.out()))]) if len(rows) != axes else product
    b.give(shaped, activation=b.option("FusedActivationFunction", 0))


def convolution(b: Builder) -> None:
    """CONV_2D, weights [out, height, width, in]; DEPTHWISE_CONV_2D, weights [1, height, width, out]."""
    depthwise, weight, source = b.call.kind == "DEPTHWISE_CONV_2D", b.tensor(1), b.tensor(0)
    if weight.data is None or weight.data.ndim != 4 or len(source.shape) != 4:
        raise b.refuse("needs constant weights and a value of four dimensions")
    turned = weight.data.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    groups = source.shape[3] if depthwise else max(1, source.shape[3] // max(1, weight.shape[3]))
    strides = [b.option("StrideH", 1), b.option("StrideW", 1)]
    dilations = [b.option("DilationHFactor", 1), b.option("DilationWFactor", 1)]
    pads = [(0, 0), (0, 0)]
    if b.option("Padding", 0) == 0:  # SAME
        reach = [(weight.shape[1 + i] - 1) * dilations[i] + 1 for i in (0, 1)]
        pads = [same_pads(*sizes) for sizes in zip(source.shape[1:3], reach, strides, strict=True)]
    x = b.node("Transpose", [b.real(0)], perm=FIRST)
    bias = [b.bias(2)] if b.has(2) else []
    y = b.node(
        "Conv",
        [x, b.weights(weight, turned, axis=0), *bias],
        strides=strides,
        dilations=dilations,
        pads=[*(first for first, _ in pads), *(last for _, last in pads)],
        group=groups,
    )
    _rounding(b, source, 2)
    b.give(y, activation=b.option("FusedActivationFunction", 0), order=LAST)


def transposed_convolution(b: Builder) -> None:
    """TRANSPOSE_CONV: shape of the output, weights [out, height, width, in], value, perhaps a bias."""
    weight, source, result = b.tensor(1), b.tensor(2), b.out().shape
    if weight.data is None or weight.data.ndim != 4 or len(source.shape) != 4 or len(result) != 4:
        raise b.refuse("needs constant weights and a value of four dimensions")
    strides = [b.option("StrideH", 1), b.option("StrideW", 1)]
    cut = [(source.shape[1 + i] - 1) * strides[i] + weight.shape[1 + i] - result[1 + i] for i in (0, 1)]
    same = b.option("Padding", 0) == 0
    first = [max(n, 0) // 2 if same else 0 for n in cut]
    last = [n - before for n, before in zip(cut, first, strict=True)]
    x = b.node("Transpose", [b.real(2)], perm=FIRST)
    y = b.node(
        "ConvTranspose",
        [x, b.weights(weight, weight.data.transpose(3, 0, 1, 2), axis=1), *([b.bias(3, 2)] if b.has(3) else [])],
        strides=strides,
        pads=[*first, *(max(n, 0) for n in last)],
        output_padding=[max(-n, 0) for n in last],
    )
    _rounding(b, source, 3)
    b.give(y, activation=b.option("FusedActivationFunction", 0), order=LAST)


def _rounding(b: Builder, source: Tensor, bias: int) -> None:
    """Say of the convolution just made how LiteRT's kernel rounds, which depends on the type of its bias."""
    if len(source.scale):
        wide = source.dtype == np.int16 and not (b.has(bias) and b.tensor(bias).dtype == np.int32)
        entry = onnx.StringStringEntryProto(key=ROUNDING, value="reduced" if wide else "twice")
        b.nodes[-1].metadata_props.append(entry)


def batch_product(b: Builder) -> None:
    """BATCH_MATMUL, either side transposed or not."""
    sides = []
    for index, option in ((0, "AdjX"), (1, "AdjY")):
        axes = list(range(len(b.tensor(index).shape)))
        turned = [*axes[:-2], axes[-1], axes[-2]]
        sides.append(b.node("Transpose", [b.real(index)], perm=turned) if b.option(option, False) else b.real(index))
    b.give(b.node("MatMul", sides))


def gelu(b: Builder) -> None:
    """GELU, exact or approximated by tanh."""
    b.give(b.node("Gelu", [b.real(0)], approximate="tanh" if b.option("Approximate", False) else "none"))


def total(b: Builder) -> None:
    """ADD_N."""
    b.give(b.node("Sum", [b.real(index) for index in range(len(b.call.inputs))]))


def select(b: Builder) -> None:
    """SELECT and SELECT_V2."""
    b.give(b.node("Where", [b.real(0), b.real(1), b.real(2)]))


def along(kind: str, **attributes: Any) -> Callable[[Builder], None]:
    """A function along the last axis."""

    def convert(b: Builder) -> None:
        b.give(b.node(kind, [b.real(0)], axis=-1, **attributes))

    return convert


def reduce_(kind: str) -> Callable[[Builder], None]:
    """MEAN, SUM and the like along constant axes."""

    def convert(b: Builder) -> None:
        b.give(b.node(kind, [b.real(0), b.ints(b.numbers(1))], keepdims=int(b.option("KeepDims", False))))

    return convert


def softmax(b: Builder) -> None:
    """SOFTMAX along the last axis."""
    value = b.real(0)
    if b.option("Beta", 1.0) != 1.0:
        value = b.node("Mul", [value, b.constant(np.asarray(b.option("Beta", 1.0), np.float32), f"op{b.index}_beta")])
    b.give(b.node("Softmax", [value], axis=-1))


def leaky(b: Builder) -> None:
    """LEAKY_RELU."""
    b.give(b.node("LeakyRelu", [b.real(0)], alpha=float(b.option("Alpha", 0.0))))


def clip(low: float, high: float) -> Callable[[Builder], None]:
    """RELU6 and RELU_N1_TO_1."""

    def convert(b: Builder) -> None:
        bounds = [b.constant(np.asarray(bound, np.float32), f"op{b.index}_bound") for bound in (low, high)]
        b.give(b.node("Clip", [b.real(0), *bounds]))

    return convert


def squared_difference(b: Builder) -> None:
    """SQUARED_DIFFERENCE and SQUARE."""
    value = b.node("Sub", [b.real(0), b.real(1)]) if b.call.kind == "SQUARED_DIFFERENCE" else b.real(0)
    b.give(b.node("Mul", [value, value]))


def rsqrt(b: Builder) -> None:
    """RSQRT."""
    b.give(b.node("Pow", [b.real(0), b.constant(np.asarray(-0.5, np.float32), f"op{b.index}_power")]))


_UNARY = {"ABS": "Abs", "CEIL": "Ceil", "COS": "Cos", "ELU": "Elu", "EXP": "Exp", "FLOOR": "Floor", "HARD_SWISH": "HardSwish"}
_UNARY |= {"LOG": "Log", "LOGICAL_NOT": "Not", "LOGISTIC": "Sigmoid", "NEG": "Neg", "RELU": "Relu", "ROUND": "Round"}
_UNARY |= {"SIGN": "Sign", "SIN": "Sin", "SQRT": "Sqrt", "TANH": "Tanh"}
_BINARY = {"ADD": "Add", "DIV": "Div", "EQUAL": "Equal", "GREATER": "Greater", "GREATER_EQUAL": "GreaterOrEqual"}
_BINARY |= {"LESS": "Less", "LESS_EQUAL": "LessOrEqual", "LOGICAL_AND": "And", "LOGICAL_OR": "Or", "MAXIMUM": "Max"}
_BINARY |= {"MINIMUM": "Min", "MUL": "Mul", "POW": "Pow", "PRELU": "PRelu", "SUB": "Sub"}
_REDUCED = {"MEAN": "ReduceMean", "REDUCE_MAX": "ReduceMax", "REDUCE_MIN": "ReduceMin", "SUM": "ReduceSum"}

OPERATORS: Mapping[str, Callable[[Builder], None]] = {
    **{name: binary(kind) for name, kind in _BINARY.items()},
    **{name: unary(kind) for name, kind in _UNARY.items()},
    **{name: reduce_(kind) for name, kind in _REDUCED.items()},
    **places.OPERATORS,
    **windows.OPERATORS,
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE"), same),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), convolution),
    **dict.fromkeys(("SELECT", "SELECT_V2"), select),
    **dict.fromkeys(("SQUARE", "SQUARED_DIFFERENCE"), squared_difference),
    "ADD_N": total,
    "BATCH_MATMUL": batch_product,
    "FULLY_CONNECTED": fully_connected,
    "GELU": gelu,
    "L2_NORMALIZATION": along("LpNormalization", p=2),
    "LEAKY_RELU": leaky,
    "LOG_SOFTMAX": along("LogSoftmax"),
    "RELU6": clip(0.0, 6.0),
    "RELU_N1_TO_1": clip(-1.0, 1.0),
    "RSQRT": rsqrt,
    "SOFTMAX": softmax,
    "TRANSPOSE_CONV": transposed_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": sequence_lstm,
}
