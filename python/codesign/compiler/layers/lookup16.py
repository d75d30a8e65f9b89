# SPDX-License-Identifier: Apache-2.0
"""Sigmoid or tanh of a Q3.12 vector, by a table and interpolation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.tables import TOLERANCE, Table, lookup16
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Lookup16(Elementwise):
    """Sigmoid or tanh of int16 Q3.12 → int16 Q0.15 by table and interpolation."""

    table: Table

    kind: ClassVar[str] = "lookup16"

    @property
    def title(self) -> str:
        return f"{self.table}, int16"

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        values[self.output] = lookup16(self.table, values[self.source])

    def code(self, context: CodeContext) -> LayerCode:
        call = f"cs_lookup_s16(cs_{self.table}_table, {{x}}, {{y}}, {{n}});"
        return self.call(call, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: math.ceil(TOLERANCE[self.table])}
