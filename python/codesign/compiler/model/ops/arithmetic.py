# SPDX-License-Identifier: Apache-2.0
"""Add, Mul and the few comparisons that an LSTM cell and a skip gate are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from codesign.compiler.layers.binary import Operation as Kind
from codesign.compiler.model.limits import MAX_PARTS
from codesign.compiler.model.ops.choice import rejoined
from codesign.compiler.model.ops.step import Step, check_magnitude
from codesign.compiler.model.ops.view import result_of, viewed
from codesign.compiler.model.terms import Affine, Binary, Constant, Function, Operation, Term
from codesign.compiler.operators.binary import Binary as BinaryOperator
from codesign.compiler.operators.linear import Linear
from codesign.compiler.operators.operator import Shape

_KINDS: Mapping[str, Kind] = {
    "Add": "add",
    "Div": "multiply",
    "Max": "maximum",
    "Min": "minimum",
    "Mul": "multiply",
    "Sub": "subtract",
}
_NAMES: Mapping[Kind, str] = {"add": "add", "maximum": "max", "minimum": "min", "multiply": "mul", "subtract": "sub"}


def add(step: Step) -> None:
    """Bias, sum of linear forms, or the sum inside an LSTM cell."""
    left, right = step.term(0), step.term(1)
    total = _sum(step, left, right)
    if total is not None:
        if any(_stays(step, index, term) for index, term in enumerate((left, right))):
            binary(step)
            total = replace(total, apart=step.build.terms[step.name()])
        step.give(total)
        return
    for term, other in ((left, right), (right, left)):
        if isinstance(other, Constant) and _takes_bias(step, term, other):
            assert isinstance(term, Operation)
            assert term.call is not None
            layer = term.call.operator
            assert isinstance(layer, Linear)
            check_magnitude(step, other)
            biased = replace(layer, bias=layer.bias + other.values.ravel())
            step.give(result_of(step, biased, term.shape, step.name(), *term.call.sources))
            return
    binary(step)


def _stays(step: Step, index: int, term: Term) -> bool:
    """Whether a sum adds an operand to the other one, and does not compute it again as a part of one layer: the file rounds
    it, or something else reads it, as in a chain of residual blocks.
    """
    if not isinstance(term, Affine):
        return False
    return term.apart is not None or term.name in step.build.quants or step.build.readers.get(step.node.input[index], 0) > 1


def _sum(step: Step, left: Term, right: Term) -> Affine | None:
    """A linear form and a constant, or two linear forms, as one."""
    for linear, other in ((left, right), (right, left)):
        if isinstance(linear, Affine) and isinstance(other, Constant) and other.values.size in (1, linear.size):
            check_magnitude(step, other)
            bias = linear.bias + other.values.ravel()
            return replace(linear, name=step.name(), node=step.display, bias=bias, apart=None)
    if isinstance(left, Affine) and isinstance(right, Affine) and left.size == right.size:
        if len(left.parts) + len(right.parts) > MAX_PARTS:
            return None
        parts, bias = [*left.parts, *right.parts], left.bias + right.bias
        return Affine(step.name(), left.size, step.display, parts=parts, bias=bias, joined=(*left.joined, *right.joined))
    return None


def _takes_bias(step: Step, term: Term, other: Constant) -> bool:
    """Whether a constant is a bias of a linear layer over positions that nothing is known of yet."""
    if not (isinstance(term, Operation) and term.call is not None and isinstance(term.call.operator, Linear)):
        return False
    rows = len(term.call.operator.bias)
    fits = other.size == 1 or (other.size == rows and other.values.shape[-1:] == (rows,))
    return fits and term.name not in step.build.quants


def binary(step: Step) -> None:
    """Mul, Sub, Min and other sums: those that are no part of an LSTM cell or skip gate are layers of their own."""
    if len(step.node.input) != 2:
        raise step.refuse(f"has {len(step.node.input)} inputs, two are expected")
    left, right = step.term(0), step.term(1)
    if isinstance(left, Constant) and isinstance(right, Constant):
        raise step.refuse("has only constant inputs")
    if rejoined(step, left, right):
        return
    if step.node.op_type == "Div":
        left, right = _as_product(step, left, right)
    if step.node.op_type == "Mul":
        for x, gate in ((left, right), (right, left)):
            if (
                isinstance(gate, Function)
                and gate.kind == "sigmoid"
                and gate.source is x
                and gate.name not in step.build.quants
            ):
                step.give(Function(step.name(), x.extent, step.display, kind="silu", source=x))
                return
    shape = step.output_shape()
    left, right = (_aligned(step, term, index, shape) for index, term in enumerate((left, right)))
    constants = [term for term in (left, right) if isinstance(term, Constant)]
    for term in (left, right):
        if isinstance(term, Constant):
            check_magnitude(step, term)
    kind = _KINDS[step.node.op_type]
    before = ("", "x") if isinstance(left, Constant) else ("x", "")  # which of the two is the constant
    operator = BinaryOperator("", kind, *before, "")
    if constants:
        operator = replace(operator, constant=constants[0].values, constant_quant=constants[0].quant)
    result = Binary(step.name(), shape, step.display, kind=_NAMES[kind], left=left, right=right, operator=operator)
    step.give(result)


def _as_product(step: Step, left: Term, right: Term) -> tuple[Term, Term]:
    """X / y as x times one over y."""
    if isinstance(right, Constant):
        if (right.values == 0).any():
            raise step.refuse("divides by zero", hint="train or export it again")
        return left, replace(right, values=1.0 / right.values, quant=None)
    name = f"{step.name()}:reciprocal"
    return left, Function(name, right.extent, step.display, kind="reciprocal", source=right)


def _aligned(step: Step, term: Term, index: int, shape: Shape) -> Term:
    """An operand with as many axes as broadcasting to `shape`, the result's without the batch, needs."""
    dims = list(step.shape(step.node.input[index]))
    if len(shape) == 1:
        own: Shape = (term.size,)
    else:
        while len(dims) > len(shape) and dims[0] == 1:
            dims = dims[1:]
        own = tuple(dims)
    if isinstance(term, Constant):
        values = term.values.reshape(own) if term.size == math.prod(own) else term.values
        if values.size > 1 and (values == values.ravel()[0]).all():
            values = values.ravel()[:1]
        return replace(term, values=values)
    return viewed(step, term, own, f"{step.name()}:{index}")


_TWO = "two values, or a value and a constant, with broadcasting"
OPERATORS = {
    "Add": (add, f"bias, sum of linear layers, inside an LSTM cell; {_TWO}"),
    "Div": (binary, f"{_TWO}; by a computed value as a product with its reciprocal"),
    "Max": (binary, _TWO),
    "Min": (binary, f"{_TWO}; in a skip gate"),
    "Mul": (binary, f"inside an LSTM cell; of x and its Sigmoid; {_TWO}"),
    "Sub": (binary, _TWO),
}
