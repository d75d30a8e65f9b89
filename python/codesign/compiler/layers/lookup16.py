# SPDX-License-Identifier: Apache-2.0
"""Sigmoid or tanh of a Q3.12 vector, by a table and interpolation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.elementwise import elementwise_code
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.tables import TOLERANCE, Table, lookup16
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Lookup16(Layer):
    """Sigmoid or tanh of int16 Q3.12 → int16 Q0.15 by table and interpolation."""

    source: str
    output: str
    table: Table

    kind: ClassVar[str] = "lookup16"

    @property
    def title(self) -> str:
        return f"{self.table}, int16"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.output,)

    @property
    def states(self) -> tuple[str, ...]:
        return ()

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return ()

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return ()

    @property
    def scratch_bytes(self) -> int:
        return 0

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        values[self.output] = lookup16(self.table, values[self.source])

    def code(self, context: CodeContext) -> LayerCode:
        call = f"cs_lookup_s16(cs_{self.table}_table, {{x}}, {{y}}, {{n}});"
        return elementwise_code(self.name, self.source, self.output, call, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: math.ceil(TOLERANCE[self.table])}
