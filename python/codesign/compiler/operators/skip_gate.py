# SPDX-License-Identifier: Apache-2.0
"""The gate of a Skip RNN: it decides which steps compute the LSTM layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.skip_gate import lower_skip_gate
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape
from codesign.compiler.operators.rounding import sigmoid
from codesign.compiler.operators.scales import LOGIT, UNIT, int8_rows

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class SkipGate(Operator):
    """Skip RNN (Campos et al., ICLR 2018, eq. 2–6): a step updates the LSTM layers `layers` only when state ≥ 0.5.

    After a step, delta = sigmoid(weight · source + bias) with `source` the hidden state of one of the layers after that
    step; the gate's next state is delta when the step updated, else min(state + delta, 1).
    """

    state: str
    layers: tuple[str, ...]
    source: str
    weight: Matrix
    bias: npt.NDArray[np.float64]
    output: str = ""
    """The value that is the next state; "" for one that is called after the state."""

    @property
    def label(self) -> str:
        return "skipgate"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source, self.state)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output or f"{self.state}:next",)

    @property
    def carried(self) -> Mapping[str, str]:
        return {self.state: self.outputs[0]}

    @property
    def guards(self) -> tuple[str, ...]:
        return self.layers

    def is_open(self, values: Mapping[str, Real]) -> bool:
        return bool(values[self.state].ravel()[0] >= 0.5)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (source, state), (output,) = sources, outputs
        return replace(self, name=name, source=source, state=state, output=output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        if len(self.bias) != 1:
            raise InputError(f"{self.name}: the gate has {len(self.bias)} outputs, not 1")
        if math.prod(known[self.source]) != self.weight.values.shape[1]:
            columns, size = self.weight.values.shape[1], math.prod(known[self.source])
            raise InputError(f"{self.name}: weights for {columns} inputs meet '{self.source}' of {size}")
        return {self.outputs[0]: (1,)}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        delta = sigmoid(self.weight.values.astype(np.float64) @ values[self.source].ravel() + self.bias)
        new = delta if self.is_open(values) else np.minimum(values[self.state] + delta, 1.0)
        return {self.outputs[0]: grid(self.state, new)}

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, 1.0

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return (self.weight,)

    @property
    def observed(self) -> tuple[str, ...]:
        return ()

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        return {self.state: UNIT}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        weight, bias = int8_rows(self.weight, self.bias, calibration.quants.get(self.source), LOGIT)
        return replace(self, weight=weight, bias=bias), {}

    def write(self, writer: QdqWriter) -> None:
        name, old = writer.inner(self), writer.tensor(self.state)
        logit = writer.gemm(f"{name}/logit", writer.tensor(self.source), self.weight, self.bias)
        delta = writer.unit("Sigmoid", writer.round_trip(logit, LOGIT, f"{logit}_q"), f"{name}/delta")
        writer.node("Add", [old, delta], f"{name}/sum")
        one = writer.constant(f"{name}/one", np.array([[1.0]], np.float32))
        writer.node("Min", [f"{name}/sum", one], f"{name}/limited")
        next_state = writer.state_output(self.state)
        writer.node("Where", [f"{name}/update", delta, f"{name}/limited"], next_state, label=self.name)
        writer.give(self.outputs[0], next_state)

    def carried_quants(self, context: Context) -> Mapping[str, Quant]:
        return {self.state: UNIT}

    def lower(self, context: Context) -> None:
        lower_skip_gate(context, self)
