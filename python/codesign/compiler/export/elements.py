# SPDX-License-Identifier: Apache-2.0
"""Linear layers, element-wise functions and operations, means and layout as TFLite operators."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from codesign.compiler.export.writer import UNIT, Handle, Writer
from codesign.compiler.model.graph import Quant
from codesign.compiler.operators import Activation, Binary, Concat, Linear, Mean, Slice, View
from codesign.compiler.operators.pad import Pad
from codesign.compiler.operators.prelu import Prelu
from codesign.compiler.operators.scales import LOGIT
from codesign.compiler.operators.transpose import Transpose

_BINARY = {"add": "ADD", "subtract": "SUB", "multiply": "MUL", "minimum": "MINIMUM", "maximum": "MAXIMUM"}
_FUNCTIONS = {"relu": ("RELU", 2, ""), "exp": ("EXP", 2, "Exp"), "log": ("LOG", 2, ""), "sqrt": ("SQRT", 2, ""),
              "abs": ("ABS", 3, "Abs"), "hardswish": ("HARD_SWISH", 1, "HardSwish")}  # fmt: skip
_WIDE_TOO = ("relu", "abs")
_CLIPS = {(0.0, math.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}


def linear(w: Writer, op: Linear) -> None:
    """FULLY_CONNECTED; before a sigmoid or tanh in int16, whose argument is Q3.12."""
    name, activation = w.activation(op.output)
    follower, source = w.graph.follower(op.output), w.values[op.source]
    before_table = follower is not None and follower.table is not None and name not in w.graph.quants
    quant = LOGIT if before_table else w.quant(name) or (UNIT if name == w.graph.output else w.result_quant(op, name))
    if source.quant.bits != quant.bits:
        source = w.wide(source)
    own = quant if quant.bits == source.quant.bits else _between(quant)
    result = w.linear(source, op.weight, op.bias, own, activation)
    w.give(name, w.requantized(result, quant))


def _between(quant: Quant) -> Quant:
    """The int16 that holds all of an int8 value."""
    return Quant(float(np.float32(quant.scale * (128 + abs(quant.zero_point)) / 32767)), 0, 16)


def curve(w: Writer, table: str, source: Handle) -> Handle:
    """LOGISTIC or TANH, whose results have fixed scales."""
    kind = {"sigmoid": "LOGISTIC", "tanh": "TANH"}[table]
    narrow = Quant(2.0**-8, -128, 8) if table == "sigmoid" else Quant(2.0**-7, 0, 8)
    quant = UNIT if source.quant.bits == 16 else narrow
    return w.apply(kind, [source], source.shape, quant, 3 if source.quant.bits == 16 else 2)


def activation(w: Writer, op: Activation) -> None:
    """A function of one value."""
    source, quant = w.values[op.source], w.result_quant(op, op.output)
    if op.table is not None or op.kind == "silu":
        source = w.wide(source) if quant.bits == 16 else source
        found = curve(w, op.table or "sigmoid", source)
        if op.kind == "silu":
            own = quant if quant.bits == source.quant.bits else _between(quant)
            found = w.apply("MUL", [source, found], source.shape, own, 2, "Mul")
        w.give(op.output, w.requantized(found, quant))
        return
    bits = max(source.quant.bits, quant.bits)
    source = w.wide(source) if bits == 16 else source
    own = quant if quant.bits == bits else _between(quant)
    if op.kind == "clip" and op.clamp in _CLIPS:
        found = w.apply(_CLIPS[op.clamp], [source], source.shape, own, 2 if op.clamp[0] == 0.0 else 1)
    elif op.kind in ("leakyrelu", "prelu"):
        found = w.apply("LEAKY_RELU", [source], source.shape, own, 2, "LeakyRelu", alpha=float(op.parameters[0]))
    elif op.kind in _FUNCTIONS and (bits == 8 or op.kind in _WIDE_TOO):
        kind, version, options = _FUNCTIONS[op.kind]
        found = w.apply(kind, [source], source.shape, own, version, options)
    else:
        raise w.refuse(op, f"of int{bits} has no form in TFLite")
    w.give(op.output, w.requantized(found, quant))


def prelu(w: Writer, op: Prelu) -> None:
    """PRELU of int8."""
    source, quant = w.values[op.source], w.result_quant(op, op.output)
    if source.quant.bits != 8 or quant.bits != 8:
        raise w.refuse(op, "of int16 has no form in TFLite")
    slopes = w.element_constant(op.factors.reshape((1,) * (len(source.shape) - op.factors.ndim) + op.factors.shape), 8)
    w.give(op.output, w.apply("PRELU", [source, slopes], source.shape, quant, 1))


def binary(w: Writer, op: Binary) -> None:
    """ADD, SUB, MUL, MINIMUM, MAXIMUM."""
    name, clamp = w.activation(op.output)
    quant = w.result_quant(op, name)
    known = [w.values[source] for source in op.sources]
    bits = max([quant.bits, *(handle.quant.bits for handle in known)])
    own = quant if quant.bits == bits else _between(quant)
    sides = [w.wide(handle) if bits == 16 else handle for handle in known]
    if op.constant is not None:
        sides.insert(0 if not op.left else 1, w.element_constant(op.constant, bits))
    kind, shape = _BINARY[op.operation], w.graph.shapes[op.output]
    if op.operation in ("minimum", "maximum"):
        if op.constant is not None or clamp:
            raise w.refuse(op, "with a constant has no form in TFLite")
        found = w.apply(kind, [w.requantized(side, own) for side in sides], shape, own, 2, "MaximumMinimum")
    else:
        values: dict[str, Any] = {"fusedActivationFunction": clamp} | ({} if kind == "MUL" else {"potScaleInt16": False})
        found = w.apply(kind, sides, shape, own, 2, kind.capitalize(), **values)
    w.give(name, w.requantized(found, quant))


def mean(w: Writer, op: Mean) -> None:
    """MEAN."""
    source, quant = w.values[op.source], w.result_quant(op, op.output)
    if op.squares or source.quant.bits != quant.bits:
        raise w.refuse(op)
    axes = w.ints(*(axis + 1 for axis in op.axes))
    w.give(op.output, w.apply("MEAN", [source], w.graph.shapes[op.output], quant, 3, "Reducer", [axes], keepDims=True))


def view(w: Writer, op: View) -> None:
    """RESHAPE."""
    w.give(op.output, w.reshaped(w.values[op.source], w.graph.shapes[op.output]))


def transpose(w: Writer, op: Transpose) -> None:
    """TRANSPOSE."""
    source = w.values[op.source]
    order = w.ints(0, *(axis + 1 for axis in op.order))
    shape = w.graph.shapes[op.output]
    w.give(op.output, w.apply("TRANSPOSE", [source], shape, source.quant, 5, "Transpose", [order]))


def slice_(w: Writer, op: Slice) -> None:
    """STRIDED_SLICE."""
    source, axis = w.values[op.source], op.axis + 1
    rank = len(source.shape) + 1
    first, last, steps = [0] * rank, [1, *source.shape], [1] * rank
    first[axis], last[axis], steps[axis] = op.start, op.stop, op.step
    bounds = [w.ints(*numbers) for numbers in (first, last, steps)]
    mask = 1 << axis if op.stop < 0 else 0
    shape = w.graph.shapes[op.output]
    w.give(op.output, w.apply("STRIDED_SLICE", [source], shape, source.quant, 2, "StridedSlice", bounds, endMask=mask))


def concat(w: Writer, op: Concat) -> None:
    """CONCATENATION of values in the same integers."""
    parts = [w.values[name] for name in op.inputs]
    quant = w.graph.quants.get(op.output) or parts[0].quant
    same = [w.requantized(part, quant) for part in parts]
    w.give(op.output, w.apply("CONCATENATION", same, w.graph.shapes[op.output], quant, 2, "Concatenation", axis=op.axis + 1))


def pad(w: Writer, op: Pad) -> None:
    """PAD."""
    w.give(op.output, padded(w, w.values[op.source], op.before, op.after))


def padded(w: Writer, source: Handle, before: tuple[int, ...], after: tuple[int, ...]) -> Handle:
    """Zeros around a value."""
    if not any(before) and not any(after):
        return source
    w.made += 1
    widths = np.array([(0, 0), *zip(before, after, strict=True)], np.int32)
    shape = tuple(n + a + b for n, a, b in zip(source.shape, before, after, strict=True))
    return w.apply("PAD", [source], shape, source.quant, 1, "Pad", [w.flat.constant(f"widths{w.made}", widths)])
