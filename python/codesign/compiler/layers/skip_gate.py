# SPDX-License-Identifier: Apache-2.0
"""The gate of a Skip RNN: it decides which steps update the LSTM layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import HALF, Ints, Matrices, matvec
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.fully_connected import FullyConnected
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.tables import TOLERANCE, lookup16
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class SkipGate(Layer):
    """Decides whether the step updates the LSTM layers named in `layers`; stands before the first of them in the order.

    `state` is one int16 Q0.15 (the step updates when it is ≥ 16384), `delta` one int16 Q0.15 that survives skipped steps.
    `delta_layer` computes the pre-activation (int16 Q3.12, one row) from `delta_layer.source` after an updating step. The
    guarded layers follow one another without a gap.
    """

    state: str
    delta: str
    layers: tuple[str, ...]
    delta_layer: FullyConnected

    kind: ClassVar[str] = "skipgate"

    @property
    def title(self) -> str:
        return "skip gate"

    @property
    def reads(self) -> tuple[str, ...]:
        return self.delta_layer.reads

    @property
    def writes(self) -> tuple[str, ...]:
        return self.delta_layer.writes

    @property
    def states(self) -> tuple[str, ...]:
        return (self.state, self.delta)

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return self.delta_layer.weights_int8

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return self.delta_layer.constants

    @property
    def scratch_bytes(self) -> int:
        return self.delta_layer.scratch_bytes

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        logit = self.delta_layer.rescaled(matvec(matrices[0], values[self.delta_layer.source]))
        values[self.delta] = lookup16("sigmoid", logit)
        values[self.state] = values[self.delta]

    def code(self, context: CodeContext) -> LayerCode:
        return self.delta_layer.code_as(self.name, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.state: math.ceil(TOLERANCE["sigmoid"]) + 1}

    @property
    def guards(self) -> tuple[str, ...]:
        return self.layers

    def is_open(self, values: Mapping[str, Ints]) -> bool:
        return bool(values[self.state][0] >= HALF)

    def advance(self, values: dict[str, Ints]) -> None:
        values[self.state] = np.minimum(values[self.state] + values[self.delta], 32767)

    def open_code(self, context: CodeContext) -> str:
        return f"cs_skip_gate_open({context.at(self.state)})"

    def advance_code(self, context: CodeContext, is_open: str) -> str:
        logit = f"*{context.at(self.delta_layer.output)}"
        return f"cs_skip_gate_advance({is_open}, {logit}, {context.at(self.state)}, {context.at(self.delta)});"
