# SPDX-License-Identifier: Apache-2.0
"""Any element-wise function int8 → int8, by a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Lookup8(Elementwise):
    """Any element-wise function int8 → int8: output = table[q + 128], table int8 (256,)."""

    table: npt.NDArray[np.int8]

    kind: ClassVar[str] = "lookup8"

    @property
    def title(self) -> str:
        return "table, int8"

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.table,)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        values[self.output] = self.table.astype(np.int64)[values[self.source] + 128]

    def code(self, context: CodeContext) -> LayerCode:
        table = Array.of(context.member(self.name, "table"), self.table)
        call = f"cs_lookup_s8({table.name}, {{x}}, {{y}}, {{n}});"
        return self.call(call, context, (table,))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
