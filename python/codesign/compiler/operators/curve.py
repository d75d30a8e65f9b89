# SPDX-License-Identifier: Apache-2.0
"""A function of one number that a file writes in several operators, such as Where(x > 0, x, e^x − 1): one table computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from codesign.compiler.operators.functions import FUNCTIONS
from codesign.compiler.operators.operator import Real

if TYPE_CHECKING:
    from codesign.compiler.quantize.qdq import QdqWriter

_OPERATORS: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "And": np.logical_and,
    "Div": np.divide,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "Sub": np.subtract,
    "Where": np.where,
}
"""Operators of ONNX between numbers, beside the functions of `FUNCTIONS`."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A node of the expression: the argument "x", a "number", an operator of ONNX of its operands, or a function with its
    parameters. Operands may be shared.
    """

    kind: str
    operands: tuple[Expression, ...] = ()
    parameters: tuple[float, ...] = ()

    def of(self, x: Real) -> Real:
        """The function in float64; NaN or infinite where it has no value."""
        found: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for node in self.nodes:
                found[id(node)] = node._value(x, [found[id(operand)] for operand in node.operands])
        return np.broadcast_to(np.asarray(found[id(self)], np.float64), x.shape)

    @property
    def nodes(self) -> tuple[Expression, ...]:
        """All nodes once, operands before what is made of them."""
        done: dict[int, Expression] = {}
        waiting: list[tuple[Expression, bool]] = [(self, False)]
        while waiting:
            node, ready = waiting.pop()
            if ready:
                done[id(node)] = node
            elif id(node) not in done:
                waiting.append((node, True))
                waiting += [(operand, False) for operand in node.operands if id(operand) not in done]
        return tuple(done.values())

    def after(self, argument: Expression) -> Expression:
        """The same function of another expression."""
        found: dict[int, Expression] = {}
        for node in self.nodes:
            own = Expression(node.kind, tuple(found[id(operand)] for operand in node.operands), node.parameters)
            found[id(node)] = argument if node.kind == "x" else own
        return found[id(self)]

    def _value(self, x: Real, operands: list[Any]) -> Any:
        match self.kind:
            case "x":
                return x
            case "number":
                return self.parameters[0]
            case "clip":
                return np.clip(operands[0], self.parameters[0], self.parameters[1])
            case kind if kind in _OPERATORS:
                return _OPERATORS[kind](*operands)
        return FUNCTIONS[self.kind].of(np.asarray(operands[0], np.float64), self.parameters)

    def write(self, writer: QdqWriter, name: str, source: str) -> str:
        """Write the expression of the tensor `source` in operators of ONNX; the name of its result."""
        names: dict[int, str] = {}
        for index, node in enumerate(self.nodes):
            inputs, result = [names[id(operand)] for operand in node.operands], f"{name}/curve{index}"
            if node.kind == "x":
                result = source
            elif node.kind == "number":
                result = writer.scalar(np.float32(node.parameters[0]))
            elif node.kind == "silu":
                writer.node("Sigmoid", inputs, f"{result}/sigmoid")
                writer.node("Mul", [*inputs, f"{result}/sigmoid"], result)
            elif node.kind in _OPERATORS:
                writer.node(node.kind, inputs, result)
            else:
                write_function(writer, node.kind, inputs, result, node.parameters)
            names[id(node)] = result
        return names[id(self)]


def write_function(
    writer: QdqWriter, kind: str, inputs: list[str], result: str, parameters: tuple[float, ...], label: str = ""
) -> None:
    """Write one function of `FUNCTIONS`, or "clip" with its bounds, in ONNX."""
    if kind == "clip":
        bounds = [writer.scalar(np.float32(bound)) if np.isfinite(bound) else "" for bound in parameters]
        writer.node("Clip", [*inputs, *bounds], result, label)
        return
    function = FUNCTIONS[kind]
    if function.constant:
        inputs = [*inputs, *(writer.constant(f"{result}/parameter", np.array([p], np.float32)) for p in parameters)]
    attributes = dict(zip(function.attributes or (), parameters, strict=not function.constant))
    writer.node(function.operator, inputs, result, label, **attributes)
