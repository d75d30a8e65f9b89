# SPDX-License-Identifier: Apache-2.0
"""Terms: what the values of a step are, as expressions: linear forms, functions of them, products. Operators are recognised
by their dataflow here, so neither node names nor the way an exporter splits a matrix matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.curve import Expression
from codesign.compiler.operators.operator import Operator, Shape


@dataclass(eq=False)
class Term:
    """A value of a shape without the batch, one number for a vector. `name` is the tensor's, `node` the display name of what
    makes it.
    """

    name: str
    extent: int | Shape
    node: str = ""

    @property
    def shape(self) -> Shape:
        """Its sizes, those of a vector too."""
        return (self.extent,) if isinstance(self.extent, int) else self.extent

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def reads(self) -> tuple[Term, ...]:
        """The terms that it is made from."""
        return ()

    @property
    def elements(self) -> int:
        """Numbers that the term holds itself, without those of the terms it is made from."""
        return 0


@dataclass(eq=False)
class Input(Term):
    """A graph input: features or a state."""


@dataclass(eq=False)
class Affine(Term):
    """Σ matrix · source + bias; bias float64 (size,). `joined` are the concatenations that it was written with.

    `apart` is the same as the file computes it, where it rounds on the way: a cell's gates are finer, a layer is not.
    """

    parts: list[tuple[Term, Matrix]] = field(default_factory=list)
    bias: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    joined: tuple[Pieces, ...] = ()
    apart: Term | None = None

    @property
    def reads(self) -> tuple[Term, ...]:
        return tuple(source for source, _ in self.parts)

    @property
    def elements(self) -> int:
        return self.bias.size + sum(matrix.values.size for _, matrix in self.parts)


@dataclass(eq=False)
class Function(Term):
    """One of operators.functions, clip, or a curve of `source`."""

    kind: str = ""
    source: Term = field(default_factory=lambda: Term("", 0))
    low: float = float("-inf")
    high: float = float("inf")
    parameters: tuple[float, ...] = ()
    curve: Expression | None = None

    @property
    def reads(self) -> tuple[Term, ...]:
        return (self.source,)


@dataclass(eq=False)
class Binary(Term):
    """mul, add, sub or min of two values; a constant operand is a Constant term.

    `operator` is what computes it where it is no part of an LSTM cell or a skip gate, wired to nothing, or None.
    """

    kind: str = ""
    left: Term = field(default_factory=lambda: Term("", 0))
    right: Term = field(default_factory=lambda: Term("", 0))
    operator: Operator | None = None

    @property
    def reads(self) -> tuple[Term, ...]:
        return (self.left, self.right)

    def operands(self) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
        """Both orders: the operators are commutative."""
        return (self.left, self.right), (self.right, self.left)


@dataclass(eq=False)
class HalfTurn(Term):
    """A slope, Atan(im / re), plus π where im is above 0, less π elsewhere: what a phase is where re is below 0."""

    im: Term = field(default_factory=lambda: Term("", 0))
    re: Term = field(default_factory=lambda: Term("", 0))
    slope: Term = field(default_factory=lambda: Term("", 0))

    @property
    def reads(self) -> tuple[Term, ...]:
        return (self.slope,)


@dataclass(eq=False)
class Constant(Term):
    """A tensor known from the file: `values` float64, and the integers and scales that they come from when it is dequantized.

    `quantized` and `scale` have the shape of `values`; `dtype` is the tensor's in the file, `quant` what int8 or int16 of one
    scale are.
    """

    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    quantized: npt.NDArray[np.int8] | None = None
    scale: npt.NDArray[np.float64] | None = None
    dtype: np.dtype[np.generic] = field(default_factory=lambda: np.dtype(np.float32))
    quant: Quant | None = None

    @property
    def elements(self) -> int:
        return self.values.size


@dataclass(eq=False)
class Pieces(Term):
    """Concatenation of vectors."""

    parts: list[Term] = field(default_factory=list)

    @property
    def reads(self) -> tuple[Term, ...]:
        return tuple(self.parts)


@dataclass(eq=False)
class Condition(Term):
    """A comparison of `operands`, or what And, Or and Not make of comparisons; `kind` is the operator of ONNX."""

    kind: str = ""
    operands: tuple[Term, ...] = ()

    @property
    def reads(self) -> tuple[Term, ...]:
        return self.operands


@dataclass(eq=False)
class AtLeast(Term):
    """Whether `source` ≥ `threshold`: the condition of a skip gate."""

    source: Term = field(default_factory=lambda: Term("", 0))
    threshold: float = 0.0

    @property
    def reads(self) -> tuple[Term, ...]:
        return (self.source,)


@dataclass(eq=False)
class Choice(Term):
    """`then` where `condition` holds, else `otherwise`."""

    condition: Term = field(default_factory=lambda: Term("", 0))
    then: Term = field(default_factory=lambda: Term("", 0))
    otherwise: Term = field(default_factory=lambda: Term("", 0))

    @property
    def reads(self) -> tuple[Term, ...]:
        return (self.condition, self.then, self.otherwise)


@dataclass(eq=False)
class LstmOperator(Term):
    """New hidden or cell state of an ONNX LSTM operator; both results of one node share `key`. Gates as in graph.GATES."""

    key: str = ""
    is_cell: bool = False
    source: Term = field(default_factory=lambda: Term("", 0))
    hidden: Term = field(default_factory=lambda: Term("", 0))
    cell: Term = field(default_factory=lambda: Term("", 0))
    input_weight: Matrix = field(default_factory=lambda: Matrix(np.zeros((0, 0), np.float32)))
    recurrent_weight: Matrix = field(default_factory=lambda: Matrix(np.zeros((0, 0), np.float32)))
    bias: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    cell_clip: float = 0.0

    @property
    def reads(self) -> tuple[Term, ...]:
        return (self.source, self.hidden, self.cell)

    @property
    def elements(self) -> int:
        return self.bias.size + self.input_weight.values.size + self.recurrent_weight.values.size


@dataclass(eq=False)
class Call:
    """An operator over terms, wired to nothing yet; `results` are its outputs."""

    operator: Operator
    sources: list[Term]
    results: list[Term]


@dataclass(eq=False)
class Operation(Term):
    """Output `index` of an operator that is known by its node alone."""

    call: Call | None = None
    index: int = 0

    @property
    def reads(self) -> tuple[Term, ...]:
        return tuple(self.call.sources) if self.call is not None else ()

    @property
    def elements(self) -> int:
        matrices = self.call.operator.matrices if self.call is not None and self.index == 0 else ()
        return sum(matrix.values.size for matrix in matrices)


def in_order(term: Term, reads: Callable[[Term], Sequence[Term]], known: Container[int]) -> list[Term]:
    """A term and, before it, what it and others read by `reads`, without those `known` by id: a network may be deeper than
    Python's stack.
    """
    order: list[Term] = []
    waiting, seen = [(term, False)], {id(term)}
    while waiting:
        found, ready = waiting.pop()
        if ready:
            order.append(found)
            continue
        sources = [source for source in dict.fromkeys(reads(found)) if id(source) not in known and id(source) not in seen]
        seen.update(map(id, sources))
        waiting += [(found, True), *((source, False) for source in reversed(sources))]
    return order


def rows_of(matrix: Matrix, rows: slice) -> Matrix:
    """Some rows of a matrix."""
    return Matrix(
        matrix.values[rows],
        None if matrix.quantized is None else matrix.quantized[rows],
        None if matrix.scale is None else matrix.scale[rows],
    )


def columns_of(matrix: Matrix, columns: slice) -> Matrix:
    """Some columns of a matrix."""
    quantized = None if matrix.quantized is None else matrix.quantized[:, columns]
    return Matrix(matrix.values[:, columns], quantized, matrix.scale)


def stacked(matrices: list[Matrix]) -> Matrix:
    """Matrices on top of each other; quantized when all are."""
    values = np.concatenate([m.values for m in matrices])
    if any(m.quantized is None or m.scale is None for m in matrices):
        return Matrix(values)
    return Matrix(
        values,
        np.concatenate([m.quantized for m in matrices if m.quantized is not None]),
        np.concatenate([m.scale for m in matrices if m.scale is not None]),
    )


def beside(matrices: list[Matrix]) -> Matrix | None:
    """Matrices next to each other; None where rows have several scales then."""
    values = np.concatenate([m.values for m in matrices], axis=1)
    if any(m.quantized is None or m.scale is None for m in matrices):
        return Matrix(values) if all(m.quantized is None for m in matrices) else None
    scales = [m.scale for m in matrices if m.scale is not None]
    if any((scale != scales[0]).any() for scale in scales):
        return None
    return Matrix(values, np.concatenate([m.quantized for m in matrices if m.quantized is not None], axis=1), scales[0])
