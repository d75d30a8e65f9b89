# SPDX-License-Identifier: Apache-2.0
"""Operators in float32 → FloatBlock."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.frontend.mel import banded
from codesign.compiler.layers import Value
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.layers.float_block import FloatBlock as Layer
from codesign.compiler.layers.float_program import Apply, Bands, Function, Move, Pair, Pairwise, Step, Vector, placed
from codesign.compiler.layers.loops import Loop, Loops

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.operators.float_block import FloatBlock

Shape = tuple[int, ...]


class FloatSteps:
    """The steps as they grow. A value of the graph is an arrangement of elements of vectors, which go by their numbers."""

    def __init__(self) -> None:
        self.vectors: list[Vector] = []
        self.steps: list[Step] = []
        self._values: dict[str, Arrangement] = {}

    def start(self, name: str, value: Value) -> None:
        """Begin with a value of the network, called `name` in the graph."""
        self._values[name] = Arrangement.of(str(self._add(Vector(value.size, source=value.name))), value.shape)

    def arrangement(self, name: str) -> Arrangement:
        """Where the elements of a value are."""
        return self._values[name]

    def arrange(self, op: str, name: str, arrangement: Arrangement | None) -> None:
        """Say where the elements of a value are. Raises InputError where they are in too many pieces."""
        if arrangement is None:
            raise InputError(f"{op}: moves its elements in too many pieces", hint="export the network without it")
        self._values[name] = arrangement

    def give(self, name: str, vector: int, shape: Shape) -> None:
        """Say that a value is a vector."""
        self._values[name] = Arrangement.of(str(vector), shape)

    def vector(self, name: str) -> int:
        """The vector that holds a value's elements in order: a copy where they are not."""
        arrangement = self._values[name]
        vector = self._held(arrangement)
        self._values[name] = Arrangement.of(str(vector), arrangement.shape)
        return vector

    def own(self, name: str, others: Container[int]) -> int:
        """As `vector`, but a copy where that is one of `others`."""
        vector = self.vector(name)
        if vector not in others:
            return vector
        target = self._add(Vector(self.vectors[vector].size))
        self.steps.append(Move(vector, target, Loops((Loop(self.vectors[vector].size, 1, 1),), 0, 0)))
        return target

    def stretched(self, name: str, shape: Shape) -> int:
        """As `vector`, of a value broadcast to `shape`; of one number that alone."""
        arrangement = self._values[name]
        if arrangement.size in (1, math.prod(shape)):
            return self.vector(name)
        same = arrangement.reshape((*(1,) * (len(shape) - len(arrangement.shape)), *arrangement.shape))
        assert same is not None, "axes of one element are no obstacle"
        for axis, size in enumerate(shape):
            if same.shape[axis] != size:
                same = same.slice(axis, 0, size, 0)
        return self._held(same)

    def numbers(self, numbers: npt.NDArray[np.float64], shape: Shape) -> int:
        """The vector of constants broadcast to `shape`, or of one number."""
        some = numbers if numbers.size == 1 else np.broadcast_to(numbers, shape)
        return self._add(Vector(some.size, constant=np.ascontiguousarray(some, np.float32).ravel()))

    def pair(self, name: str, operation: Pairwise, left: int, right: int, shape: Shape, floor: float = 0.0) -> None:
        """Append left ∘ right, called `name`."""
        target = self._target(name, shape)
        self.steps.append(Pair(operation, left, right, target, floor))

    def apply(self, name: str, function: Function, source: int, shape: Shape, parameter: float = 0.0) -> None:
        """Append a function of every element, called `name`."""
        target = self._target(name, shape)
        self.steps.append(Apply(function, source, target, parameter))

    def bands(self, name: str, source: int, matrix: npt.NDArray[np.float64], shape: Shape) -> None:
        """Append `matrix` (rows, columns) times the vectors of `source`, called `name`, which has `shape`."""
        target = self._target(name, shape)
        self.steps.append(Bands(source, target, banded(matrix)))

    def _held(self, arrangement: Arrangement) -> int:
        alias = arrangement.alias()
        if alias is not None and alias[1] == 0 and self.vectors[int(alias[0])].size == arrangement.size:
            return int(alias[0])
        target = self._add(Vector(arrangement.size))
        for source, loops in arrangement.loops():
            if source is None:
                zero = self._add(Vector(1, constant=np.zeros(1, np.float32)))
                still = tuple(Loop(loop.size, 0, loop.output) for loop in loops.loops)
                self.steps.append(Move(zero, target, Loops(still, 0, loops.output_offset)))
            else:
                self.steps.append(Move(int(source), target, loops))
        return target

    def _target(self, name: str, shape: Sequence[int]) -> int:
        target = self._add(Vector(math.prod(shape)))
        self._values[name] = Arrangement.of(str(target), shape)
        return target

    def _add(self, vector: Vector) -> int:
        self.vectors.append(vector)
        return len(self.vectors) - 1


def lower_float_block(context: Context, op: FloatBlock) -> None:
    """Append the layer. Raises InputError for elements in too many pieces, and for results that have no parameters."""
    steps = FloatSteps()
    inputs = tuple(context.source(op.name, name) for name in op.sources)
    for inner, value in zip(op.inputs, inputs, strict=True):
        steps.start(inner, value)
    for each in op.ops:
        each.in_float(steps)
    states = {after: state for state, after in op.carried.items()}
    context.aliases |= states
    held = {i for i, vector in enumerate(steps.vectors) if vector.source in states.values()}
    names = tuple(zip(op.results, op.outputs, strict=True))
    results = tuple(steps.own(name, held) if output in states else steps.vector(name) for name, output in names)
    outputs = tuple(context.values[states[name]] if name in states else _output(context, op, name) for name in op.outputs)
    integers = {value.name for value in inputs if value.dtype != "float32"}
    given = [i for i, vector in enumerate(steps.vectors) if vector.source in integers]
    vectors, floats = placed(steps.vectors, steps.steps, given, results)
    context.layers.append(Layer(op.name, inputs, outputs, results, vectors, tuple(steps.steps), floats))


def _output(context: Context, op: FloatBlock, name: str) -> Value:
    if name in op.float_outputs:
        return context.add(Value(name, context.graph.shapes[name], "float32", 1.0))
    return context.add_value(name, context.known_quant(op.name, name))
