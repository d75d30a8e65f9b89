# SPDX-License-Identifier: Apache-2.0
"""A GRU."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, saturate16
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.packing_pairs import PAIR_KERNELS, SMALL, pack_inputs, pack_recurrent
from codesign.compiler.layers.packing_rows import POSITIONS, ROW_KERNELS, by_quads, pack_cells, pack_row_blocks
from codesign.compiler.layers.recurrent import Recurrent, product
from codesign.compiler.layers.scratch import prepared_bytes, round_up
from codesign.compiler.layers.tables import BEYOND, ONE, TABLE_ERROR, lookup16
from codesign.compiler.layers.value import Value

UNITS = 16
"""Units that the kernel works on at a time: CS_GRU_UNITS of runtime/include/codesign/nn.h."""


@dataclass(frozen=True)
class Gru(Recurrent):
    """A GRU, int8 or int16 in (`wide_input`), int8 or int16 hidden state (`wide`), gates in int16.

    gate weights int8 (2·units, inputs) and (2·units, units), *unit-major*: row 2·u is the update gate of unit u, row 2·u + 1
    its reset gate; candidate weights int8 (units, inputs) and (units, units). gate_bias int32 (2·units,), candidate_bias
    and recurrent_bias int32 (units,), zero points and rounding folded in; the last counts only with `reset_after`, where
    the reset gate multiplies the recurrent sums (ONNX linear_before_reset = 1), and not the hidden state before them.
    Multipliers int32 and gate_shift int32 have shape (3,): update, reset, candidate.
    """

    gate_input_weights: npt.NDArray[np.int8]
    gate_recurrent_weights: npt.NDArray[np.int8]
    candidate_input_weights: npt.NDArray[np.int8]
    candidate_recurrent_weights: npt.NDArray[np.int8]
    gate_bias: npt.NDArray[np.int32]
    candidate_bias: npt.NDArray[np.int32]
    recurrent_bias: npt.NDArray[np.int32]
    input_multiplier: npt.NDArray[np.int32]
    recurrent_multiplier: npt.NDArray[np.int32]
    gate_shift: npt.NDArray[np.int32]
    hidden_multiplier: int
    hidden_shift: int
    hidden_zero_point: int
    reset_after: bool
    wide_input: bool = False
    wide: bool = False

    kind: ClassVar[str] = "gru"

    @property
    def inputs(self) -> int:
        return int(self.gate_input_weights.shape[1])

    @property
    def units(self) -> int:
        return int(self.gate_recurrent_weights.shape[1])

    @property
    def title(self) -> str:
        return f"GRU {self.shape_title}{', int16' if self.wide else ''}"

    @property
    def starts(self) -> tuple[tuple[str, str, int], ...]:
        return ((self.hidden, "int16_t" if self.wide else "int8_t", self.hidden_zero_point),)

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        gates = self.gate_input_weights, self.gate_recurrent_weights
        return (*gates, self.candidate_input_weights, self.candidate_recurrent_weights)

    @property
    def vector_bits(self) -> tuple[int, ...]:
        return (16 if self.wide_input else 8, 16 if self.wide else 8)

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.gate_bias, self.candidate_bias, *((self.recurrent_bias,) if self.reset_after else ()))

    @property
    def step_bytes(self) -> int:
        kept = 0 if self.reset_after else 4 * round_up(self.units, 4)
        return prepared_bytes(self.inputs) + prepared_bytes(self.units) + 6 * 4 * UNITS + kept

    @property
    def _is_small(self) -> bool:
        return self.reset_after and self.wide_input and self.wide and self.inputs in SMALL and self.units in SMALL

    def _in_pairs(self, kernel: str) -> bool:
        """Whether cs_gru_positions computes it."""
        aligned = self.source_offset % 2 == 0 and self.stride % 2 == 0
        return self._is_small and aligned and kernel in PAIR_KERNELS

    def _in_rows(self, kernel: str) -> bool:
        """Whether cs_gru_rows computes it."""
        return self._is_small and kernel in ROW_KERNELS

    def matrix_bits(self, kernel: str) -> tuple[int, ...]:
        return () if self._in_pairs(kernel) or self._in_rows(kernel) else self.vector_bits

    @property
    def scratch_bytes(self) -> int:
        sums = 12 * self.units * min(round_up(self.positions, 2), POSITIONS)
        small = sums + (2 * self.units if self.scan else sums)
        return max(super().scratch_bytes, small if self._is_small else 0)

    def cells(self, x: Ints, states: tuple[Ints, ...], matrices: Matrices) -> tuple[Ints, ...]:
        (h,) = states
        m_x, m_h, shift = (a.astype(np.int64) for a in (self.input_multiplier, self.recurrent_multiplier, self.gate_shift))
        zero, bias = self.hidden_zero_point, self.gate_bias.astype(np.int64).reshape(-1, 2)
        a = product(matrices[0], x, wide=self.wide_input).reshape(len(x), -1, 2)
        b = product(matrices[1], h, wide=self.wide).reshape(len(x), -1, 2)
        t = ((a * m_x[:2]) >> 32) + ((b * m_h[:2]) >> 32) + bias
        gates = lookup16("sigmoid", saturate16(t >> shift[:2]))
        update, reset = gates[..., 0], gates[..., 1]
        u = ((product(matrices[2], x, wide=self.wide_input) * m_x[2]) >> 32) + self.candidate_bias
        if self.reset_after:
            v = ((product(matrices[3], h, wide=self.wide) * m_h[2]) >> 32) + self.recurrent_bias
            t = u + ((v * (reset << 16)) >> 32)
        else:
            left = ((reset * (h - zero) + (1 << 14)) >> 15) + zero
            t = u + ((product(matrices[3], left, wide=self.wide) * m_h[2]) >> 32)
        candidate = lookup16("tanh", saturate16(t >> shift[2]))
        s, up = self.hidden_shift, max(self.hidden_shift - 15, 0)
        kept = ((update * (h - zero)) << up) >> (15 - s + up)
        added = (2 * (32768 - update) * candidate * self.hidden_multiplier + ((1 << (s - 1)) << 32)) >> 32
        full = 32767 if self.wide else 127
        return (np.clip(((kept + added) >> s) + zero, -full, full),)

    def code(self, context: CodeContext) -> LayerCode:
        if self._in_pairs(context.kernel):
            return self._small_code(context)
        if self._in_rows(context.kernel):
            return self._rows_code(context)
        prefix, wide = context.functions[self.name], (self.wide_input, self.wide) * 2
        names = "gate_input_weights", "gate_recurrent_weights", "candidate_input_weights", "candidate_recurrent_weights"
        packed = [
            context.matrix(context.member(self.name, name), weights, wide=w)
            for name, weights, w in zip(names, self.weights_int8, wide, strict=True)
        ]
        biases = zip(("gate_bias", "candidate_bias", "recurrent_bias"), self.constants, strict=False)
        arrays = (
            *(array for array, _ in packed),
            *(Array.of(context.member(self.name, name), bias) for name, bias in biases),
        )
        code = context.render(
            "gru.c.j2",
            layer=self,
            prefix=prefix,
            matrices=[matrix for _, matrix in packed],
            body=self.body("cs_gru_step", context),
        )
        return LayerCode(prefix, arrays, code)

    def pointer_calls(self, kernel: str) -> Mapping[str, tuple[str, ...]]:
        if self._in_rows(kernel):
            return {"cs_gru_rows": (f"cs_gru_{'scan' if self.scan else 'cells'}_{self.units}",)}
        if not self._in_pairs(kernel):
            return {}
        return {"cs_gru_positions": (f"cs_input_sums_{self.inputs // 4}", f"cs_gru_steps_{self.units}")}

    def _small_code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        inputs = np.concatenate([*_gates(self.gate_input_weights), self.candidate_input_weights])
        biases = np.concatenate([*_gates(self.gate_bias), self.candidate_bias])
        recurrent = pack_recurrent(
            (*_gates(self.gate_recurrent_weights), self.candidate_recurrent_weights),
            self.recurrent_multiplier.tolist(),
            self.gate_shift.tolist(),
            self.recurrent_bias,
            self.hidden_multiplier,
            self.hidden_shift,
        )
        arrays = (
            Array.of(
                context.member(self.name, "input_weights"),
                pack_inputs(inputs, np.repeat(self.input_multiplier, self.units), biases),
            ),
            Array.of(context.member(self.name, "recurrent_weights"), recurrent),
        )
        code = context.render(
            "small_gru.c.j2",
            layer=self,
            prefix=prefix,
            x=self.source_at(context),
            y=context.at(self.hidden),
            scratch=context.scratch(self.name),
        )
        return LayerCode(prefix, arrays, code)

    def _rows_code(self, context: CodeContext) -> LayerCode:
        prefix = context.functions[self.name]
        inputs = by_quads((*_gates(self.gate_input_weights), self.candidate_input_weights))
        recurrent = (*_gates(self.gate_recurrent_weights), self.candidate_recurrent_weights)
        constants = pack_cells(
            (*_gates(self.gate_bias), self.candidate_bias, self.recurrent_bias),
            self.input_multiplier.tolist(),
            self.recurrent_multiplier.tolist(),
            self.gate_shift.tolist(),
            (self.hidden_multiplier, self.hidden_shift),
            recurrent if self.scan else (),
        )
        named: dict[str, npt.NDArray[Any]] = {"input_weights": pack_row_blocks(inputs), "constants": constants}
        if not self.scan:
            named["recurrent_weights"] = pack_row_blocks(by_quads(recurrent))
        arrays = tuple(Array.of(context.member(self.name, name), values) for name, values in named.items())
        x, y, scratch = self.source_at(context), context.at(self.hidden), context.scratch(self.name)
        return LayerCode(prefix, arrays, context.render("gru_rows.c.j2", layer=self, prefix=prefix, x=x, y=y, scratch=scratch))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        """docs/numerics.md, "GRU step", derives it."""
        scale = values[self.hidden].scale
        drift = 0.5 * scale * ONE if self.scan else 0.0  # of h before a position, LSB of Q0.15: onnxruntime does not round it
        gains = self._gains(scale)
        update, reset = (self._sigmoid_error(k) + gains[k] * drift / 4 for k in range(2))
        full = 32767 if self.wide else 127
        reach = gains[2] * (full + abs(self.hidden_zero_point)) * scale  # of what the reset gate's error meets, |R·h| or |v|
        if self.reset_after:
            reach += float(np.abs(self.recurrent_bias).max(initial=0)) / 2.0 ** (13 + int(self.gate_shift[2]))
            rounded = 0.0
        else:
            rounded = gains[2] * 0.5 * scale * ONE  # g
        inner = 8.0 * _argument(int(self.gate_shift[2])) + reach * reset + rounded + gains[2] * drift
        at = min(1.0, update / (2.0 * inner))  # |n| where the sum is largest
        blend = (1.0 + at) * update + (1.0 - at * at) * inner + TABLE_ERROR["tanh"] + drift
        return {self.hidden: math.floor(1.5 + blend / ONE / scale)}

    def _gains(self, scale: float) -> tuple[float, float, float]:
        """The largest sum of a row of |R|, of each gate, real."""
        rows = *_gates(self.gate_recurrent_weights), self.candidate_recurrent_weights
        bits = 12 + self.gate_shift + np.array([0, 0, int(self.reset_after)])
        steps = self.recurrent_multiplier * 2.0 ** -(bits + (32.0 if self.wide else 24.0)) / scale
        update, reset, candidate = (
            float(np.abs(r.astype(np.int64)).sum(1).max(initial=0) * step) for r, step in zip(rows, steps, strict=True)
        )
        return update, reset, candidate

    def _sigmoid_error(self, gate: int) -> float:
        """How far update (0) or reset (1) may be from the function, LSB of Q0.15; beyond ±8 they end."""
        reach = np.abs(_gates(self.gate_bias)[gate].astype(np.float64))
        for weights, multiplier, wide in (
            (self.gate_input_weights, self.input_multiplier, self.wide_input),
            (self.gate_recurrent_weights, self.recurrent_multiplier, self.wide),
        ):
            largest = 32768 if wide else 128 * 256
            sums = np.abs(_gates(weights)[gate].astype(np.float64)).sum(1) * largest
            reach = reach + sums * float(multiplier[gate]) / 2.0**32
        shift = int(self.gate_shift[gate])
        within = 2.0 * _argument(shift) + TABLE_ERROR["sigmoid"]
        return max(within, BEYOND) if float(reach.max(initial=0.0)) >= 2.0 ** (15 + shift) else within


def _argument(shift: int) -> float:
    """How far a pre-activation may be off, LSB of Q3.12: its rounding and five terms of 2^−shift; at least the one LSB that
    `tables.TOLERANCE` allows, which leaves room for the float32 sums that it is compared with.
    """
    return max(1.0, 0.5 + 5.0 * 2.0**-shift)


def _gates(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Update and reset of what is unit-major."""
    return rows[0::2], rows[1::2]
