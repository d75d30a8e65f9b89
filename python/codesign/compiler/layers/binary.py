# SPDX-License-Identifier: Apache-2.0
"""Sum, difference, product, minimum or maximum of two values, with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm_twice
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value

Operation = Literal["add", "subtract", "multiply", "minimum", "maximum"]
Four = tuple[int, int, int, int]


@dataclass(frozen=True)
class Operand:
    """One of two: the value `name`, or where `constant` is given that, int8 or int16, flat.

    Element (i, j, k, l) of the output uses its element i·strides[0] + …; a stride is 0 where it repeats. multiplier and
    shift bring it to the scale that both operands share.
    """

    name: str
    constant: npt.NDArray[Any] | None
    wide: bool
    zero_point: int
    multiplier: int
    shift: int
    strides: Four

    def elements(self, values: Mapping[str, Ints], shape: Four) -> Ints:
        """Its elements less the zero point, int64 of `shape`."""
        flat = values[self.name] if self.constant is None else self.constant.astype(np.int64)
        at = sum(np.arange(n).reshape(-1, *(1,) * (3 - i)) * self.strides[i] for i, n in enumerate(shape))
        return np.broadcast_to(flat[at], shape) - self.zero_point


@dataclass(frozen=True)
class TwoOperands(Layer):
    """`left` and `right`, element by element, to `output`, whose `shape` is row-major, filled up with 1 in front."""

    left: Operand
    right: Operand
    output: str
    shape: Four

    @property
    def operands(self) -> tuple[Operand, Operand]:
        return (self.left, self.right)

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(operand.name for operand in self.operands if operand.constant is None))

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.output,)

    @property
    def states(self) -> tuple[str, ...]:
        return ()

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return ()

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return tuple(operand.constant for operand in self.operands if operand.constant is not None)

    @property
    def scratch_bytes(self) -> int:
        return 0

    def sources(self, context: CodeContext) -> tuple[tuple[Array, ...], tuple[str, ...]]:
        """Arrays of the constant operands, and C expressions for where both are."""
        arrays, found = [], []
        for side, operand in zip(("left", "right"), self.operands, strict=True):
            if operand.constant is None:
                found.append(context.at(operand.name))
            else:
                arrays.append(Array.of(context.member(self.name, side), operand.constant))
                found.append(arrays[-1].name)
        return tuple(arrays), tuple(found)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}


@dataclass(frozen=True)
class Binary(TwoOperands):
    """Two operands, element by element: TFLite's ADD, SUB, MUL, MINIMUM and MAXIMUM. `left_shift` are the
    bits that sums and comparisons keep until the last rounding.
    """

    operation: Operation
    left_shift: int
    multiplier: int
    shift: int
    zero_point: int
    low: int
    high: int
    wide: bool

    kind: ClassVar[str] = "binary"

    @property
    def title(self) -> str:
        return f"{self.operation}, {'int16' if self.wide else 'int8'}"

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        one, other = (operand.elements(values, self.shape) for operand in self.operands)
        if self.operation == "multiply":
            result = one * other
        else:
            one, other = (
                mbqm_twice(x << self.left_shift, operand.multiplier, operand.shift)
                for x, operand in zip((one, other), self.operands, strict=True)
            )
            result = getattr(np, self.operation)(one, other)
        y = np.clip(mbqm_twice(result, self.multiplier, self.shift) + self.zero_point, self.low, self.high)
        values[self.output] = y.reshape(-1)

    def code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        arrays, sources = self.sources(context)
        code = context.render("binary.c.j2", layer=self, prefix=prefix, sources=sources, y=context.at(self.output))
        return LayerCode(prefix, arrays, code)
