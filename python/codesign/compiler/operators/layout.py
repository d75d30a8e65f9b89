# SPDX-License-Identifier: Apache-2.0
"""What operators have in common that move elements and compute nothing."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.lower.arrangement import lower_layout
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration


@dataclass(frozen=True)
class Layout(Operator):
    """An operator whose one output holds elements of its sources, and zeros, in another order. Chains of them are one copy."""

    @abstractmethod
    def moved(self, sources: Sequence[Real]) -> Real:
        """The output from the sources, float64 of their shapes."""

    @abstractmethod
    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        """The same of elements that are not in place yet; None where that would take too many pieces."""

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        (output,) = self.outputs
        return {output: grid(output, self.moved([values[name] for name in self.sources]))}

    @property
    def bounds(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def reach(self, sources: Sequence[tuple[float, float]]) -> tuple[float, float]:
        return min(0.0, *(low for low, _ in sources)), max(0.0, *(high for _, high in sources))  # it may fill with zeros

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()

    @property
    def observed(self) -> tuple[str, ...]:
        return self.outputs if len(self.sources) > 1 else ()  # a part of one value is as wide as that

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        (output,) = self.outputs
        return {output: calibration.kept(self.sources, output)}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    @property
    def moves(self) -> bool:
        return True

    @property
    def has_float(self) -> bool:
        return True

    def in_float(self, steps: FloatSteps) -> None:
        (output,) = self.outputs
        steps.arrange(self.name, output, self.arranged([steps.arrangement(name) for name in self.sources]))

    def lower(self, context: Context) -> None:
        lower_layout(context, self)
