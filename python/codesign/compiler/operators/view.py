# SPDX-License-Identifier: Apache-2.0
"""A value in another shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.lower.rearrange import lower_view
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class View(Operator):
    """The elements of `source` in row-major order, as a value of `shape` (without the batch)."""

    source: str
    output: str
    shape: Shape

    @property
    def label(self) -> str:
        return "view"

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
        if math.prod(known[self.source]) != math.prod(self.shape):
            raise InputError(
                f"{self.name}: '{self.source}' of shape {list(known[self.source])} cannot become {list(self.shape)}"
            )
        return {self.output: self.shape}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        return {self.output: grid(self.output, values[self.source].reshape(self.shape))}

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
        shape = writer.constant(f"{name}/shape", np.array([1, *self.shape], np.int64))
        writer.node("Reshape", [writer.tensor(self.source), shape], f"{name}/view", label=self.name)
        writer.finish(self.output, f"{name}/view")

    def lower(self, context: Context) -> None:
        lower_view(context, self)
