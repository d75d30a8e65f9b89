# SPDX-License-Identifier: Apache-2.0
"""Magnitude of complex numbers, int16."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.roots import even_leading_zeros, high, reciprocal_root
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Magnitude(Layer):
    """√(re² + im²) · multiplier · 2^(shift − 31) of two int16 values of one scale, int16, at most 32767."""

    re: str
    im: str
    output: str
    multiplier: int
    shift: int

    kind: ClassVar[str] = "magnitude"

    @property
    def title(self) -> str:
        return "magnitude, int16"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.re, self.im)

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
        return ()

    @property
    def scratch_bytes(self) -> int:
        return 0

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        sums = values[self.re] ** 2 + values[self.im] ** 2
        zeros = np.array([even_leading_zeros(x, 32) for x in sums.tolist()], np.int64)
        w = (sums << zeros) >> 1
        root = high(w, reciprocal_root(w))
        right = 11 + zeros // 2 - self.shift  # after the high half
        scaled = (high(root, self.multiplier) + (1 << (right - 1))) >> right
        values[self.output] = np.where(sums > 0, np.clip(scaled, 0, 32767), 0)

    def code(self, context: CodeContext) -> LayerCode:
        prefix, n = context.functions[self.name], context.values[self.output].size
        values = ", ".join(context.at(name) for name in (self.re, self.im, self.output))
        statement = f"cs_magnitude_s16({self.multiplier}, {self.shift}, {values}, {n});"
        return LayerCode(prefix, (), context.render("elementwise.c.j2", prefix=prefix, statement=statement))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
