# SPDX-License-Identifier: Apache-2.0
"""Operators of TFLite that move elements or compute sizes, in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from codesign.compiler.model.tflite.convert import Builder

KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32, np.dtype(np.int64): TensorProto.INT64}
KINDS[np.dtype(np.bool_)] = TensorProto.BOOL


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
    b.give(b.node("Reshape", [b.real(0), b.ints(b.sizes(b.out()))]))


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
            starts[i] = 0 if step > 0 else 2**31 - 1
        if b.option("EndMask", 0) >> i & 1:
            ends[i] = 2**31 - 1 if step > 0 else -(2**31)
        if b.option("ShrinkAxisMask", 0) >> i & 1:
            starts[i] = starts[i] + shape[i] if starts[i] < 0 else starts[i]
            ends[i], steps[i] = starts[i] + 1, 1
    cut = b.node("Slice", [b.real(0), b.ints(starts), b.ints(ends), b.ints(list(range(len(starts)))), b.ints(steps)])
    gone = [i for i in range(len(starts)) if b.option("ShrinkAxisMask", 0) >> i & 1]
    b.give(b.node("Squeeze", [cut, b.ints(gone)]) if gone else cut)


def slice_(b: Builder) -> None:
    """SLICE: begin and size, −1 for all that is left."""
    starts, sizes = b.numbers(1), b.numbers(2)
    ends = [2**31 - 1 if size < 0 else start + size for start, size in zip(starts, sizes, strict=True)]
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
        b.give(b.node("Squeeze", [cut, b.ints([axis])]), index)


def pad(b: Builder) -> None:
    """PAD with zeros, PADV2 with a number, MIRROR_PAD."""
    pads = np.asarray(b.numbers(1)).reshape(-1, 2)
    widths = b.ints([*pads[:, 0].tolist(), *pads[:, 1].tolist()])
    if b.call.kind != "MIRROR_PAD":
        b.give(b.node("Pad", [b.real(0), widths, *([b.real(2)] if b.has(2) else [])]))
        return
    if b.option("Mode", 0):
        raise b.refuse("is symmetric: it repeats the edge", hint="pad by reflection")
    b.give(b.node("Pad", [b.real(0), widths], mode="reflect"))


def reverse(b: Builder) -> None:
    """REVERSE_V2."""
    axes = b.numbers(1)
    bounds = [b.ints([2**31 - 1] * len(axes)), b.ints([-(2**31)] * len(axes)), b.ints(axes), b.ints([-1] * len(axes))]
    b.give(b.node("Slice", [b.real(0), *bounds]))


def gather(b: Builder) -> None:
    """GATHER."""
    if b.option("BatchDims", 0):
        raise b.refuse("has batch dimensions")
    b.give(b.node("Gather", [b.real(0), b.real(1)], axis=b.option("Axis", 0)))


def repeated(kind: str) -> Callable[[Builder], None]:
    """TILE, BROADCAST_TO."""

    def convert(b: Builder) -> None:
        b.give(b.node(kind, [b.real(0), b.long(1)]))

    return convert


def fill(b: Builder) -> None:
    """FILL: sizes, and the number that all elements have."""
    b.give(b.node("Expand", [b.real(1), b.long(0)]))


def shape(b: Builder) -> None:
    """SHAPE."""
    cast(b, b.node("Shape", [b.real(0)]))


def cast(b: Builder, value: str = "") -> None:
    """CAST."""
    kind = KINDS.get(b.out().dtype) if b.out().dtype is not None else None
    if kind is None:
        raise b.refuse(f"gives {b.out().dtype or 'a type that is not supported'}")
    b.give(b.node("Cast", [value or b.real(0)], to=kind))


OPERATORS: dict[str, Callable[[Builder], None]] = {
    **dict.fromkeys(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"), reshape),
    **dict.fromkeys(("MIRROR_PAD", "PAD", "PADV2"), pad),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), split),
    "BROADCAST_TO": repeated("Expand"),
    "CAST": cast,
    "CONCATENATION": concatenation,
    "FILL": fill,
    "GATHER": gather,
    "PACK": pack,
    "REVERSE_V2": reverse,
    "SHAPE": shape,
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    "TILE": repeated("Tile"),
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
