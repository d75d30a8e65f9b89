# SPDX-License-Identifier: Apache-2.0
"""The mean along axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.compiler.lower.reductions import lower_mean
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Mean(Operator):
    """The mean of `source`, or with `squares` of its squares, over `axes` (of the shape without the batch), which stay as 1."""

    source: str
    output: str
    axes: tuple[int, ...]
    squares: bool = False

    @property
    def label(self) -> str:
        return "meansquare" if self.squares else "mean"

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
        return {self.output: tuple(1 if axis in self.axes else n for axis, n in enumerate(known[self.source]))}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        x = values[self.source]
        return {self.output: grid(self.output, (np.square(x) if self.squares else x).mean(self.axes, keepdims=True))}

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0 if self.squares else -math.inf, math.inf

    def reach(self, sources: Sequence[tuple[float, float]]) -> tuple[float, float]:
        return self.bounds if self.squares else sources[0]

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        """What calibration saw, but no finer than the kernel's product with the largest sum of squares."""
        quant, source = calibration.measured(self.output), calibration.quants.get(self.source)
        if not self.squares or source is None:
            return {self.output: quant}
        reach = source.scale * ((32767 if source.bits == 16 else 128) + abs(source.zero_point))
        return {self.output: replace(quant, scale=max(quant.scale, float(np.float32(1.001 * reach**2 / 2**28))))}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        name, source = writer.inner(self), writer.tensor(self.source)
        if self.squares:
            source = f"{name}/squares"
            writer.node("Mul", [writer.tensor(self.source)] * 2, source)
        axes = writer.constant(f"{name}/axes", np.array([axis + 1 for axis in self.axes], np.int64))
        writer.node("ReduceMean", [source, axes], f"{name}/mean", label=self.name, keepdims=1)
        writer.finish(self.output, f"{name}/mean")

    @property
    def has_float(self) -> bool:
        return True

    def in_float(self, steps: FloatSteps) -> None:
        source = steps.arrangement(self.source)
        shape = self.shapes({self.source: source.shape})[self.output]
        if self.squares:
            vector = steps.vector(self.source)
            steps.pair(self.output, "multiply", vector, vector, source.shape)
            source = steps.arrangement(self.output)
        last = [axis for axis in range(len(shape)) if axis not in self.axes] + list(self.axes)
        steps.arrange(self.name, self.output, source.transpose(last))
        count = math.prod(source.shape[axis] for axis in self.axes)
        steps.bands(self.output, steps.vector(self.output), np.full((1, count), 1.0 / count), shape)

    def lower(self, context: Context) -> None:
        lower_mean(context, self)
