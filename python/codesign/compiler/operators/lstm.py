# SPDX-License-Identifier: Apache-2.0
"""One step of an LSTM without peepholes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.lstm import lower_lstm, lstm_quants
from codesign.compiler.model.graph import GATES, Matrix, Quant
from codesign.compiler.operators.headroom import products_reach, saturating_bias
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape
from codesign.compiler.operators.rounding import sigmoid
from codesign.compiler.operators.scales import (
    LOGIT,
    LSTM_STEP,
    cell_quant,
    group_scales,
    hidden_quant,
    int8_side_by_side,
    widest_step,
)

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter

ONE_STATE_HINT = "export it with two states: initial_h is what it gave before, initial_c the cell that goes with it"


@dataclass(frozen=True)
class LstmCell(Operator):
    """One step of an LSTM without peepholes. The rows of both matrices and of the bias (float64, 4·units) are the gates
    input, forget, cell, output (see `GATES`), `units` rows each.

    `hidden` and `cell` are what it goes on from, the values `output` and `cell_output` what it has become.
    """

    source: str
    hidden: str
    cell: str
    output: str
    cell_output: str
    input_weight: Matrix
    recurrent_weight: Matrix
    bias: npt.NDArray[np.float64]
    cell_clip: float = 0.0
    """The cell state stays within ± this number; 0 for no limit."""

    @property
    def units(self) -> int:
        return len(self.bias) // 4

    @property
    def label(self) -> str:
        return "lstm"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source, self.hidden, self.cell)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output, self.cell_output)

    @property
    def carried(self) -> Mapping[str, str]:
        return {self.hidden: self.output, self.cell: self.cell_output}

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (source, hidden, cell), (output, cell_output) = sources, outputs
        return replace(self, name=name, source=source, hidden=hidden, cell=cell, output=output, cell_output=cell_output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        wanted = {self.source: self.input_weight.values.shape[1], self.hidden: self.units, self.cell: self.units}
        for name, size in wanted.items():
            if np.prod(known[name], dtype=np.int64) != size:
                raise InputError(f"{self.name}: '{name}' has {np.prod(known[name])} elements where {size} are expected")
        if self.hidden == self.cell:
            raise InputError(f"{self.name}: '{self.hidden}' is both its hidden and its cell state", hint=ONE_STATE_HINT)
        return {self.output: (self.units,), self.cell_output: (self.units,)}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        w, r = self.input_weight.values.astype(np.float64), self.recurrent_weight.values.astype(np.float64)
        gates = w @ values[self.source].ravel() + r @ values[self.hidden].ravel() + self.bias
        i, f, g, o = np.split(gates, 4)
        cell = sigmoid(f) * values[self.cell].ravel() + sigmoid(i) * np.tanh(g)
        cell = grid(self.cell_output, np.clip(cell, -self.cell_clip, self.cell_clip) if self.cell_clip else cell)
        return {self.cell_output: cell, self.output: grid(self.output, sigmoid(o) * np.tanh(cell))}

    @property
    def bounds(self) -> tuple[float, float]:
        return -1.0, 1.0

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return (self.input_weight, self.recurrent_weight)

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.cell_output, self.output)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        cell = cell_quant(np.concatenate([calibration.seen[self.cell_output].ravel(), calibration.start(self.cell)]))
        source = calibration.quants.get(self.source)
        wide = calibration.is_wide(self.output) or (source is not None and source.bits == 16)  # an int16 source needs that
        hidden = hidden_quant(wide, calibration.start(self.hidden))
        return {self.hidden: hidden, self.output: hidden, self.cell: cell, self.cell_output: cell}

    @property
    def source_step(self) -> float:
        return widest_step(self.input_weight.values, len(GATES), LSTM_STEP)

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        hidden, source = calibration.quants[self.hidden], calibration.quants.get(self.source)
        reach = products_reach(self.recurrent_weight.values.astype(np.float64), hidden)
        if source is not None:
            reach = reach + products_reach(self.input_weight.values.astype(np.float64), source)
        values = [matrix.values.astype(np.float64) for matrix in self.matrices]
        quants = (source, hidden)
        scales = [group_scales(each, len(GATES), quant, LSTM_STEP) for each, quant in zip(values, quants, strict=True)]
        inputs, recurrent = int8_side_by_side(values, scales, calibration.moments.get(self.name))
        bias = saturating_bias(self.bias, reach, LOGIT)
        return replace(self, input_weight=inputs, recurrent_weight=recurrent, bias=bias), {}

    def multiplied(self, values: Mapping[str, Real]) -> Real | None:
        return np.concatenate([values[self.source].ravel(), values[self.hidden].ravel()])[None]

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        parts = (("input", self.source, self.input_weight), ("recurrent", self.hidden, self.recurrent_weight))
        products = [writer.gemm(f"{name}/{kind}", writer.tensor(source), matrix) for kind, source, matrix in parts]
        writer.node("Add", products, f"{name}/products")
        bias = writer.constant(f"{name}/bias", self.bias.astype(np.float32)[None, :])
        writer.node("Add", [f"{name}/products", bias], f"{name}/gates")
        gates = writer.round_trip(f"{name}/gates", LOGIT, f"{name}/gates_q")
        sizes = writer.constant(f"{name}/split", np.full(4, self.units, np.int64))
        writer.nodes_of("Split", [gates, sizes], [f"{name}/{gate}" for gate in "ifgo"], f"{name}/split_gates", axis=1)
        i, f, o = (writer.unit("Sigmoid", f"{name}/{gate}") for gate in "ifo")
        g = writer.unit("Tanh", f"{name}/g")
        writer.node("Mul", [f, writer.tensor(self.cell)], f"{name}/kept")
        writer.node("Mul", [i, g], f"{name}/added")
        writer.node("Add", [f"{name}/kept", f"{name}/added"], f"{name}/cell")
        cell = writer.round_trip(f"{name}/cell", writer.quants[self.cell_output], f"{name}/cell_q")
        squashed = writer.unit("Tanh", cell, f"{name}/cell_tanh")
        writer.node("Mul", [o, squashed], f"{name}/hidden", label=self.name)
        hidden = writer.round_trip(f"{name}/hidden", writer.quants[self.output], f"{name}/hidden_q")
        writer.carry(self, self.output, hidden)
        writer.carry(self, self.cell_output, cell)

    def carried_quants(self, context: Context) -> Mapping[str, Quant]:
        return lstm_quants(context, self)

    def lower(self, context: Context) -> None:
        lower_lstm(context, self)
