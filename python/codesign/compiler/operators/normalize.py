# SPDX-License-Identifier: Apache-2.0
"""Layer normalization at run time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.reductions import lower_normalize
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Normalize(Operator):
    """gain · (x − mean) / √(variance + epsilon) + bias over the last axes, whose shape gain and bias (float64) have."""

    source: str
    output: str
    gain: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    epsilon: float

    @property
    def label(self) -> str:
        return "normalize"

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
        if shape[len(shape) - self.gain.ndim :] != self.gain.shape or self.gain.shape != self.bias.shape:
            raise InputError(f"{self.name}: normalizes {list(shape)} over {list(self.gain.shape)}")
        return {self.output: shape}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        x, axes = values[self.source], tuple(range(-self.gain.ndim, 0))
        centred = x - x.mean(axes, keepdims=True)
        scaled = centred / np.sqrt(np.square(centred).mean(axes, keepdims=True) + self.epsilon)
        return {self.output: grid(self.output, scaled * self.gain + self.bias)}

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
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        operands = [writer.constant(f"{name}/{what}", getattr(self, what).astype(np.float32)) for what in ("gain", "bias")]
        inputs, axis = [writer.tensor(self.source), *operands], -self.gain.ndim
        writer.node("LayerNormalization", inputs, f"{name}/norm", label=self.name, axis=axis, epsilon=self.epsilon)
        writer.finish(self.output, f"{name}/norm")

    def lower(self, context: Context) -> None:
        lower_normalize(context, self)
