# SPDX-License-Identifier: Apache-2.0
"""Steps in float32, in the operation order of docs/numerics.md (Float block): each is one call of codesign/real.h."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend.float_functions import banded_sums, logarithm, phase_of, power_of
from codesign.compiler.frontend.mel import BandedMatrix
from codesign.compiler.layers.loops import Loops

Float = npt.NDArray[np.float32]
Pairwise = Literal["add", "subtract", "multiply", "divide", "minimum", "maximum", "magnitude", "phase"]
Function = Literal["logarithm", "power", "root"]
LEAST = 2.0**-126
"""The smallest number that a logarithm or a power is taken of: the smallest normal one."""


@dataclass(frozen=True)
class Vector:
    """`size` numbers: those of the value `source`, of a `constant`, or, without both, of a step, at `offset` floats of the
    scratch.
    """

    size: int
    source: str = ""
    constant: Float | None = None
    offset: int = 0


@dataclass(frozen=True)
class Move:
    """A strided copy of elements of a vector to another; a step that others follow may write the rest."""

    source: int
    target: int
    loops: Loops

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.source,)

    def run(self, vectors: list[Float]) -> None:
        """Write its elements."""
        vectors[self.target][self.loops.output_indices()] = vectors[self.source][self.loops.source_indices()]


@dataclass(frozen=True)
class Pair:
    """Two vectors, element by element; one of them may be of one number. `floor` is what a magnitude adds under its root."""

    operation: Pairwise
    left: int
    right: int
    target: int
    floor: float = 0.0

    @property
    def reads(self) -> tuple[int, ...]:
        return self.left, self.right

    def run(self, vectors: list[Float]) -> None:
        """Write all elements."""
        vectors[self.target][:] = _PAIRWISE[self.operation](vectors[self.left], vectors[self.right], np.float32(self.floor))


@dataclass(frozen=True)
class Apply:
    """A function of every element: parameter · log2(max(x, LEAST)); x^parameter, 0 of what is not above 0; or √x."""

    function: Function
    source: int
    target: int
    parameter: float = 0.0

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.source,)

    def run(self, vectors: list[Float]) -> None:
        """Write all elements."""
        x = vectors[self.source]
        least = np.where(x > np.float32(LEAST), x, np.float32(LEAST))
        match self.function:
            case "logarithm":
                found = logarithm(least, np.float32(0.0), np.float32(LEAST), np.float32(self.parameter))
            case "power":
                found = power_of(least, self.parameter)
                found = np.where(x > 0, found, np.float32(0.0)) if self.parameter > 0 else found
            case "root":
                found = np.sqrt(np.where(x > 0, x, np.float32(0.0)))
        vectors[self.target][:] = found


@dataclass(frozen=True)
class Bands:
    """A matrix with runs of weights times each of several vectors of its columns, side by side."""

    source: int
    target: int
    matrix: BandedMatrix

    @property
    def reads(self) -> tuple[int, ...]:
        return (self.source,)

    def run(self, vectors: list[Float]) -> None:
        """Write all elements: each sum in ascending order of columns from 0."""
        x = vectors[self.source].reshape(-1, self.matrix.columns)
        vectors[self.target][:] = banded_sums(self.matrix, x).reshape(-1)


Step = Move | Pair | Apply | Bands


def placed(
    vectors: Sequence[Vector], steps: Sequence[Step], given: Sequence[int], kept: Sequence[int]
) -> tuple[tuple[Vector, ...], int]:
    """The vectors at offsets in the scratch, so that those that are needed at the same time do not overlap, and its floats.
    Vectors `given` are in the scratch before the first step, `kept` are needed after the last.
    """
    made = {*given, *(step.target for step in steps)}
    first = {i: min([at for at, step in enumerate(steps) if step.target == i], default=-1) for i in made}
    last = {i: max([at for at, step in enumerate(steps) if i in (step.target, *step.reads)], default=-1) for i in made}
    last |= dict.fromkeys((i for i in kept if i in made), len(steps))
    done: dict[int, Vector] = {}
    for i in sorted(made, key=lambda i: (first[i], i)):
        busy = sorted((v.offset, v.size) for j, v in done.items() if last[j] >= first[i])
        offset = 0
        for start, size in busy:
            if offset + vectors[i].size <= start:
                break
            offset = max(offset, start + size)
        done[i] = replace(vectors[i], offset=offset)
    floats = max((v.offset + v.size for v in done.values()), default=0)
    return tuple(done.get(i, v) for i, v in enumerate(vectors)), floats


def _pick(condition: npt.NDArray[np.bool_], one: Float, other: Float) -> Float:
    return np.asarray(np.where(condition, one, other), np.float32)


_PAIRWISE: Mapping[str, Callable[[Float, Float, np.float32], Float]] = {
    "add": lambda a, b, _: a + b,
    "subtract": lambda a, b, _: a - b,
    "multiply": lambda a, b, _: a * b,
    "divide": lambda a, b, _: a / b,
    "minimum": lambda a, b, _: _pick(b < a, b, a),
    "maximum": lambda a, b, _: _pick(a < b, b, a),
    "phase": lambda a, b, _: phase_of(a, b),
    "magnitude": lambda a, b, floor: np.sqrt((a * a + b * b) + floor),
}
