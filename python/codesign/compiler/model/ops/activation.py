# SPDX-License-Identifier: Apache-2.0
"""Clip, and the functions of one number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from codesign.compiler.model.ops.step import Step, check_magnitude
from codesign.compiler.model.ops.view import applied, viewed, whole
from codesign.compiler.model.terms import Constant, Function, LstmOperator, Operation, Term
from codesign.compiler.operators import Prelu
from codesign.compiler.operators.curve import Expression
from codesign.compiler.operators.functions import FUNCTIONS
from codesign.compiler.operators.recurrent import Recurrent


def function(step: Step) -> None:
    """A function of operators.functions."""
    source, kind = step.term(0), step.node.op_type.lower()
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    if FUNCTIONS[kind].constant:
        parameters: tuple[float, ...] = (step.scalar(1, "its second input"),)
    else:
        parameters = tuple(float(step.attribute(*item)) for item in (FUNCTIONS[kind].attributes or {}).items())
    curve = _gelu_by_tanh() if kind == "gelu" and step.attribute("approximate", b"none") == b"tanh" else None
    if curve is not None:
        kind = "curve"
    step.give(Function(step.name(), source.extent, step.display, kind=kind, source=source, parameters=parameters, curve=curve))


def _gelu_by_tanh() -> Expression:
    """0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))), as ONNX has it."""
    x, inner = Expression("x"), Expression("number", parameters=(0.044715,))
    cubed = Expression("Mul", (inner, Expression("pow", (x,), (3.0,))))
    factor = Expression("number", parameters=(math.sqrt(2 / math.pi),))
    curved = Expression("tanh", (Expression("Mul", (factor, Expression("Add", (x, cubed)))),))
    half = Expression("Mul", (Expression("number", parameters=(0.5,)), x))
    return Expression("Mul", (half, Expression("Add", (Expression("number", parameters=(1.0,)), curved))))


def prelu(step: Step) -> None:
    """PRelu: one slope for all, or one for each index along an axis."""
    slope, source = step.constant(1, "the slope"), step.term(0)
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    values = slope.values
    if not step.build.tflite and values.size and (values == values.ravel()[0]).all():
        step.give(_scalar(step, source, float(values.ravel()[0])))
        return
    check_magnitude(step, slope)
    dims = step.shape(step.node.input[0])
    padded = values.reshape((1,) * (len(dims) - values.ndim) + values.shape)
    if sum(n != 1 for n in padded.shape) > 1:
        raise step.refuse(f"has slopes of shape {list(values.shape)}", hint="one slope, or one along one axis")
    shape = source.shape if source.shape == (source.size,) else whole(dims)
    own = padded.ravel() if len(shape) == 1 else padded.reshape(padded.shape[len(dims) - len(shape) :])
    applied(step, Prelu("", "", "", own, slope.quant), shape, viewed(step, source, shape, f"{step.name()}:source"))


def _scalar(step: Step, source: Term, slope: float) -> Function:
    return Function(step.name(), source.extent, step.display, kind="prelu", source=source, parameters=(slope,))


def clip(step: Step) -> None:
    """Clip with constant bounds."""
    source = step.term(0)
    low = step.scalar(1, "the lower bound") if step.has(1) else float("-inf")
    high = step.scalar(2, "the upper bound") if step.has(2) else float("inf")
    if _clips_cell(step, source, low, high):
        step.give(source)
        return
    if isinstance(source, Constant) or not low < high:
        raise step.refuse(f"clips to {low:g} … {high:g}, which leaves nothing to compute")
    step.give(Function(step.name(), source.extent, step.display, kind="clip", source=source, low=low, high=high))


def _clips_cell(step: Step, source: Term, low: float, high: float) -> bool:
    """Whether it keeps an LSTM's new cell state within limits, so wide that tanh does not tell: then its layer does that."""
    if low != -high or not _LEAST_CELL <= high < float("inf") or source.name in step.build.quants:
        return False
    if isinstance(source, LstmOperator) and source.is_cell:
        for term in step.build.terms.values():
            if isinstance(term, LstmOperator) and term.key == source.key:
                term.cell_clip = high
        return True
    call = source.call if isinstance(source, Operation) else None
    if call is None or not isinstance(call.operator, Recurrent) or call.results[-1] is not source or len(call.results) < 2:
        return False
    call.operator = replace(call.operator, cell_clip=high)
    return call.operator.kind == "lstm"


_LEAST_CELL = 8.0
_NOTES = {
    "Gelu": "table; exact or approximated by tanh",
    "LeakyRelu": "table; after a convolution it costs nothing",
    "Log": "table; of a spectrum's sizes in float32",
    "Pow": "table; a constant exponent; below 1 of a spectrum's sizes in float32",
    "Relu": "after a linear layer or a convolution it costs nothing",
    "Sigmoid": "int16 table after a linear layer, int8 table elsewhere; gate of an LSTM",
    "Tanh": "int16 table after a linear layer, int8 table elsewhere; part of an LSTM",
}
_FUNCTIONS: dict[str, tuple[Callable[[Step], None], str]] = {
    f.operator: (function, _NOTES.get(f.operator, "table")) for f in FUNCTIONS.values() if f.operator not in ("", "PRelu")
}
OPERATORS = {
    **_FUNCTIONS,
    "Clip": (clip, "constant bounds; after a linear layer or a convolution it costs nothing"),
    "PRelu": (prelu, "one slope for all elements or one for each channel; after a convolution it costs nothing"),
}
