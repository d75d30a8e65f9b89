# SPDX-License-Identifier: Apache-2.0
"""Convolutions as TFLite operators: channels go last and come back, zeros around the source are a PAD."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from codesign.compiler.export.elements import padded
from codesign.compiler.export.writer import Handle, Writer
from codesign.compiler.operators import Conv, ConvTranspose
from codesign.compiler.operators.convolution import Convolution

_VALID = 1


def conv(w: Writer, op: Conv) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D where every channel has weights of its own."""
    name, activation = w.activation(op.output)
    source, weight, scale = _prepared(w, op, name)
    source = padded(w, source, (*_two(op.before, 0), 0), (*_two(op.after, 0), 0))
    depthwise = op.groups > 1 and op.groups == source.shape[2]
    stride, dilation = _two(op.stride, 1), _two(op.dilation, 1)
    values = {"padding": _VALID, "strideH": stride[0], "strideW": stride[1], "fusedActivationFunction": activation}
    values |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    if depthwise:
        values["depthMultiplier"] = len(weight) // op.groups
        more = [w.flat.constant(f"{op.name}/weights", weight[:, 0].transpose(1, 2, 0)[None], scale.tolist(), axis=3)]
        more.append(w.bias(op.bias, source, scale))
        kind, options, version = "DEPTHWISE_CONV_2D", "DepthwiseConv2D", 5
    else:
        more = [w.flat.constant(f"{op.name}/weights", np.ascontiguousarray(weight.transpose(0, 2, 3, 1)), scale.tolist())]
        more.append(w.bias(op.bias, source, scale))
        kind, options, version = "CONV_2D", "Conv2D", 5 if op.groups == 1 else 6
    _finish(w, op, name, kind, options, version, source, more, values)


def conv_transpose(w: Writer, op: ConvTranspose) -> None:
    """TRANSPOSE_CONV of the whole result, of which a slice stays."""
    name, activation = w.activation(op.output)
    if op.groups != 1 or any(d != 1 for d in op.dilation) or any(op.more):
        raise w.refuse(op, "with groups, dilations or output padding has no form in TFLite")
    source, weight, scale = _prepared(w, op, name)
    stride, kernel = _two(op.stride, 1), weight.shape[2:]
    full = tuple((n - 1) * s + k for n, s, k in zip(source.shape[:2], stride, kernel, strict=True))
    weights = w.flat.constant(f"{op.name}/weights", np.ascontiguousarray(weight.transpose(0, 2, 3, 1)), scale.tolist())
    inputs = [w.ints(1, *full, len(weight)), weights, source.tensor, w.bias(op.bias, source, scale)]
    result = w.new((*full, len(weight)), w.result_quant(op, name))
    values = {"padding": _VALID, "strideH": stride[0], "strideW": stride[1], "fusedActivationFunction": activation}
    w.flat.operator("TRANSPOSE_CONV", inputs, [result.tensor], 4, "TransposeConv", **values)
    before, after = _two(op.before, 0), _two(op.after, 0)
    kept = (*(n - a - b for n, a, b in zip(full, before, after, strict=True)), len(weight))
    if kept != result.shape:
        places = [w.ints(0, *before, 0), w.ints(1, *kept)]
        result = w.apply("SLICE", [result], kept, result.quant, 2, "Slice", places)
    _back(w, op, name, result)


def _prepared(w: Writer, op: Convolution, name: str) -> tuple[Handle, npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """The source with its channels last and four axes, int8 weights (outputs, inputs, height, width), and their scales."""
    if op.weight.quantized is None or op.weight.scale is None:
        raise w.refuse(op, "has weights that are not int8")
    source, quant = w.values[op.source], w.result_quant(op, name)
    source = w.wide(source) if quant.bits == 16 else source
    if source.quant.bits != quant.bits:
        raise w.refuse(op, "of int16 to int8 has no form in TFLite")
    channels, *sizes = source.shape
    whole = w.reshaped(source, (channels, 1, *sizes) if len(sizes) == 1 else source.shape)
    height, width = whole.shape[1:]
    last = w.apply("TRANSPOSE", [whole], (height, width, channels), whole.quant, 5, "Transpose", [w.ints(0, 2, 3, 1)])
    kernel = (1, *op.kernel) if len(op.kernel) == 1 else op.kernel
    return last, op.weight.quantized.reshape(len(op.bias), -1, *kernel), op.weight.scale.astype(np.float32)


def _finish(
    w: Writer,
    op: Convolution,
    name: str,
    kind: str,
    options: str,
    version: int,
    source: Handle,
    more: list[int],
    values: dict[str, int],
) -> None:
    shape = w.graph.shapes[op.output]
    height, width = (1, shape[1]) if len(shape) == 2 else shape[1:]
    quant = w.result_quant(op, name)
    _back(w, op, name, w.apply(kind, [source], (height, width, shape[0]), quant, version, options, more, **values))


def _back(w: Writer, op: Convolution, name: str, result: Handle) -> None:
    """Channels first again."""
    height, width, channels = result.shape
    order = [w.ints(0, 3, 1, 2)]
    first = w.apply("TRANSPOSE", [result], (channels, height, width), result.quant, 5, "Transpose", order)
    shape = w.graph.shapes[op.output]
    assert math.prod(shape) == math.prod(first.shape), "the shape that the graph has"
    w.give(name, w.reshaped(first, shape))


def _two(numbers: tuple[int, ...], missing: int) -> tuple[int, int]:
    """Of height and width, where a convolution over one axis has none for the height."""
    return (missing, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
