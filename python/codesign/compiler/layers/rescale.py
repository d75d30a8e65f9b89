# SPDX-License-Identifier: Apache-2.0
"""int8 or int16 → int8 or int16 with another scale, and its kin with a slope of each channel below zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm_twice
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Rescale(Elementwise):
    """clamp(MBQM2(q − zero_point_in, multiplier, shift) + zero_point, low, high): TFLite's QUANTIZE, and ReLU by its bounds."""

    multiplier: int
    shift: int
    zero_point_in: int
    zero_point: int
    low: int
    high: int
    wide_in: bool
    wide: bool

    kind: ClassVar[str] = "rescale"

    @property
    def title(self) -> str:
        return f"{_bits(self.wide_in)}→{_bits(self.wide)}"

    @property
    def members(self) -> str:
        """Initializers of a cs_rescale."""
        numbers = self.multiplier, self.shift, self.zero_point_in, self.zero_point, self.low, self.high
        return ", ".join(map(str, (*numbers, int(self.wide_in), int(self.wide))))

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        value = values[self.source] - self.zero_point_in
        values[self.output] = self.finished(mbqm_twice(value, self.multiplier, self.shift))

    def finished(self, scaled: Ints) -> Ints:
        """The output from what has its scale."""
        return np.clip(scaled + self.zero_point, self.low, self.high)

    def code(self, context: CodeContext) -> LayerCode:
        layer = f"static const cs_rescale layer = {{{{ {self.members} }}}};\n    "
        return self.call(layer + "cs_rescale_elements(&layer, {x}, {y}, {n});", context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}


@dataclass(frozen=True)
class Slopes(Rescale):
    """PReLU and LeakyReLU. Below the zero point MBQM2((q − zero_point_in) · slopes[channel], below_multiplier, below_shift)
    takes the place of the other; slopes int16 (channels,), the value row-major [.., channels, inner].
    """

    slopes: npt.NDArray[np.int16]
    inner: int
    below_multiplier: int
    below_shift: int

    kind: ClassVar[str] = "slopes"

    @property
    def title(self) -> str:
        return f"slopes of {len(self.slopes)}, {_bits(self.wide)}"

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.slopes,)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        value = values[self.source] - self.zero_point_in
        slopes = self.slopes.astype(np.int64)[np.arange(value.size) // self.inner % len(self.slopes)]
        below = mbqm_twice(value * slopes, self.below_multiplier, self.below_shift)
        values[self.output] = self.finished(np.where(value >= 0, mbqm_twice(value, self.multiplier, self.shift), below))

    def code(self, context: CodeContext) -> LayerCode:
        slopes = Array.of(context.member(self.name, "slopes"), self.slopes)
        numbers = f"{self.below_multiplier}, {self.below_shift}, {slopes.name}, {len(self.slopes)}, {self.inner}"
        layer = f"static const cs_slopes layer = {{{{ {{{{ {self.members} }}}}, {numbers} }}}};\n    "
        return self.call(layer + "cs_apply_slopes(&layer, {x}, {y}, {n});", context, (slopes,))


def _bits(wide: bool) -> str:
    return "int16" if wide else "int8"
