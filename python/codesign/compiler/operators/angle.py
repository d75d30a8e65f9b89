# SPDX-License-Identifier: Apache-2.0
"""Phases of complex numbers, in radians."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter

_HINT = (
    "take cosine and sine of it, which are parts over the magnitude, or the phase of the spectrum itself: a chain gives it as "
    'inputs = { name = "phase" } (docs/model-file.md)'
)


@dataclass(frozen=True)
class Angle(Operator):
    """The angle of (re, im), two values of one shape, in −π … π: atan2(im, re), but −π where im is 0 and re below 0, as files
    have it, and 0 of 0.
    """

    im: str
    re: str
    output: str

    @property
    def label(self) -> str:
        return "angle"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.im, self.re)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (im, re), (output,) = sources, outputs
        return replace(self, name=name, im=im, re=re, output=output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        if known[self.re] != known[self.im]:
            raise InputError(f"{self.name}: '{self.re}' of {list(known[self.re])} and '{self.im}' of {list(known[self.im])}")
        return {self.output: known[self.re]}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        re, im = values[self.re], values[self.im]
        angle = np.arctan2(np.abs(im), re)
        return {self.output: grid(self.output, np.where(im > 0, angle, -angle))}

    @property
    def bounds(self) -> tuple[float, float]:
        return -math.pi, math.pi

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
        name, made = writer.inner(self), 0

        def node(kind: str, *inputs: str) -> str:
            nonlocal made
            made += 1
            writer.node(kind, list(inputs), f"{name}/phase{made}", label=self.name if made == 1 else "")
            return f"{name}/phase{made}"

        def number(value: float) -> str:
            return writer.scalar(np.float32(value))

        angle = phase_nodes(node, number, writer.tensor(self.im), writer.tensor(self.re))
        writer.finish(self.output, node("Where", node("IsNaN", angle), number(0.0), angle))

    @property
    def has_float(self) -> bool:
        return True

    @property
    def compresses(self) -> bool:
        return True

    def in_float(self, steps: FloatSteps) -> None:
        shape = steps.arrangement(self.re).shape
        steps.pair(self.output, "phase", steps.vector(self.im), steps.vector(self.re), shape)

    def lower(self, context: Context) -> None:
        raise InputError(f"{self.name}: takes a phase in radians of values that are integers here", hint=_HINT)


def phase_nodes(node: Callable[..., str], number: Callable[[float], str], im: str, re: str) -> str:
    """The phase as exporters write it, ONNX having no such operator: `node` adds one of a kind and inputs, `number` a constant.
    NaN of 0.
    """
    zero, turn = number(0.0), number(math.pi)
    slope = node("Atan", node("Div", im, re))
    behind = node("Where", node("Greater", im, zero), node("Add", slope, turn), node("Sub", slope, turn))
    return node("Where", node("Less", re, zero), behind, slope)
