# SPDX-License-Identifier: Apache-2.0
"""A function of every element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from codesign.compiler.lower.activation import lower_activation
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.curve import Expression, write_function
from codesign.compiler.operators.float_functions import FLOAT_FUNCTIONS, curve_steps, function_steps, is_compressing, is_float
from codesign.compiler.operators.functions import FUNCTIONS
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape
from codesign.compiler.operators.scales import UNIT

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Activation(Operator):
    """An element-wise function: one of `FUNCTIONS` with its parameters, "clip" (to low … high), or "curve", an expression."""

    kind: str
    source: str
    output: str
    low: float = float("-inf")
    high: float = float("inf")
    parameters: tuple[float, ...] = ()
    curve: Expression | None = None

    @property
    def label(self) -> str:
        return self.kind

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

    def real(self, x: Real) -> Real:
        """The function itself; NaN or infinite where it has no value."""
        if self.kind == "clip":
            return np.clip(x, self.low, self.high)
        if self.curve is not None:
            return self.curve.of(x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # who asks looks at what comes out
            return np.asarray(FUNCTIONS[self.kind].of(x, self.parameters))

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        return {self.output: grid(self.output, self.real(values[self.source]))}

    @property
    def bounds(self) -> tuple[float, float]:
        if self.kind in ("clip", "curve"):
            return self.low, self.high
        if self.kind == "pow" and self.parameters[0] % 2 != 1:  # an odd exponent alone keeps a sign
            return 0.0, FUNCTIONS["pow"].high
        return FUNCTIONS[self.kind].low, FUNCTIONS[self.kind].high

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        maker = calibration.graph.maker(self.source)
        wide = maker is not None and maker.gives_int16 and calibration.graph.follower(self.source) is not None
        wide = wide and (self.table is not None or self.clamp is not None)  # the maker's layer computes it
        quant = calibration.measured(self.output) if wide else calibration.integers(self.output)
        if self.table is not None:  # its integers are of UNIT, and a finer scale would hold nothing more
            quant = replace(quant, scale=max(quant.scale, UNIT.scale)) if quant.bits == 8 else UNIT
        return {self.output: quant}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        name, source = writer.inner(self), writer.tensor(self.source)
        result = f"{name}/{self.kind}"
        if self.curve is not None:
            result = self.curve.write(writer, name, source)
        elif self.kind == "silu":
            writer.node("Sigmoid", [source], f"{name}/sigmoid")
            writer.node("Mul", [source, f"{name}/sigmoid"], result, label=self.name)
        else:
            parameters = (self.low, self.high) if self.kind == "clip" else self.parameters
            write_function(writer, self.kind, [source], result, parameters, label=self.name)
        writer.finish(self.output, result)

    @property
    def has_float(self) -> bool:
        return all(kind in FLOAT_FUNCTIONS and is_float(kind, parameters) for kind, parameters in self._parts)

    @property
    def compresses(self) -> bool:
        return any(is_compressing(kind, parameters) for kind, parameters in self._parts)

    @property
    def _parts(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """The functions that it is made of, with their parameters."""
        if self.curve is None:
            return ((self.kind, (self.low, self.high) if self.kind == "clip" else self.parameters),)
        return tuple((node.kind, node.parameters) for node in self.curve.nodes)

    def in_float(self, steps: FloatSteps) -> None:
        shape = steps.arrangement(self.source).shape
        if self.curve is not None:
            curve_steps(steps, self.curve, self.source, self.output, shape)
            return
        ((kind, parameters),) = self._parts
        function_steps(steps, kind, parameters, steps.vector(self.source), self.output, shape)

    def lower(self, context: Context) -> None:
        lower_activation(context, self)

    @property
    def clamp(self) -> tuple[float, float] | None:
        return self.bounds if self.kind in ("relu", "clip") else None

    @property
    def slopes(self) -> Real | None:
        return np.array(self.parameters) if self.kind in ("leakyrelu", "prelu") else None

    @property
    def table(self) -> Literal["sigmoid", "tanh"] | None:
        match self.kind:
            case "sigmoid" | "tanh" as kind:
                return kind
        return None

    @property
    def homogeneous(self) -> bool:
        if self.kind == "clip":
            return (self.low, self.high) == (0.0, np.inf)
        if self.curve is not None:
            return False
        return FUNCTIONS[self.kind].homogeneous
