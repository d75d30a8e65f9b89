# SPDX-License-Identifier: Apache-2.0
"""Operators of TFLite in ONNX. Convolutions lie [batch, height, width, channels] there, and channels first here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from codesign.compiler.model.limits import ROUNDING
from codesign.compiler.model.tflite.lstm import sequence_lstm
from codesign.compiler.model.tflite.reader import Tensor

if TYPE_CHECKING:
    from codesign.compiler.model.tflite.convert import Builder

_FIRST, _LAST = [0, 3, 1, 2], [0, 2, 3, 1]


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
    if not b.option("KeepNumDims", False) and len(b.tensor(0).shape) != 2:
        source = b.node("Reshape", [source, b.ints([-1, weight.shape[1]])])
    product = b.node("MatMul", [source, b.weights(weight, weight.data.T, axis=1 - weight.axis)])
    if b.has(2):
        product = b.node("Add", [product, b.bias(2)])
    shaped = b.node("Reshape", [product, b.ints(list(rows))]) if len(rows) != len(b.tensor(0).shape) else product
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
    first, last = [0, 0], [0, 0]
    if b.option("Padding", 0) == 0:  # SAME
        for i in (0, 1):
            size, kernel = source.shape[1 + i], (weight.shape[1 + i] - 1) * dilations[i] + 1
            total = max(0, (-(-size // strides[i]) - 1) * strides[i] + kernel - size)
            first[i], last[i] = total // 2, total - total // 2
    x = b.node("Transpose", [b.real(0)], perm=_FIRST)
    bias = [b.bias(2)] if b.has(2) else []
    y = b.node(
        "Conv",
        [x, b.weights(weight, turned, axis=0), *bias],
        strides=strides,
        dilations=dilations,
        pads=[*first, *last],
        group=groups,
    )
    _rounding(b, source, 2)
    b.give(y, activation=b.option("FusedActivationFunction", 0), order=_LAST)


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
    x = b.node("Transpose", [b.real(2)], perm=_FIRST)
    y = b.node(
        "ConvTranspose",
        [x, b.weights(weight, weight.data.transpose(3, 0, 1, 2), axis=1), *([b.bias(3, 2)] if b.has(3) else [])],
        strides=strides,
        pads=[*first, *(max(n, 0) for n in last)],
        output_padding=[max(-n, 0) for n in last],
    )
    _rounding(b, source, 3)
    b.give(y, activation=b.option("FusedActivationFunction", 0), order=_LAST)


def _rounding(b: Builder, source: Tensor, bias: int) -> None:
    """Say of the convolution just made how LiteRT's kernel rounds, which depends on the type of its bias."""
    if len(source.scale):
        wide = source.dtype == np.int16 and not (b.has(bias) and b.tensor(bias).dtype == np.int32)
        entry = onnx.StringStringEntryProto(key=ROUNDING, value="reduced" if wide else "twice")
        b.nodes[-1].metadata_props.append(entry)


def split(b: Builder) -> None:
    """SPLIT (axis, value) and SPLIT_V (value, sizes, axis)."""
    value, axis = (1, 0) if b.call.kind == "SPLIT" else (0, 2)
    at = b.numbers(axis)[0]
    at = at + len(b.tensor(value).shape) if at < 0 else at
    start = 0
    for index in range(len(b.call.outputs)):
        stop = start + b.out(index).shape[at]
        b.give(b.node("Slice", [b.real(value), b.ints([start]), b.ints([stop]), b.ints([at])]), index)
        start = stop


def concatenation(b: Builder) -> None:
    """CONCATENATION."""
    parts = [b.real(index) for index in range(len(b.call.inputs))]
    b.give(b.node("Concat", parts, axis=b.option("Axis", 0)), activation=b.option("FusedActivationFunction", 0))


def reshape(b: Builder) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: what they give says its shape."""
    b.give(b.node("Reshape", [b.real(0), b.ints(list(b.out().shape))]))


def transpose(b: Builder) -> None:
    """TRANSPOSE."""
    b.give(b.node("Transpose", [b.real(0)], perm=b.numbers(1)))


def strided_slice(b: Builder) -> None:
    """STRIDED_SLICE with begin, end and shrink masks."""
    shape = b.tensor(0).shape
    starts, ends, steps = (b.numbers(index) for index in (1, 2, 3))
    if b.option("EllipsisMask", 0) or b.option("NewAxisMask", 0) or not len(starts) == len(ends) == len(steps) <= len(shape):
        raise b.refuse("has an ellipsis, a new axis, or bounds that do not fit its input")
    for i, step in enumerate(steps):
        if b.option("BeginMask", 0) >> i & 1:
            starts[i] = 0 if step > 0 else shape[i]
        if b.option("EndMask", 0) >> i & 1:
            ends[i] = 2**31 - 1 if step > 0 else -(2**31)
        if b.option("ShrinkAxisMask", 0) >> i & 1:
            starts[i] = starts[i] + shape[i] if starts[i] < 0 else starts[i]
            ends[i], steps[i] = starts[i] + 1, 1
    cut = b.node("Slice", [b.real(0), b.ints(starts), b.ints(ends), b.ints(list(range(len(starts)))), b.ints(steps)])
    b.give(b.node("Reshape", [cut, b.ints(list(b.out().shape))]))


def slice_(b: Builder) -> None:
    """SLICE: begin and size."""
    starts, sizes = b.numbers(1), b.out().shape
    ends = [start + size for start, size in zip(starts, sizes, strict=True)]
    b.give(b.node("Slice", [b.real(0), b.ints(starts), b.ints(ends), b.ints(list(range(len(starts))))]))


def pack(b: Builder) -> None:
    """PACK: values on a new axis."""
    axis = b.option("Axis", 0)
    axis = axis + len(b.out().shape) if axis < 0 else axis
    parts = [b.node("Unsqueeze", [b.real(index), b.ints([axis])]) for index in range(len(b.call.inputs))]
    b.give(b.node("Concat", parts, axis=axis))


def unpack(b: Builder) -> None:
    """UNPACK: one value for each place along an axis."""
    axis = b.option("Axis", 0)
    axis = axis + len(b.tensor(0).shape) if axis < 0 else axis
    for index in range(len(b.call.outputs)):
        cut = b.node("Slice", [b.real(0), b.ints([index]), b.ints([index + 1]), b.ints([axis])])
        b.give(b.node("Reshape", [cut, b.ints(list(b.out(index).shape))]), index)


def pad(b: Builder) -> None:
    """PAD with zeros."""
    pads = np.asarray(b.numbers(1)).reshape(-1, 2)
    b.give(b.node("Pad", [b.real(0), b.ints([*pads[:, 0].tolist(), *pads[:, 1].tolist()])]))


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


OPERATORS: Mapping[str, Callable[[Builder], None]] = {
    **{name: binary(kind) for name, kind in (("ADD", "Add"), ("SUB", "Sub"), ("MUL", "Mul"), ("DIV", "Div"), ("POW", "Pow"))},
    **{name: binary(kind) for name, kind in (("MAXIMUM", "Max"), ("MINIMUM", "Min"), ("PRELU", "PRelu"))},
    **{name: unary(kind) for name, kind in (("LOGISTIC", "Sigmoid"), ("TANH", "Tanh"), ("RELU", "Relu"), ("EXP", "Exp"))},
    **{name: unary(kind) for name, kind in (("LOG", "Log"), ("SQRT", "Sqrt"), ("ABS", "Abs"), ("NEG", "Neg"))},
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE"), same),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), reshape),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), convolution),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), split),
    **dict.fromkeys(("SQUARE", "SQUARED_DIFFERENCE"), squared_difference),
    "CONCATENATION": concatenation,
    "ELU": unary("Elu"),
    "FULLY_CONNECTED": fully_connected,
    "HARD_SWISH": unary("HardSwish"),
    "LEAKY_RELU": leaky,
    "MEAN": reduce_("ReduceMean"),
    "PACK": pack,
    "PAD": pad,
    "REDUCE_MAX": reduce_("ReduceMax"),
    "RELU6": clip(0.0, 6.0),
    "RELU_N1_TO_1": clip(-1.0, 1.0),
    "RSQRT": rsqrt,
    "SLICE": slice_,
    "SOFTMAX": softmax,
    "STRIDED_SLICE": strided_slice,
    "SUM": reduce_("ReduceSum"),
    "TRANSPOSE": transpose,
    "TRANSPOSE_CONV": transposed_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": sequence_lstm,
    "UNPACK": unpack,
}
