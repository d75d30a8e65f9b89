# SPDX-License-Identifier: Apache-2.0
"""A linear layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.linear import lower_linear
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.headroom import least_output_scale
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape
from codesign.compiler.operators.scales import LOGIT, int8_rows

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Linear(Operator):
    """output = weight · source + bias; bias float64 (rows,). Over the last axis of a source of several."""

    source: str
    output: str
    weight: Matrix
    bias: npt.NDArray[np.float64]

    @property
    def label(self) -> str:
        return "linear"

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
        rows, columns = self.weight.values.shape
        shape = known[self.source]
        if math.prod(shape) == columns:
            return {self.output: (rows,)}
        if shape[-1] != columns:
            found = math.prod(shape) if len(shape) == 1 else list(shape)
            raise InputError(f"{self.name}: weights for {columns} inputs meet '{self.source}' of {found}")
        return {self.output: (*shape[:-1], rows)}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        source, (rows, columns) = values[self.source], self.weight.values.shape
        shape = (rows,) if source.size == columns else (*source.shape[:-1], rows)
        sums = source.reshape(-1, columns) @ self.weight.values.astype(np.float64).T + self.bias
        return {self.output: grid(self.output, sums.reshape(shape))}

    @property
    def bounds(self) -> tuple[float, float]:
        return -math.inf, math.inf

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return (self.weight,)

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        follower = calibration.graph.follower(self.output)
        if follower is not None and follower.table is not None:
            return {self.output: LOGIT}
        if follower is not None and follower.clamp is not None:
            return {}  # the clamp's output is this layer's
        return {self.output: calibration.measured(self.output)}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        follower, quants = calibration.graph.follower(self.output), calibration.quants
        result = follower.outputs[0] if follower is not None and follower.clamp is not None else self.output
        source = quants.get(self.source)
        weight, bias = int8_rows(self.weight, self.bias, source, quants.get(result), calibration.moments.get(self.name))
        changed = replace(self, weight=weight, bias=bias)
        if source is None or result not in quants or quants[result].bits != 8:
            return changed, {}
        least = least_output_scale(weight, bias, source)
        return changed, {result: replace(quants[result], scale=float(np.float32(max(quants[result].scale, least))))}

    def write(self, writer: QdqWriter) -> None:
        name = f"{writer.inner(self)}/linear"
        apply = writer.gemm if writer.size(self.source) == self.weight.values.shape[1] else writer.matmul
        source = writer.vector(self.source) if apply == writer.gemm else writer.tensor(self.source)
        product = apply(name, source, self.weight, self.bias, label=self.name)
        writer.finish(self.output, product)

    @property
    def has_float(self) -> bool:
        """Of a filter bank, which comes before a logarithm: numbers that are not below 0."""
        return bool((self.bias >= 0).all() and (self.weight.values >= 0).all())

    def in_float(self, steps: FloatSteps) -> None:
        weights = self.weight.values.astype(np.float64)
        shape = self.shapes({self.source: steps.arrangement(self.source).shape})[self.output]
        steps.bands(self.output, steps.vector(self.source), weights, shape)
        if self.bias.any():
            steps.pair(self.output, "add", steps.vector(self.output), steps.numbers(self.bias, shape), shape)

    def write_float(self, writer: QdqWriter) -> None:
        name = f"{writer.inner(self)}/bands"
        source = writer.tensor(self.source)
        if writer.size(self.source) == self.weight.values.shape[1]:
            source = writer.reshaped(source, (1, writer.size(self.source)))
        writer.node("MatMul", [source, writer.constant(f"{name}/weight", self.weight.values.T)], name, label=self.name)
        if self.bias.any():
            writer.node("Add", [name, writer.constant(f"{name}/bias", self.bias.astype(np.float32))], f"{name}/sum")
            name = f"{name}/sum"
        writer.give(self.output, name)

    def lower(self, context: Context) -> None:
        lower_linear(context, self)

    @property
    def gives_int16(self) -> bool:
        return True

    def multiplied(self, values: Mapping[str, Real]) -> Real | None:
        return values[self.source].reshape(-1, self.weight.values.shape[1])

    @property
    def columns(self) -> Matrix | None:
        return self.weight

    def with_columns(self, factors: Real) -> Self:
        return replace(self, weight=_scaled(self.weight, factors[None, :]))

    def with_rows(self, factors: Real) -> Self | None:
        return replace(self, weight=_scaled(self.weight, factors[:, None]), bias=self.bias * factors)


def _scaled(matrix: Matrix, factors: Real) -> Matrix:
    return Matrix((matrix.values.astype(np.float64) * factors).astype(np.float32))
