# SPDX-License-Identifier: Apache-2.0
"""Clip, and the functions of one number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codesign.compiler.model.ops.step import Step, check_magnitude
from codesign.compiler.model.terms import Constant, Function
from codesign.compiler.operators import Prelu
from codesign.compiler.operators.functions import FUNCTIONS


def function(step: Step) -> None:
    """A function of operators.functions."""
    source, kind = step.term(0), step.node.op_type.lower()
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    if FUNCTIONS[kind].constant:
        parameters: tuple[float, ...] = (step.scalar(1, "its second input"),)
    else:
        parameters = tuple(float(step.attribute(*item)) for item in (FUNCTIONS[kind].attributes or {}).items())
    if step.node.op_type == "Gelu" and step.attribute("approximate", b"none") != b"none":
        raise step.refuse("approximates Gelu by tanh", hint="export Gelu without an approximation")
    step.give(Function(step.name(), source.extent, step.display, kind=kind, source=source, parameters=parameters))


def prelu(step: Step) -> None:
    """PRelu with a slope for all elements, or one for each channel."""
    slopes, dims = step.constant(1, "the slope").values, step.shape(step.node.input[0])
    if slopes.size == 1:
        function(step)
        return
    term = step.term(0)
    if isinstance(term, Constant):
        raise step.refuse("has only constant inputs")
    whole = np.broadcast_to(slopes, dims).reshape(term.shape)
    channels = whole.reshape(term.shape[0], -1)
    if (channels != channels[:, :1]).any():
        raise step.refuse(f"has slopes of shape {list(slopes.shape)}, one for each channel is expected")
    check_magnitude(step, step.constant(1, "the slope"))
    step.operate(Prelu("", "", "", channels[:, 0].copy()), term)


def clip(step: Step) -> None:
    """Clip with constant bounds."""
    source = step.term(0)
    low = step.scalar(1, "the lower bound") if step.has(1) else float("-inf")
    high = step.scalar(2, "the upper bound") if step.has(2) else float("inf")
    if isinstance(source, Constant) or not low < high:
        raise step.refuse(f"clips to {low:g} … {high:g}, which leaves nothing to compute")
    step.give(Function(step.name(), source.extent, step.display, kind="clip", source=source, low=low, high=high))


_NOTES = {
    "Gelu": "int8 table; exact, without an approximation",
    "LeakyRelu": "int8 table; after a convolution it costs nothing",
    "Pow": "int8 table; a constant exponent",
    "Relu": "after a linear layer or a convolution it costs nothing",
    "Sigmoid": "int16 table after a linear layer, int8 table elsewhere; gate of an LSTM",
    "Tanh": "int16 table after a linear layer, int8 table elsewhere; part of an LSTM",
}
_FUNCTIONS: dict[str, tuple[Callable[[Step], None], str]] = {
    f.operator: (function, _NOTES.get(f.operator, "int8 table")) for f in FUNCTIONS.values() if f.operator
}
OPERATORS = {
    **_FUNCTIONS,
    "Clip": (clip, "constant bounds; after a linear layer or a convolution it costs nothing"),
    "PRelu": (prelu, "one slope for all elements or one for each channel; after a convolution it costs nothing"),
}
