# SPDX-License-Identifier: Apache-2.0
"""An LSTM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, saturate16
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.recurrent import TwoMatrices, product
from codesign.compiler.layers.scratch import BLOCK_ROWS, prepared_bytes
from codesign.compiler.layers.tables import BEYOND, TOLERANCE, lookup16
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Lstm(TwoMatrices):
    """An LSTM, int8 in, int8 hidden state, int16 cell state with scale 2^−cell_fraction; `wide` for an int16 hidden state, with
    `wide_input` for int16 in as well. A scan has no cell state of a name. With `cell_limit` the cell state stays within ± that.

    input_weights int8 (4·units, inputs) and recurrent_weights int8 (4·units, units); rows are *unit-major*: row 4·u + k is
    gate k of unit u, gates in the order input, forget, cell, output. bias int32 (4·units,) in the same order, zero points
    and rounding folded in. Multipliers int32 and gate_shift int32 have shape (4,), one a gate.
    """

    cell: str
    input_multiplier: npt.NDArray[np.int32]
    recurrent_multiplier: npt.NDArray[np.int32]
    gate_shift: npt.NDArray[np.int32]
    cell_fraction: int
    hidden_multiplier: int
    hidden_shift: int
    hidden_zero_point: int
    cell_limit: int = 0
    unbounded: bool = False
    """Whether the file lets pre-activations go beyond ±8, where they end here."""

    kind: ClassVar[str] = "lstm"

    @property
    def title(self) -> str:
        return f"LSTM {self.shape_title}{', int16' if self.wide else ''}"

    @property
    def starts(self) -> tuple[tuple[str, str, int], ...]:
        hidden = self.hidden, "int16_t" if self.wide else "int8_t", self.hidden_zero_point
        return (hidden, (self.cell, "int16_t", 0))

    @property
    def step_bytes(self) -> int:
        return prepared_bytes(self.inputs) + prepared_bytes(self.units) + 2 * 4 * BLOCK_ROWS

    def cells(self, x: Ints, states: tuple[Ints, ...], matrices: Matrices) -> tuple[Ints, ...]:
        hidden, cell = states
        sums = product(matrices[0], x, wide=self.wide_input), product(matrices[1], hidden, wide=self.wide)
        new_hidden, new_cell = self.pointwise(*sums, cell)
        return new_hidden, np.clip(new_cell, -self.cell_limit, self.cell_limit) if self.cell_limit else new_cell

    def apply(self, x: npt.NDArray[Any], hidden: npt.NDArray[Any], cell: npt.NDArray[Any]) -> tuple[Ints, Ints]:
        """X (inputs,), hidden (units,), int16 cell (units,) → (new hidden, new cell) as int64."""
        matrices = tuple(matrix.astype(np.float64) for matrix in self.weights_int8)
        after = self.cells(x[None].astype(np.int64), (hidden[None].astype(np.int64), cell[None].astype(np.int64)), matrices)
        return after[0][0], after[1][0]

    def pointwise(self, input_sum: Ints, recurrent_sum: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """New hidden and cell state from what the kernels make of the matrix sums, all int64; sums (…, 4·units) unit-major,
        cell (…, units).
        """
        a, b, bias = (x.astype(np.int64).reshape(*x.shape[:-1], -1, 4) for x in (input_sum, recurrent_sum, self.bias))
        m_x, m_h, shift = (x.astype(np.int64) for x in (self.input_multiplier, self.recurrent_multiplier, self.gate_shift))
        t = ((a * m_x) >> 32) + ((b * m_h) >> 32) + bias
        p = saturate16(t >> shift)
        i, f, g, o = (lookup16("tanh" if k == 2 else "sigmoid", p[..., k]) for k in range(4))
        n = self.cell_fraction
        new_cell = saturate16((f * cell + ((i * g) >> (15 - n)) + (1 << 14)) >> 15)
        z = saturate16(new_cell << (12 - n)) if n <= 12 else (new_cell + (1 << (n - 13))) >> (n - 12)
        y, s = lookup16("tanh", z), self.hidden_shift
        h = ((((2 * o * y * self.hidden_multiplier) >> 32) + (1 << (s - 1))) >> s) + self.hidden_zero_point
        full = 32767 if self.wide else 127
        return np.clip(h, -full, full), new_cell

    def code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        inputs, input_matrix = context.matrix(
            context.member(self.name, "input_weights"), self.input_weights, wide=self.wide_input
        )
        recurrent, recurrent_matrix = context.matrix(
            context.member(self.name, "recurrent_weights"), self.recurrent_weights, wide=self.wide
        )
        code = context.render(
            "lstm.c.j2",
            layer=self,
            prefix=prefix,
            input_matrix=input_matrix,
            recurrent_matrix=recurrent_matrix,
            body=self.body("cs_lstm_step_wide" if self.wide else "cs_lstm_step", context),
        )
        return LayerCode(prefix, (inputs, recurrent, Array.of(context.member(self.name, "bias"), self.bias)), code)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        sigmoid, tanh = TOLERANCE["sigmoid"] + BEYOND * self.unbounded, TOLERANCE["tanh"]
        cell = sigmoid + 1.0 + (sigmoid + tanh) * 2.0 ** (self.cell_fraction - 15)
        product = sigmoid + 2.8 + cell * 2.0 ** (15 - self.cell_fraction)  # of σ(o)·tanh(c'), LSB of Q0.15
        hidden = 1.0 + product * 2.0**-15 / values[self.hidden].scale
        limits = dict(zip((self.hidden, self.cell), (math.floor(hidden), math.floor(cell)), strict=True))
        limits |= dict(zip(self.kept, limits.values(), strict=False))
        return {name: limits[name] for name in (*self.writes, *self.states)}
