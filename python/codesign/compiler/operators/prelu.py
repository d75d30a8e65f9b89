# SPDX-License-Identifier: Apache-2.0
"""PReLU with a slope a channel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.activation import lower_prelu, rounded_slopes
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Prelu(Operator):
    """x above zero, factor · x below; factors float64 have as many axes as the source, of size 1 but for one."""

    source: str
    output: str
    factors: npt.NDArray[np.float64]
    quant: Quant | None = None
    """What integers the file has for the factors."""

    @property
    def label(self) -> str:
        return "prelu"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (source,), (output,) = sources, outputs
        return replace(self, name=name, source=source, output=output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        return {self.output: known[self.source]}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        x = values[self.source]
        return {self.output: grid(self.output, np.where(x < 0.0, x * self.factors, x))}

    @property
    def bounds(self) -> tuple[float, float]:
        return -math.inf, math.inf

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        return {self.output: calibration.measured(self.output)}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        integers, scale = rounded_slopes(self.factors)
        return replace(self, factors=np.asarray(integers * scale, np.float64).reshape(self.factors.shape)), {}

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        slopes = writer.constant(f"{name}/slopes", self.factors.astype(np.float32))
        writer.node("PRelu", [writer.tensor(self.source), slopes], f"{name}/prelu", label=self.name)
        writer.finish(self.output, f"{name}/prelu")

    def lower(self, context: Context) -> None:
        lower_prelu(context, self)

    @property
    def slopes(self) -> Real | None:
        channels = self.factors.shape[0]
        return self.factors.ravel() if self.factors.size == channels else None
