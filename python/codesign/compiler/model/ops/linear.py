# SPDX-License-Identifier: Apache-2.0
"""Gemm and MatMul with constant weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Matrix
from codesign.compiler.model.ops.step import Step, check_magnitude, matrix_of
from codesign.compiler.model.ops.view import applied, viewed, whole
from codesign.compiler.model.terms import Affine, Constant, Pieces, Term, columns_of
from codesign.compiler.operators import Linear


def gemm(step: Step) -> None:
    """Gemm: alpha and beta 1, A the vector, B constant."""
    if step.attribute("alpha", 1.0) != 1.0 or step.attribute("beta", 1.0) != 1.0:
        raise step.refuse("alpha and beta must be 1")
    if step.attribute("transA", 0):
        raise step.refuse("transA must be 0")
    weights = step.constant(1, "B")
    matrix = matrix_of(step, weights, weights.values, transpose=not step.attribute("transB", 0))
    bias = bias_of(step, step.constant(2, "C"), matrix) if step.has(2) else np.zeros(len(matrix.values))
    give_linear(step, matrix, bias)


def give_linear(step: Step, matrix: Matrix, bias: npt.NDArray[Any]) -> None:
    """Bind the output to matrix · source + bias (rows,) over the last axis of input 0: an affine form, or over positions.

    Raises:
        InputError: sizes that do not fit, or constants alone.
    """
    dims, term = step.shape(step.node.input[0]), step.term(0)
    positions = math.prod(dims[:-1])
    if positions == 1 or isinstance(term, Constant):
        step.give(affine(step, term, matrix, bias))
        return
    shape = whole(dims)
    if matrix.values.shape[1] != dims[-1]:
        raise step.refuse(f"weights for {matrix.values.shape[1]} inputs meet {dims[-1]}")
    source = viewed(step, term, shape, f"{step.name()}:source")
    applied(step, Linear("", "", "", matrix, bias), (*shape[:-1], len(matrix.values)), source)


def matmul(step: Step) -> None:
    """MatMul of a vector and a constant matrix, in either order."""
    left, right = step.term(0), step.term(1)
    if isinstance(right, Constant):
        matrix = matrix_of(step, right, _squeezed(right), transpose=True)
        give_linear(step, matrix, np.zeros(len(matrix.values)))
        return
    if isinstance(left, Constant):
        matrix, source = matrix_of(step, left, _squeezed(left), transpose=False), right
    else:
        raise step.refuse("multiplies two computed values, one must be constant weights")
    step.give(affine(step, source, matrix, np.zeros(len(matrix.values))))


def affine(step: Step, source: Term, matrix: Matrix, bias: npt.NDArray[Any]) -> Affine:
    """Matrix · source (columns,) + bias (rows,); a concatenation is taken apart into its vectors.

    Raises:
        InputError: as `give_linear`.
    """
    if isinstance(source, Constant):
        raise step.refuse("has only constant inputs")
    if matrix.values.shape[1] != source.size:
        raise step.refuse(f"weights for {matrix.values.shape[1]} inputs meet a vector of {source.size}")
    if source.shape != (source.size,):
        raise step.refuse(f"multiplies '{source.name}' of shape {list(source.shape)}, a vector is expected")
    parts, position = [], 0
    joined = (source,) if isinstance(source, Pieces) else ()
    for part in source.parts if isinstance(source, Pieces) else [source]:
        parts.append((part, columns_of(matrix, slice(position, position + part.size))))
        position += part.size
    return Affine(step.name(), len(matrix.values), step.display, parts=parts, bias=bias, joined=joined)


def bias_of(step: Step, constant: Constant, matrix: Matrix) -> npt.NDArray[Any]:
    """A bias, float64, one a row."""
    values, rows = constant.values.ravel(), len(matrix.values)
    if values.size not in (1, rows) or (values.size > 1 and constant.values.shape[-1] != rows):
        raise step.refuse(f"bias '{constant.name}' of shape {list(constant.values.shape)} does not fit {rows} rows")
    check_magnitude(step, constant)
    return np.broadcast_to(values, (rows,)).astype(np.float64)


def _squeezed(constant: Constant) -> npt.NDArray[Any]:
    shape = constant.values.shape
    return constant.values.reshape(shape[-2:]) if constant.values.ndim > 2 and set(shape[:-2]) == {1} else constant.values


OPERATORS = {
    "Gemm": (
        gemm,
        "constant weights, at each row; float32 or int8; alpha = beta = 1, transA = 0",
    ),
    "MatMul": (
        matmul,
        "constant weights, at each position of several axes; float32 or int8; bias by Add",
    ),
}
