# SPDX-License-Identifier: Apache-2.0
"""Magnitudes of complex numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.lower.magnitude import lower_magnitude
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Magnitude(Operator):
    """√(re² + im² + floor) of two values of one shape."""

    re: str
    im: str
    output: str
    floor: float = 0.0

    @property
    def label(self) -> str:
        return "magnitude"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.re, self.im)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (re, im), (output,) = sources, outputs
        return replace(self, name=name, re=re, im=im, output=output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        if known[self.re] != known[self.im]:
            raise InputError(f"{self.name}: '{self.re}' of {list(known[self.re])} and '{self.im}' of {list(known[self.im])}")
        return {self.output: known[self.re]}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        squares = np.square(values[self.re]) + np.square(values[self.im])
        return {self.output: grid(self.output, np.sqrt(squares + self.floor))}

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, math.inf

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        """Those of the parts, where these are int16 of one scale and hold it: what joins all three rounds nothing again."""
        own = calibration.integers(self.output)
        found = {calibration.quants.get(name) for name in self.sources}
        quant = found.pop() if len(found) == 1 else None
        fits = quant is not None and quant.bits == own.bits == 16 and quant.scale >= 0.7 * own.scale
        return {self.output: quant if fits and quant is not None else own}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        name, two = writer.inner(self), writer.scalar(np.float32(2.0))
        for part, source in zip(("re", "im"), self.sources, strict=True):
            writer.node("Pow", [writer.tensor(source), two], f"{name}/{part}")
        writer.node("Add", [f"{name}/re", f"{name}/im"], f"{name}/sum")
        squares = f"{name}/sum"
        if self.floor:
            writer.node("Add", [squares, writer.scalar(np.float32(self.floor))], f"{name}/floor")
            squares = f"{name}/floor"
        writer.node("Sqrt", [squares], f"{name}/magnitude", label=self.name)
        writer.finish(self.output, f"{name}/magnitude")

    @property
    def has_float(self) -> bool:
        return True

    def in_float(self, steps: FloatSteps) -> None:
        shape = steps.arrangement(self.re).shape
        steps.pair(self.output, "magnitude", steps.vector(self.re), steps.vector(self.im), shape, self.floor)

    def lower(self, context: Context) -> None:
        lower_magnitude(context, self)
