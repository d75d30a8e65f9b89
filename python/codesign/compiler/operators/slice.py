# SPDX-License-Identifier: Apache-2.0
"""A part of a value along an axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.lower.rearrange import lower_slice
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Slice(Operator):
    """Elements start … stop − 1 of `source` along `axis` (of the shape without the batch)."""

    source: str
    output: str
    start: int
    stop: int
    axis: int = 0

    @property
    def label(self) -> str:
        return "slice"

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
        if not 0 <= self.axis < len(shape) or not 0 <= self.start < self.stop <= shape[self.axis]:
            raise InputError(
                f"{self.name}: no elements {self.start} to {self.stop - 1} along axis {self.axis} of {list(shape)}"
            )
        return {self.output: (*shape[: self.axis], self.stop - self.start, *shape[self.axis + 1 :])}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        part = values[self.source].take(np.arange(self.start, self.stop), self.axis)
        return {self.output: grid(self.output, part)}

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
        return {self.output: calibration.kept(self.sources, self.output)}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        bounds = zip(("start", "stop", "axis"), (self.start, self.stop, self.axis + 1), strict=True)
        inputs = [writer.constant(f"{name}/{what}", np.array([number], np.int64)) for what, number in bounds]
        writer.node("Slice", [writer.tensor(self.source), *inputs], f"{name}/slice", label=self.name)
        writer.finish(self.output, f"{name}/slice")

    def lower(self, context: Context) -> None:
        lower_slice(context, self)
