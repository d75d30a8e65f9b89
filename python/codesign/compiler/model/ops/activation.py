# SPDX-License-Identifier: Apache-2.0
"""Relu, Clip, Sigmoid, Tanh."""

from __future__ import annotations

from codesign.compiler.model.ops.step import Step
from codesign.compiler.model.terms import Constant, Function


def function(step: Step) -> None:
    """Relu, Sigmoid, Tanh."""
    source = step.term(0)
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    step.give(Function(step.name(), source.size, step.display, kind=step.node.op_type.lower(), source=source))


def clip(step: Step) -> None:
    """Clip with constant bounds."""
    source = step.term(0)
    low = step.scalar(1, "the lower bound") if step.has(1) else float("-inf")
    high = step.scalar(2, "the upper bound") if step.has(2) else float("inf")
    if isinstance(source, Constant) or not low < high:
        raise step.refuse(f"clips to {low:g} … {high:g}, which leaves nothing to compute")
    step.give(Function(step.name(), source.size, step.display, kind="clip", source=source, low=low, high=high))


OPERATORS = {
    "Clip": (clip, "constant bounds; behind a linear layer it costs nothing"),
    "Relu": (function, "behind a linear layer it costs nothing"),
    "Sigmoid": (function, "int16 table behind a linear layer, int8 table elsewhere; gate of an LSTM"),
    "Tanh": (function, "int16 table behind a linear layer, int8 table elsewhere; part of an LSTM"),
}
