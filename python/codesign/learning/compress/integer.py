# SPDX-License-Identifier: Apache-2.0
"""The integer arithmetic of docs/numerics.md on torch tensors of any batch shape; compiler.reference is the same in NumPy.

Integers are int64. Matrix products are float32 products of integers: exact, because lowering guarantees sums below 2^23.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from codesign.compiler.layers import Lstm
from codesign.compiler.layers.tables import Table, samples


@cache
def _chords(table: Table, device: torch.device) -> tuple[Tensor, Tensor]:
    """First value and slope of each interval, int64 (512,)."""
    points = torch.tensor(samples(table), dtype=torch.int64, device=device)
    return points[:-1].clone(), points[1:] - points[:-1]


def lookup(table: Table, q: Tensor) -> Tensor:
    """Sigmoid or tanh of Q3.12 integers → Q0.15."""
    first, slope = _chords(table, q.device)
    index = (q >> 7) + 256
    return first[index] + ((slope[index] * (q & 127) + 64) >> 7)


def mbqm(value: Tensor, multiplier: Tensor, shift: Tensor) -> Tensor:
    """⌊value · multiplier · 2^(shift − 31) + 1/2⌋."""
    return (value * multiplier + (1 << (30 - shift))) >> (31 - shift)


class CellConstants:
    """Constants of one lowered LSTM layer, gates first: multipliers and shifts [4, 1], biases [4, units]."""

    def __init__(self, layer: Lstm, device: torch.device) -> None:
        def column(values: object) -> Tensor:
            return torch.as_tensor(values, dtype=torch.int64, device=device)[:, None]

        self.input_multiplier = column(layer.input_multiplier) * 256
        self.recurrent_multiplier = column(layer.recurrent_multiplier) * 256
        self.shift = column(layer.gate_shift)
        self.bias = torch.as_tensor(layer.bias.reshape(-1, 4).T.copy(), dtype=torch.int64, device=device)
        self.cell_fraction = layer.cell_fraction
        self.hidden_multiplier, self.hidden_shift = layer.hidden_multiplier, layer.hidden_shift
        self.hidden_zero_point = layer.hidden_zero_point

    def input_part(self, sums: Tensor) -> Tensor:
        """What the input's matrix product [..., 4, units] adds to the pre-activation, the bias included."""
        return ((sums.long() * self.input_multiplier) >> 32) + self.bias

    def pre_activation(self, input_part: Tensor, recurrent_sums: Tensor) -> Tensor:
        """Q3.12 integers [..., 4, units]."""
        t = input_part + ((recurrent_sums.long() * self.recurrent_multiplier) >> 32)
        return (t >> self.shift).clamp(-32768, 32767)

    def new_cell(self, i: Tensor, f: Tensor, g: Tensor, cell: Tensor) -> Tensor:
        """The int16 cell state after the step, from Q0.15 gates."""
        return ((f * cell + ((i * g) >> (15 - self.cell_fraction)) + (1 << 14)) >> 15).clamp(-32768, 32767)

    def squashed(self, cell: Tensor) -> Tensor:
        """Tanh of the cell state, Q0.15."""
        n = self.cell_fraction
        z = (cell << (12 - n)).clamp(-32768, 32767) if n <= 12 else (cell + (1 << (n - 13))) >> (n - 12)
        return lookup("tanh", z)

    def new_hidden(self, o: Tensor, y: Tensor) -> Tensor:
        """The int8 hidden state from the output gate and the squashed cell state."""
        s = self.hidden_shift
        h = ((((2 * self.hidden_multiplier) * (o * y)) >> 32) + (1 << (s - 1))) >> s
        return (h + self.hidden_zero_point).clamp(-127, 127)
