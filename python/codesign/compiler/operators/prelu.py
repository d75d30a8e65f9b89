# SPDX-License-Identifier: Apache-2.0
"""A factor for negative numbers, one for each channel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.conv import lower_prelu
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Prelu(Operator):
    """x where x ≥ 0, else factor · x; factors float64 (channels,), channels being the first axis of `source`."""

    source: str
    output: str
    factors: npt.NDArray[np.float64]

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
        shape = known[self.source]
        if shape[0] != len(self.factors):
            raise InputError(f"{self.name}: {len(self.factors)} slopes meet '{self.source}' of shape {list(shape)}")
        return {self.output: shape}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        x = values[self.source]
        factors = self.factors.reshape(-1, *[1] * (x.ndim - 1))
        return {self.output: grid(self.output, np.where(x < 0.0, factors * x, x))}

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
        return {self.output: calibration.integers(self.output)}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        name, axes = writer.inner(self), len(writer.shape(self.source)) - 1
        slope = self.factors.astype(np.float32).reshape(-1, *[1] * axes)
        inputs = [writer.tensor(self.source), writer.constant(f"{name}/slope", slope)]
        writer.node("PRelu", inputs, f"{name}/prelu", label=self.name)
        writer.finish(self.output, f"{name}/prelu")

    def lower(self, context: Context) -> None:
        lower_prelu(context, self)

    @property
    def slopes(self) -> Real | None:
        return self.factors
