# SPDX-License-Identifier: Apache-2.0
"""Sum, difference or product of two int16 values, int16 too, rounded once: what networks of our own quantization take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.binary import TwoOperands
from codesign.compiler.layers.code import CodeContext, LayerCode

SUM_BITS, PRODUCT_BITS, FEW_BITS = 10, 6, 2
"""Bits below a step of the result that are kept until the rounding: constants of the kernels. Products of large factors keep
few."""


@dataclass(frozen=True)
class Binary16(TwoOperands):
    """A weighted sum of two operands, or their product, with NumPy's broadcasting: all int16, −32767…32767, zero point 0.

    An operand's multiplier is in 2^−26 steps of the result, its shift is not used; a product's is `multiplier`, in steps of
    2^−(32 + bits).
    """

    operation: Literal["add", "multiply"]
    multiplier: int
    bits: int

    kind: ClassVar[str] = "binary16"

    @property
    def title(self) -> str:
        return f"{self.operation}, int16 rounded once"

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        one, other = (operand.elements(values, self.shape) for operand in self.operands)
        if self.operation == "multiply":
            result = (one * other * self.multiplier) >> 32
        else:
            result = ((one * self.left.multiplier) >> 16) + ((other * self.right.multiplier) >> 16)
        y = np.clip((result + (1 << (self.bits - 1))) >> self.bits, -32767, 32767)
        values[self.output] = y.reshape(-1)

    def code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        arrays, sources = self.sources(context)
        multipliers = (
            (self.multiplier, self.bits) if self.operation == "multiply" else (self.left.multiplier, self.right.multiplier)
        )
        lists = (self.shape, self.left.strides, self.right.strides)
        members = [*("{ " + ", ".join(map(str, numbers)) + " }" for numbers in lists), *map(str, multipliers)]
        statement = (
            f"static const cs_binary16 layer = {{ {', '.join(members)} }};\n    "
            f"cs_{self.operation}_s16(&layer, {', '.join(sources)}, {context.at(self.output)});"
        )
        return LayerCode(prefix, arrays, context.render("elementwise.c.j2", prefix=prefix, statement=statement))
