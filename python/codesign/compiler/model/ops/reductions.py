# SPDX-License-Identifier: Apache-2.0
"""Means along axes, and layer normalization."""

from __future__ import annotations

import math

import numpy as np

from codesign.compiler.model.ops.step import Step, check_magnitude
from codesign.compiler.model.ops.view import applied, result_of, viewed, whole
from codesign.compiler.model.terms import Binary, Constant, Function, Term
from codesign.compiler.operators.binary import Binary as BinaryOperator
from codesign.compiler.operators.mean import Mean
from codesign.compiler.operators.normalize import Normalize


def mean(step: Step) -> None:
    """ReduceMean, ReduceSum or ReduceSumSquare over axes; of squares where a Pow or Mul before it says so."""
    source, squares = _squared(step, step.term(0))
    squares = squares or step.node.op_type == "ReduceSumSquare"
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    dims = step.shape(step.node.input[0])
    given = step.constant(1, "the axes").values.ravel().tolist() if step.has(1) else step.attribute("axes", [])
    if not list(given) and step.attribute("noop_with_empty_axes", 0):
        raise step.refuse("reduces nothing", hint="export it again")
    chosen = sorted({int(axis) % len(dims) for axis in (given or range(len(dims)))})
    shape = whole(dims)
    offset = len(dims) - len(shape)
    axes = tuple(axis - offset for axis in chosen if axis >= offset)
    if not axes:
        raise step.refuse("reduces the batch")
    between = range(axes[0], axes[-1] + 1)
    if all(axis in axes or shape[axis] == 1 for axis in between):
        axes = tuple(between)  # an axis of one element is no gap
    viewed_source = viewed(step, source, shape, f"{step.name()}:source")
    after = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    operator = Mean("", "", "", axes, squares)
    if step.node.op_type == "ReduceMean":
        applied(step, operator, after, viewed_source)
        return
    count = float(math.prod(shape[axis] for axis in axes))
    means = result_of(step, operator, after, f"{step.name()}:mean", viewed_source)
    applied(step, BinaryOperator("", "multiply", "x", "", "", np.array([count])), after, means)


def _squared(step: Step, term: Term) -> tuple[Term, bool]:
    """What is squared, where nothing else is known of the square."""
    if term.name in step.build.quants:
        return term, False
    if isinstance(term, Function) and term.kind == "pow" and term.parameters == (2.0,):
        return term.source, True
    if isinstance(term, Binary) and term.kind == "mul" and term.left is term.right:
        return term.left, True
    return term, False


def layer_normalization(step: Step) -> None:
    """LayerNormalization over the last axes."""
    source, dims = step.term(0), step.shape(step.node.input[0])
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    axis = int(step.attribute("axis", -1)) % len(dims)
    normal = dims[axis:]
    gain = _operand(step, 1, "the scale", normal)
    bias = _operand(step, 2, "the bias", normal) if step.has(2) else np.zeros(normal)
    epsilon = float(step.attribute("epsilon", 1e-5))
    rows = math.prod(dims[:axis])
    shape = normal if rows == 1 else (rows, math.prod(normal))
    gain, bias = (array.reshape(shape if rows == 1 else shape[1:]) for array in (gain, bias))
    before = viewed(step, source, shape, f"{step.name()}:source")
    applied(step, Normalize("", "", "", gain, bias, epsilon), shape, before)


def _operand(step: Step, index: int, what: str, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    constant = step.constant(index, what)
    check_magnitude(step, constant)
    values = constant.values.reshape(-1) if constant.values.size == math.prod(shape) else constant.values
    if values.size not in (1, math.prod(shape)):
        raise step.refuse(f"{what} has shape {list(constant.values.shape)}, {list(shape)} is expected")
    return np.broadcast_to(values.ravel(), (math.prod(shape),)).reshape(shape).astype(np.float64)


_MEAN = "axes that follow one another"
OPERATORS = {
    "LayerNormalization": (layer_normalization, "constant scale and bias; its decomposed forms, too"),
    "ReduceMean": (mean, f"{_MEAN}; of squares after Mul or Pow"),
    "ReduceSum": (mean, f"{_MEAN}; a mean times their number"),
    "ReduceSumSquare": (mean, f"{_MEAN}; a mean of squares times their number"),
}
