# SPDX-License-Identifier: Apache-2.0
"""int16 → int8 with another scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.elementwise import elementwise_code
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Requantize(Layer):
    """int16 → int8: clamp(MultiplyByQuantizedMultiplier(q, multiplier, shift) + zero_point) to [−127, 127]."""

    source: str
    output: str
    multiplier: int
    shift: int
    zero_point: int

    kind: ClassVar[str] = "requantize"

    @property
    def title(self) -> str:
        return "int16→int8"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

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
        values[self.output] = self.apply(values[self.source])

    def apply(self, q: Ints) -> Ints:
        """int16 values → int8, both as int64."""
        return np.clip(mbqm(q, self.multiplier, self.shift) + self.zero_point, -127, 127)

    def code(self, context: CodeContext) -> LayerCode:
        call = f"cs_requantize_s16_s8({self.multiplier}, {self.shift}, {self.zero_point}, {{x}}, {{y}}, {{n}});"
        return elementwise_code(self.name, self.source, self.output, call, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
