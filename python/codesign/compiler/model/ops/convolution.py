# SPDX-License-Identifier: Apache-2.0
"""Conv and ConvTranspose with constant weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.convolution import transposed_weights
from codesign.compiler.model.ops.step import Step, check_magnitude, matrix_of
from codesign.compiler.model.ops.view import operation, viewed
from codesign.compiler.model.terms import Constant
from codesign.compiler.operators import Conv, ConvTranspose
from codesign.compiler.operators.convolution import Convolution

_MOST_AXES = 2


def conv(step: Step) -> None:
    """Conv over one axis or two."""
    constant, kernel = _kernel(step)
    numbers = _numbers(step, len(kernel))
    sizes = step.shape(step.node.input[0])[2:]
    before, after = _same_pads(step, sizes, kernel, numbers) or numbers["pads"]
    groups = int(step.attribute("group", 1))
    matrix = matrix_of(step, constant, constant.values.reshape(constant.values.shape[0], -1), transpose=False)
    bias = _bias(step, len(matrix.values))
    _give(step, Conv("", "", "", matrix, bias, kernel, numbers["strides"], numbers["dilations"], before, after, groups))


def conv_transpose(step: Step) -> None:
    """ConvTranspose over one axis or two."""
    constant, kernel = _kernel(step)
    numbers, groups = _numbers(step, len(kernel)), int(step.attribute("group", 1))
    if groups < 1 or constant.values.shape[0] % groups:
        raise step.refuse(f"has {constant.values.shape[0]} channels in {groups} groups")

    def turned(array: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        return None if array is None else transposed_weights(array.reshape(constant.values.shape), groups)

    values, quantized, scale = turned(constant.values), turned(constant.quantized), turned(constant.scale)
    assert values is not None, "a constant has values"
    changed = Constant(constant.name, constant.size, values=values, quantized=quantized, scale=scale, dtype=constant.dtype)
    matrix = matrix_of(step, changed, values.reshape(len(values), -1), transpose=False)
    sizes, results = step.shape(step.node.input[0])[2:], step.shape(step.name())[2:]
    strides, dilations = numbers["strides"], numbers["dilations"]
    reach = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(sizes, strides, dilations, kernel, strict=True)]
    before, after = numbers["pads"]
    more = tuple(int(n) for n in step.attribute("output_padding", [0] * len(kernel)))
    if step.attribute("output_shape") or step.attribute("auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER"):
        cut = [r + m - n for r, m, n in zip(reach, more, results, strict=True)]
        if min(cut) < 0:
            raise step.refuse(f"has {list(results)} results, its source reaches {reach}")
        lower = step.attribute("auto_pad", b"NOTSET") != b"SAME_UPPER"
        before = tuple(n - n // 2 if lower else n // 2 for n in cut)
        after = tuple(n - first for n, first in zip(cut, before, strict=True))
    bias = _bias(step, len(matrix.values))
    _give(step, ConvTranspose("", "", "", matrix, bias, kernel, strides, dilations, before, after, groups, more=more))


def _kernel(step: Step) -> tuple[Constant, tuple[int, ...]]:
    """The weights and the sizes of the kernel."""
    constant, dims = step.constant(1, "the kernel"), step.shape(step.node.input[0])
    kernel = tuple(int(n) for n in constant.values.shape[2:])
    if not 1 <= len(kernel) <= _MOST_AXES:
        raise step.refuse(f"convolves over {len(kernel)} axes, one or two are expected")
    if dims[0] != 1:
        raise step.refuse(f"has a batch of {dims[0]}, one is expected")
    return constant, kernel


def _numbers(step: Step, axes: int) -> dict[str, Any]:
    found = {name: tuple(int(n) for n in step.attribute(name, [1] * axes)) for name in ("strides", "dilations")}
    pads = [int(n) for n in step.attribute("pads", [0] * 2 * axes)]
    if any(len(numbers) != axes or min(numbers) < 1 for numbers in found.values()) or len(pads) != 2 * axes or min(pads) < 0:
        raise step.refuse(f"has strides, dilations or pads that do not fit {axes} axes")
    return {**found, "pads": (tuple(pads[:axes]), tuple(pads[axes:]))}


def _same_pads(
    step: Step, sizes: Sequence[int], kernel: Sequence[int], numbers: dict[str, Any]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """What auto_pad says."""
    kind = step.attribute("auto_pad", b"NOTSET")
    if kind not in (b"SAME_UPPER", b"SAME_LOWER"):
        return None if kind == b"NOTSET" else ((0,) * len(kernel), (0,) * len(kernel))
    before, after = [], []
    for n, k, stride, dilation in zip(sizes, kernel, numbers["strides"], numbers["dilations"], strict=True):
        total = max((math.ceil(n / stride) - 1) * stride + dilation * (k - 1) + 1 - n, 0)
        first = total // 2 if kind == b"SAME_UPPER" else total - total // 2
        before.append(first)
        after.append(total - first)
    return tuple(before), tuple(after)


def _bias(step: Step, outputs: int) -> npt.NDArray[np.float64]:
    if not step.has(2):
        return np.zeros(outputs)
    constant = step.constant(2, "the bias")
    check_magnitude(step, constant)
    return constant.values.ravel().astype(np.float64)


def _give(step: Step, operator: Convolution) -> None:
    operator = replace(operator, rounding=step.rounding if step.build.tflite else "once")
    dims, term = step.shape(step.node.input[0]), step.term(0)
    if isinstance(term, Constant):
        raise step.refuse("has only constant inputs")
    whole = viewed(step, term, tuple(dims[1:]), f"{step.name()}:full")
    result = operation(step, operator, whole, step.shape(step.name())[1:], step.name())
    step.give(viewed(step, result, step.output_shape(), step.name()))


_NOTE = "over one axis or two; constant weights; any kernel, stride, dilation, groups and pads"
OPERATORS = {"Conv": (conv, _NOTE), "ConvTranspose": (conv_transpose, _NOTE)}
