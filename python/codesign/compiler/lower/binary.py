# SPDX-License-Identifier: Apache-2.0
"""Two quantized operands and what is done with them → Binary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Value
from codesign.compiler.layers.binary import Binary, Four, Operand, Operation
from codesign.compiler.layers.binary16 import FEW_BITS, PRODUCT_BITS, SUM_BITS, Binary16
from codesign.compiler.layers.value import Dtype
from codesign.compiler.lower.constants import QUANTIZE_HINT, quantized_multiplier, rne
from codesign.compiler.lower.rows import FULL, limits
from codesign.compiler.model.graph import Quant

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.binary import Binary as BinaryOperator

_DIMENSIONS = 4
_KEPT_BITS = {"int8": 20, "int16": 15}
_LEAST_BITS = 16
"""Least bits of a product's multiplier, so that it is the ratio of the scales within 2^-17; a sum smaller than that is none."""


@dataclass(frozen=True)
class Side:
    """An operand: its value with the shape that it has, and its integers, flat, where it is a constant."""

    value: Value
    shape: tuple[int, ...]
    constant: npt.NDArray[np.int64] | None = None


def constant_side(real: npt.NDArray[np.float64], dtype: Dtype) -> Side:
    """A constant of real numbers of any shape, symmetric, with the scale that just holds them.

    Raises InputError for numbers that are not finite.
    """
    if not np.isfinite(real).all():
        raise InputError("a constant operand must be finite")
    scale = (float(np.abs(real).max(initial=0.0)) or 1.0) / FULL[dtype]
    value = Value("", real.size, dtype, scale)
    return Side(value, real.shape, np.rint(real / scale).astype(np.int64).reshape(-1))


def _stored_side(real: npt.NDArray[np.float64], quant: Quant) -> Side:
    """A constant as the file has it."""
    value = Value("", real.size, "int8" if quant.bits == 8 else "int16", quant.scale, quant.zero_point, full=True)
    integers = np.rint(real / quant.scale).astype(np.int64) + quant.zero_point
    return Side(value, real.shape, integers.reshape(-1))


def least_scale(operation: Operation, operands: Sequence[tuple[float, int]]) -> float:
    """The finest scale of a result that its kernel can give, from the scale and the bits of each operand.

    A product must stay within 2^30 steps. Operands of a sum are first rounded to a part of the coarser scale: two such parts
    are a step, so that the result is within one.
    """
    scales = [scale for scale, _ in operands]
    if operation == "multiply":
        return 1.01 * math.prod(scale * 2.0 ** (bits - 1) for scale, bits in operands) / 2.0**30
    kept = _KEPT_BITS["int16" if max(bits for _, bits in operands) == 16 else "int8"]
    return 4.0 * max(scales) / 2.0**kept


def lower_binary(context: Context, op: BinaryOperator) -> None:
    """Append the layer of `op`; constants are int16, whatever the values are."""
    sides = []
    for name in (op.left, op.right):
        if name:
            sides.append(Side(context.source(op.name, name), context.graph.shapes[name]))
        else:
            assert op.constant is not None
            own = op.constant_quant if context.tflite else None
            sides.append(constant_side(op.constant, "int16") if own is None else _stored_side(op.constant, own))
    follower, bounds, result = context.graph.follower(op.output), (-math.inf, math.inf), op.output
    if follower is not None and follower.clamp is not None and context.quant(op.output) is None:
        context.done.add(follower.name)
        bounds, (result,) = follower.clamp, follower.outputs
    output = context.add_value(result, context.known_quant(op.name, result))
    left, right = sides
    apart = context.tflite or bounds != (-math.inf, math.inf)
    once = None if apart else rounded_once(op.name, op.operation, left, right, output)
    context.layers.append(once or binary_of(op.name, op.operation, left, right, output, *bounds))


def rounded_once(name: str, operation: Operation, left: Side, right: Side, output: Value) -> Binary16 | None:
    """The layer left ∘ right → `output` in the cheaper arithmetic that int16 has for sums, differences and products; None for
    other operations, types and scales. Raises InputError as `binary_of`.
    """
    values = (left.value, right.value, output)
    if operation in ("minimum", "maximum") or any(value.dtype != "int16" or value.zero_point for value in values):
        return None
    ratios = [value.scale / output.scale for value in (left.value, right.value)]
    factors, product, kept = [0, 0], 0, SUM_BITS
    if operation == "multiply":
        real = left.value.scale * ratios[1] * 2.0**32
        kept = PRODUCT_BITS if real * 2.0**PRODUCT_BITS < 2**31 - 1 else FEW_BITS
        if not 2.0**_LEAST_BITS <= real * 2.0**kept < 2**31 - 1:
            return None
        product = rne(real * 2.0**kept)
    else:
        if not 2.0**-_LEAST_BITS <= sum(ratios) < 2.0 ** (15 - SUM_BITS) - 0.1:
            return None
        factors = [rne(ratio * 2.0 ** (16 + SUM_BITS)) for ratio in ratios]
        if operation == "subtract":
            factors[1] = -factors[1]
    plain = binary_of(name, operation, left, right, output)
    one, other = (replace(operand, multiplier=m) for operand, m in zip(plain.operands, factors, strict=True))
    if operation == "multiply" and one.strides[-1] == 0:  # the kernel repeats the right one
        one, other = other, one
    return Binary16(
        name=name,
        operation="multiply" if operation == "multiply" else "add",
        left=one,
        right=other,
        output=output.name,
        shape=plain.shape,
        multiplier=product,
        bits=kept,
    )


def binary_of(
    name: str,
    operation: Operation,
    left: Side,
    right: Side,
    output: Value,
    low: float = -math.inf,
    high: float = math.inf,
) -> Binary:
    """The layer left ∘ right → `output` of the shape to which NumPy broadcasts both, clamped to low … high.

    Raises InputError for shapes that do not broadcast, take more than four dimensions, or give another size than `output`,
    and for scales so far apart that the result could overflow.
    """
    sides = (left, right)
    try:
        shape = np.broadcast_shapes(left.shape, right.shape)
    except ValueError:
        raise InputError(f"{name}: shapes {list(left.shape)} and {list(right.shape)} do not broadcast") from None
    if math.prod(shape) != output.size or any(math.prod(s.shape) != s.value.size for s in sides):
        shapes = f"shapes {list(left.shape)} and {list(right.shape)}"
        raise InputError(f"{name}: {shapes} do not give the {output.size} elements of '{output.name}'")
    merged, strides = _merged(name, shape, [_strides(side.shape, shape) for side in sides])
    kept = _KEPT_BITS["int16" if "int16" in (left.value.dtype, right.value.dtype) else "int8"]
    widest = 2.0 * max(left.value.scale, right.value.scale)
    numbers = [quantized_multiplier(side.value.scale / widest) for side in sides]
    if operation == "multiply":
        one, other, result = (np.float32(v.scale) for v in (left.value, right.value, output))
        ratio = float(one * other / result)  # in float32, as TFLite
        reach = math.prod(side.value.span for side in sides)
    else:
        ratio = widest / (2.0**kept * output.scale)
        reaches = (s.value.span * s.value.scale / widest for s in sides)
        reach = math.ceil(sum(reaches) * 2.0**kept) + 2
    if not math.isfinite(ratio) or not reach * ratio < 2**30:
        raise InputError(f"{name}: scale {output.scale:g} of '{output.name}' is too small for its operands", hint=QUANTIZE_HINT)
    multiplier, shift = quantized_multiplier(ratio)
    first, last = limits(output, low, high)
    operands = [
        Operand(
            name=side.value.name,
            constant=None if side.constant is None else side.constant.astype(side.value.dtype),
            wide=side.value.dtype == "int16",
            zero_point=side.value.zero_point,
            multiplier=m,
            shift=s,
            strides=stride,
        )
        for side, (m, s), stride in zip(sides, numbers, strides, strict=True)
    ]
    return Binary(
        name=name,
        operation=operation,
        left=operands[0],
        right=operands[1],
        output=output.name,
        shape=merged,
        left_shift=kept,
        multiplier=multiplier,
        shift=shift,
        zero_point=output.zero_point,
        low=first,
        high=last,
        wide=output.dtype == "int16",
    )


def _strides(shape: tuple[int, ...], of: tuple[int, ...]) -> list[int]:
    """Of a row-major operand in each dimension of the broadcast shape; 0 where it repeats."""
    padded = (1,) * (len(of) - len(shape)) + shape
    steps = [math.prod(padded[i + 1 :]) for i in range(len(padded))]
    return [0 if n == 1 else step for n, step in zip(padded, steps, strict=True)]


def _merged(name: str, shape: tuple[int, ...], strides: list[list[int]]) -> tuple[Four, list[Four]]:
    """Dimensions that both operands run through in one go as one; then filled up with 1 in front to four."""
    sizes: list[int] = []
    kept: list[list[int]] = [[] for _ in strides]
    for n, steps in zip(shape, zip(*strides, strict=True), strict=True):
        if n == 1:
            continue
        if sizes and all(own[-1] == step * n for own, step in zip(kept, steps, strict=True)):
            sizes[-1] *= n
            for own, step in zip(kept, steps, strict=True):
                own[-1] = step
        else:
            sizes.append(n)
            for own, step in zip(kept, steps, strict=True):
                own.append(step)
    if len(sizes) > _DIMENSIONS:
        raise InputError(f"{name}: broadcasting over {len(sizes)} dimensions, the layer has {_DIMENSIONS}")
    front = _DIMENSIONS - len(sizes)
    return cast("Four", (*(1,) * front, *sizes)), [cast("Four", (*(0,) * front, *own)) for own in kept]
