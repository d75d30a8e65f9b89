# SPDX-License-Identifier: Apache-2.0
"""int16 → int8 with another scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Requantize(Elementwise):
    """int16 → int8: clamp(MultiplyByQuantizedMultiplier(q, multiplier, shift) + zero_point) to [−127, 127]."""

    multiplier: int
    shift: int
    zero_point: int

    kind: ClassVar[str] = "requantize"

    @property
    def title(self) -> str:
        return "int16→int8"

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        values[self.output] = self.apply(values[self.source])

    def apply(self, q: Ints) -> Ints:
        """int16 values → int8, both as int64."""
        return np.clip(mbqm(q, self.multiplier, self.shift) + self.zero_point, -127, 127)

    def code(self, context: CodeContext) -> LayerCode:
        call = f"cs_requantize_s16_s8({self.multiplier}, {self.shift}, {self.zero_point}, {{x}}, {{y}}, {{n}});"
        return self.call(call, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
