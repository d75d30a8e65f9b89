# SPDX-License-Identifier: Apache-2.0
"""A simple RNN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm, saturate16
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.recurrent import TwoMatrices, product
from codesign.compiler.layers.scratch import BLOCK_ROWS, prepared_bytes
from codesign.compiler.layers.tables import TOLERANCE, lookup16
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Rnn(TwoMatrices):
    """h' = tanh (or with `relu` max(0, ·)) of W·x + R·h + bias; int8 or int16 in (`wide_input`), int8 or int16 state (`wide`).

    Weights int8 (units, inputs) and (units, units), bias int32 (units,) with zero points and rounding folded in.
    """

    input_multiplier: int
    recurrent_multiplier: int
    gate_shift: int
    hidden_multiplier: int
    hidden_shift: int
    hidden_zero_point: int
    relu: bool

    kind: ClassVar[str] = "rnn"

    @property
    def title(self) -> str:
        return f"RNN {self.shape_title}{', relu' if self.relu else ''}{', int16' if self.wide else ''}"

    @property
    def starts(self) -> tuple[tuple[str, str, int], ...]:
        return ((self.hidden, "int16_t" if self.wide else "int8_t", self.hidden_zero_point),)

    @property
    def step_bytes(self) -> int:
        return prepared_bytes(self.inputs) + prepared_bytes(self.units) + 2 * 4 * BLOCK_ROWS

    def cells(self, x: Ints, states: tuple[Ints, ...], matrices: Matrices) -> tuple[Ints, ...]:
        a, b = product(matrices[0], x, wide=self.wide_input), product(matrices[1], states[0], wide=self.wide)
        t = ((a * self.input_multiplier) >> 32) + ((b * self.recurrent_multiplier) >> 32) + self.bias
        if self.relu:
            limit = 2**31 - 1 if self.hidden_shift < -1 else 2**27
            h = mbqm(np.clip(t, 0, limit), self.hidden_multiplier, self.hidden_shift)
        else:
            y = lookup16("tanh", saturate16(t >> self.gate_shift))
            h = (((y * 2**16 * self.hidden_multiplier) >> 32) + (1 << (self.hidden_shift - 1))) >> self.hidden_shift
        full = 32767 if self.wide else 127
        return (np.clip(h + self.hidden_zero_point, -full, full),)

    def code(self, context: CodeContext) -> LayerCode:
        prefix, name = context.functions[self.name], self.name
        inputs, matrix = context.matrix(context.member(name, "input_weights"), self.input_weights, wide=self.wide_input)
        others, recurrent = context.matrix(context.member(name, "recurrent_weights"), self.recurrent_weights, wide=self.wide)
        body = self.body("cs_rnn_step", context)
        code = context.render("rnn.c.j2", layer=self, prefix=prefix, input=matrix, recurrent=recurrent, body=body)
        return LayerCode(prefix, (inputs, others, Array.of(context.member(name, "bias"), self.bias)), code)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        scale = values[self.hidden].scale
        error = 0.0 if self.relu else TOLERANCE["tanh"] * 2.0**-15 / scale
        if self.scan:  # onnxruntime does not round the state before a position
            rows = np.abs(self.recurrent_weights.astype(np.int64)).sum(1).max(initial=0)
            bits = 12 + self.gate_shift + (32 if self.wide else 24)
            error += 0.5 * float(rows) * self.recurrent_multiplier * 2.0**-bits / scale
        return {self.hidden: math.floor(1.5 + error)}
