# SPDX-License-Identifier: Apache-2.0
"""Functions of one number in float32: those that a float block computes, as steps of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from codesign.compiler.layers.float_program import Pairwise
from codesign.compiler.operators.curve import Expression

if TYPE_CHECKING:
    from codesign.compiler.lower.float_block import FloatSteps

Shape = tuple[int, ...]
_NODES: Mapping[str, Pairwise] = {
    "Add": "add",
    "Div": "divide",
    "Max": "maximum",
    "Min": "minimum",
    "Mul": "multiply",
    "Sub": "subtract",
}
FLOAT_FUNCTIONS = frozenset(("abs", "clip", "log", "neg", "pow", "reciprocal", "relu", "sqrt", "x", "number", *_NODES))
"""Kinds of activations, and of parts of a curve."""


def is_float(kind: str, parameters: tuple[float, ...]) -> bool:
    """Whether float32 holds what comes of any usual number: of powers, squares and those of at most 1."""
    return kind != "pow" or (len(parameters) == 1 and (abs(parameters[0]) <= 1.0 or parameters[0] == 2.0))


def is_compressing(kind: str, parameters: tuple[float, ...]) -> bool:
    """Whether a function makes a small range of a large one, or turns one over."""
    return kind in ("log", "reciprocal", "sqrt", "Div") or (kind == "pow" and parameters[0] < 1.0)


def function_steps(steps: FloatSteps, kind: str, parameters: tuple[float, ...], source: int, output: str, shape: Shape) -> None:
    """Append a function of the vector `source`, called `output`."""

    def number(value: float) -> int:
        return steps.numbers(np.array([value]), shape)

    match kind, parameters:
        case "log", _:
            steps.apply(output, "logarithm", source, shape, math.log(2.0))
        case ("sqrt", _) | ("pow", (0.5,)):
            steps.apply(output, "root", source, shape)
        case "pow", (2.0,):
            steps.pair(output, "multiply", source, source, shape)
        case ("reciprocal", _) | ("pow", (-1.0,)):
            steps.pair(output, "divide", number(1.0), source, shape)
        case "pow", (exponent,):
            steps.apply(output, "power", source, shape, exponent)
        case "neg", _:
            steps.pair(output, "subtract", number(0.0), source, shape)
        case "abs", _:
            steps.pair(output, "subtract", number(0.0), source, shape)
            steps.pair(output, "maximum", source, steps.vector(output), shape)
        case "relu", _:
            steps.pair(output, "maximum", source, number(0.0), shape)
        case "clip", (low, high):
            steps.pair(output, "maximum", source, number(max(low, -_LARGEST)), shape)
            if high < _LARGEST:
                steps.pair(output, "minimum", steps.vector(output), number(high), shape)


_LARGEST = 3e38


def curve_steps(steps: FloatSteps, curve: Expression, source: str, output: str, shape: Shape) -> None:
    """Append an expression of the value `source`, called `output`."""
    found: dict[int, int] = {}
    for node in curve.nodes:
        operands = [found[id(operand)] for operand in node.operands]
        if node.kind == "x":
            found[id(node)] = steps.vector(source)
            steps.give(output, found[id(node)], shape)
            continue
        if node.kind == "number":
            found[id(node)] = steps.numbers(np.array(node.parameters[:1]), shape)
            continue
        if node.kind in _NODES:
            steps.pair(output, _NODES[node.kind], operands[0], operands[1], shape)
        else:
            function_steps(steps, node.kind, node.parameters, operands[0], output, shape)
        found[id(node)] = steps.vector(output)
