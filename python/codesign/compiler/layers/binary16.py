# SPDX-License-Identifier: Apache-2.0
"""Sum, difference or product of two int16 values, int16 too, rounded once: what networks of our own quantization take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.binary import Four, Operand
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value

SUM_BITS, PRODUCT_BITS = 10, 6
"""Bits below a step of the result that are kept until the rounding: constants of the kernels."""


@dataclass(frozen=True)
class Binary16(Layer):
    """A weighted sum of two operands, or their product, with NumPy's broadcasting: all int16, −32767…32767, zero point 0.

    `shape` is the output's, row-major, filled up with 1 in front. An operand's multiplier is in 2^−26 steps of the result, its
    shift is not used; a product's is `multiplier`, in 2^−38 steps.
    """

    operation: Literal["add", "multiply"]
    left: Operand
    right: Operand
    output: str
    shape: Four
    multiplier: int

    kind: ClassVar[str] = "binary16"

    @property
    def operands(self) -> tuple[Operand, Operand]:
        return (self.left, self.right)

    @property
    def title(self) -> str:
        return f"{self.operation}, int16 rounded once"

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

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        one, other = (operand.elements(values, self.shape) for operand in self.operands)
        if self.operation == "multiply":
            result, bits = (one * other * self.multiplier) >> 32, PRODUCT_BITS
        else:
            result, bits = ((one * self.left.multiplier) >> 16) + ((other * self.right.multiplier) >> 16), SUM_BITS
        y = np.clip((result + (1 << (bits - 1))) >> bits, -32767, 32767)
        values[self.output] = y.reshape(-1)

    def code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        arrays, sources = [], []
        for side, operand in zip(("left", "right"), self.operands, strict=True):
            if operand.constant is None:
                sources.append(context.at(operand.name))
            else:
                arrays.append(Array.of(context.member(self.name, side), operand.constant))
                sources.append(arrays[-1].name)
        multipliers = (self.multiplier, 0) if self.operation == "multiply" else (self.left.multiplier, self.right.multiplier)
        lists = (self.shape, self.left.strides, self.right.strides)
        members = [*("{ " + ", ".join(map(str, numbers)) + " }" for numbers in lists), *map(str, multipliers)]
        statement = (
            f"static const cs_binary16 layer = {{ {', '.join(members)} }};\n    "
            f"cs_{self.operation}_s16(&layer, {', '.join(sources)}, {context.at(self.output)});"
        )
        return LayerCode(prefix, tuple(arrays), context.render("elementwise.c.j2", prefix=prefix, statement=statement))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
