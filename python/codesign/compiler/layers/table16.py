# SPDX-License-Identifier: Apache-2.0
"""Any element-wise function int16 → int16, by a table and interpolation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.tables import chords
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Table16(Elementwise):
    """A function given by 513 samples, int32 (513,) in [−32767, 32767], at q = −32768 + 128·i; chords in between.

    `error` is how far the table is from the function at the worst of all inputs, LSB of the output.
    """

    samples: npt.NDArray[np.int32]
    error: int

    kind: ClassVar[str] = "table16"

    @property
    def title(self) -> str:
        return "table, int16"

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.packed(),)

    def packed(self) -> npt.NDArray[np.uint32]:
        """The C table, uint32 (512,)."""
        return chords(self.samples)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        values[self.output] = interpolated(self.samples, values[self.source])

    def code(self, context: CodeContext) -> LayerCode:
        table = Array.of(context.member(self.name, "table"), self.packed())
        return self.call(f"cs_lookup_s16({table.name}, {{x}}, {{y}}, {{n}});", context, (table,))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: self.error}


def interpolated(samples: npt.NDArray[np.int32], q: Ints) -> Ints:
    """The chords through `samples` at int16 q, as `tables.lookup16` for sigmoid and tanh."""
    t, index = samples.astype(np.int64), 256 + (q >> 7)
    return np.asarray(t[index] + (((t[index + 1] - t[index]) * (q & 127) + 64) >> 7))
