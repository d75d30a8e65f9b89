# SPDX-License-Identifier: Apache-2.0
"""GRU, simple RNN, and an LSTM over positions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers.recurrent import Scan
from codesign.compiler.lower.recurrent import lower_recurrent
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.lstm import ONE_STATE_HINT
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape
from codesign.compiler.operators.rounding import sigmoid
from codesign.compiler.operators.scales import cell_quant, group_scales, hidden_quant, int8_side_by_side, widest_step

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter

Kind = Literal["gru", "rnn", "lstm"]
SATURATED = 3000.0
"""A pre-activation far beyond what a sigmoid or tanh tells apart, also where another source takes most of it away."""
GATES: Mapping[Kind, int] = {"gru": 3, "rnn": 1, "lstm": 4}
LSTM_TO_ONNX = (0, 3, 1, 2)


@dataclass(frozen=True)
class Recurrent(Operator):
    """One step of `positions` vectors with states of their own or, with `scan`, a run over the positions of one step, from zero
    or, where `hidden_output` is named, from states (units,) that end as `hidden_output` and `cell_output`.

    Rows of both matrices and biases (float64) are the gates: of a GRU update, reset, candidate, of an LSTM input, forget, cell,
    output. `reset_after` is ONNX's linear_before_reset; `relu` the function of an RNN in place of tanh. States are called
    `hidden` and, of an LSTM, `cell`; "" where there are none. Y = [positions, units], [units] for one position.
    """

    kind: Kind
    source: str
    hidden: str
    cell: str
    output: str
    cell_output: str
    input_weight: Matrix
    recurrent_weight: Matrix
    input_bias: npt.NDArray[np.float64]
    recurrent_bias: npt.NDArray[np.float64]
    positions: int = 1
    scan: Scan = ""
    reset_after: bool = False
    relu: bool = False
    hidden_output: str = ""
    cell_clip: float = 0.0
    """An LSTM's cell state stays within ± this number; 0 for no limit."""

    @property
    def units(self) -> int:
        return int(self.recurrent_weight.values.shape[1])

    @property
    def label(self) -> str:
        return self.kind

    @property
    def stateful(self) -> bool:
        return not self.scan or bool(self.hidden_output)

    @property
    def sources(self) -> tuple[str, ...]:
        states = (self.hidden, self.cell) if self.kind == "lstm" else (self.hidden,)
        return (self.source, *(states if self.stateful else ()))

    @property
    def outputs(self) -> tuple[str, ...]:
        after = (self.hidden_output,) if self.hidden_output else ()
        return (self.output, *after, *((self.cell_output,) if self.kind == "lstm" and self.stateful else ()))

    @property
    def carried(self) -> Mapping[str, str]:
        return dict(zip(self.sources[1:], self._after, strict=True)) if self.stateful else {}

    @property
    def _after(self) -> tuple[str, ...]:
        """Its states after the step."""
        return self.outputs[1:] if self.scan else self.outputs

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        names, after = list(outputs), ""
        if self.hidden_output:
            after = names.pop(1)
        (source, hidden, cell), (output, last) = [*sources, "", ""][:3], [*names, ""][:2]
        changed = replace(self, name=name, source=source, hidden=hidden, cell=cell, output=output, cell_output=last)
        return replace(changed, hidden_output=after)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        wanted = [self.input_weight.values.shape[1], self.units, self.units]
        for name, size in zip(self.sources, wanted, strict=False):
            many = 1 if self.scan and name != self.source else self.positions
            if math.prod(known[name]) != many * size:
                found, expected = math.prod(known[name]), many * size
                raise InputError(f"{self.name}: '{name}' has {found} elements where {expected} are expected")
        if len(set(self.sources[1:])) < len(self.sources[1:]):
            raise InputError(f"{self.name}: '{self.hidden}' is both its hidden and its cell state", hint=ONE_STATE_HINT)
        return dict.fromkeys(self._after, (self.units,) if self.scan else self._shape) | {self.output: self._shape}

    @property
    def _shape(self) -> Shape:
        return (self.units,) if self.positions == 1 else (self.positions, self.units)

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        x = values[self.source].reshape(self.positions, -1)
        if not self.scan:
            states = [values[name].reshape(self.positions, -1) for name in self.sources[1:]]
            after = self._cell(x, states)
            return {name: grid(name, state.reshape(self._shape)) for name, state in zip(self.outputs, after, strict=True)}
        states = [np.zeros((1, self.units))] * (2 if self.kind == "lstm" else 1)
        if self.stateful:
            states = [values[name].reshape(1, -1) for name in self.sources[1:]]
        result = np.zeros((self.positions, self.units))
        for p in range(self.positions)[:: 1 if self.scan == "forward" else -1]:
            states = self._cell(x[p : p + 1], states)
            result[p] = states[0][0]
        ends = zip(self._after if self.stateful else (), (state.reshape(-1) for state in states), strict=False)
        return {self.output: grid(self.output, result.reshape(self._shape)), **{name: grid(name, end) for name, end in ends}}

    def _cell(self, x: Real, states: list[Real]) -> list[Real]:
        """Hidden (and cell) states after one step of all rows."""
        h = states[0]
        w, r = (matrix.values.astype(np.float64).T for matrix in (self.input_weight, self.recurrent_weight))
        a, b = x @ w + self.input_bias, h @ r + self.recurrent_bias
        if self.kind == "rnn":
            return [np.maximum(a + b, 0.0) if self.relu else np.tanh(a + b)]
        if self.kind == "lstm":
            i, f, g, o = np.split(a + b, 4, axis=1)
            cell = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
            cell = np.clip(cell, -self.cell_clip, self.cell_clip) if self.cell_clip else cell
            return [sigmoid(o) * np.tanh(cell), cell]
        n, both = 2 * self.units, a + b
        update, reset = sigmoid(both[:, : self.units]), sigmoid(both[:, self.units : n])
        left = reset * b[:, n:] if self.reset_after else (reset * h) @ r[:, n:] + self.recurrent_bias[n:]
        return [update * h + (1.0 - update) * np.tanh(a[:, n:] + left)]

    @property
    def bounds(self) -> tuple[float, float]:
        return (0.0, math.inf) if self.relu else (-1.0, 1.0)

    @property
    def source_limit(self) -> float:
        largest = float(np.abs(self.input_weight.values.astype(np.float64)).sum(axis=1).max())
        return math.inf if self.relu or largest == 0.0 else SATURATED / largest

    @property
    def source_step(self) -> float:
        return widest_step(self.input_weight.values, GATES[self.kind])

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return (self.input_weight, self.recurrent_weight)

    @property
    def observed(self) -> tuple[str, ...]:
        return self.outputs

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        source = calibration.quants.get(self.source)
        wide = calibration.is_wide(self.output) or (self.kind == "lstm" and source is not None and source.bits == 16)
        start = calibration.start(self.hidden)
        hidden = calibration.integers(self.output) if self.relu else hidden_quant(wide, start)
        found = {self.output: hidden} | ({self.hidden: hidden} if self.stateful else {})
        if self.hidden_output:
            found[self.hidden_output] = hidden
        if self.kind == "lstm" and self.stateful:
            cells = np.concatenate([calibration.seen[self.cell_output].ravel(), calibration.start(self.cell)])
            found[self.cell] = found[self.cell_output] = cell_quant(cells)
        return found

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        quants = (calibration.quants.get(self.source), calibration.quants.get(self.output))
        values = [matrix.values.astype(np.float64) for matrix in self.matrices]
        scales = [group_scales(each, GATES[self.kind], quant) for each, quant in zip(values, quants, strict=True)]
        moment, columns = calibration.moments.get(self.name), self.input_weight.values.shape[1]
        # A GRU's candidate adds its products only after the reset gate: what one rounds wrong, the other cannot take back.
        added = len(values[0]) - (self.units if self.kind == "gru" else 0)
        parts = [(slice(None, added), moment)] if added else []
        parts += [(slice(added, None), None if moment is None else _apart(moment, columns))] if added < len(values[0]) else []
        made = [
            int8_side_by_side([each[rows] for each in values], [scale[rows] for scale in scales], of_rows)
            for rows, of_rows in parts
        ]
        inputs, recurrent = (_stacked(matrices) for matrices in zip(*made, strict=True))
        return replace(self, input_weight=inputs, recurrent_weight=recurrent), {}

    def multiplied(self, values: Mapping[str, Real]) -> Real | None:
        x = values[self.source].reshape(self.positions, -1)
        if not self.scan:
            return np.concatenate([x, values[self.hidden].reshape(self.positions, -1)], axis=1)
        first = values[self.hidden].reshape(1, -1) if self.stateful else np.zeros((1, self.units))
        after = values[self.output].reshape(self.positions, -1)
        before = (first, after[:-1]) if self.scan == "forward" else (after[1:], first)
        return np.concatenate([x, np.concatenate(before)], axis=1)

    def write(self, writer: QdqWriter) -> None:
        name, gates = writer.inner(self), GATES[self.kind]
        t, n = (self.positions, 1) if self.scan else (1, self.positions)
        order = LSTM_TO_ONNX if self.kind == "lstm" else range(gates)
        rows = np.concatenate([np.arange(self.units) + k * self.units for k in order])
        weights = [
            writer.dequantized(f"{name}/{what}", _rows(matrix, rows))
            for what, matrix in (("W", self.input_weight), ("R", self.recurrent_weight))
        ]
        both = np.concatenate([self.input_bias[rows], self.recurrent_bias[rows]]).astype(np.float32)
        x = writer.reshaped(writer.tensor(self.source), (t, n, self.input_weight.values.shape[1]))
        inputs = [x, *weights, writer.constant(f"{name}/B", both[None])]
        if self.stateful:
            inputs += ["", *(writer.reshaped(writer.tensor(state), (1, n, self.units)) for state in self.sources[1:])]
        attributes: dict[str, Any] = {"hidden_size": self.units}
        if self.kind == "gru":
            attributes["linear_before_reset"] = int(self.reset_after)
        if self.relu:
            attributes["activations"] = ["Relu"]
        if self.scan:
            attributes["direction"] = self.scan
        ends = [f"{name}/{what}" for what in "hc"[: len(self._after)]] if self.stateful else []
        after = [f"{name}/Y" if self.scan else "", *ends]
        writer.nodes_of(self.kind.upper(), inputs, after, self.name, **attributes)
        for value, tensor in zip(self.outputs, [tensor for tensor in after if tensor], strict=True):
            shape = self._shape if value == self.output else (self.units,)
            shaped = writer.reshaped(tensor, (1, *(shape if self.scan else self._shape)))
            if self.stateful and tensor in ends:
                writer.carry(self, value, writer.round_trip(shaped, writer.quants.get(value), f"{tensor}_q"))
            else:
                writer.finish(value, shaped)

    def carried_quants(self, context: Context) -> Mapping[str, Quant]:
        found = dict(super().carried_quants(context))
        for quant in found.values():
            if quant.bits == 16 and quant.zero_point:
                raise InputError(f"{self.name}: an int16 state must have zero point 0")
        return found

    def lower(self, context: Context) -> None:
        lower_recurrent(context, self)


def _rows(matrix: Matrix, rows: npt.NDArray[np.int64]) -> Matrix:
    assert matrix.quantized is not None
    assert matrix.scale is not None
    return Matrix(matrix.values[rows], matrix.quantized[rows], matrix.scale[rows])


def _apart(moment: Real, columns: int) -> Real:
    """The moment of two vectors side by side, the first of `columns`, as if neither told anything about the other."""
    changed = moment.copy()
    changed[:columns, columns:] = changed[columns:, :columns] = 0.0
    return changed


def _stacked(matrices: Sequence[Matrix]) -> Matrix:
    """Rows of int8 matrices one below the other."""
    values = np.concatenate([matrix.values for matrix in matrices])
    integers = np.concatenate([matrix.quantized for matrix in matrices if matrix.quantized is not None])
    return Matrix(values, integers, np.concatenate([matrix.scale for matrix in matrices if matrix.scale is not None]))
