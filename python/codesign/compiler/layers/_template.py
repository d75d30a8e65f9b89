# SPDX-License-Identifier: Apache-2.0
"""A layer to copy: it negates a vector. docs/add-an-op.md says what goes with it.

Every verb that has no default in `Layer` is answered here, so that a layer with a forgotten one cannot be made. A layer
with weights gives them as `weights_int8` and gets them in `step` as `matrices`; one with states names them in `states`
and reads and writes them in `values`, as lstm.py does. One that turns each element of a value into one of another starts from
`Elementwise`, which answers most of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Negate(Layer):
    """int8 → int8: −q, for values with zero point 0."""

    source: str
    output: str

    kind: ClassVar[str] = "negate"

    @property
    def title(self) -> str:
        return "negation, int8"

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
        values[self.output] = -values[self.source]

    def code(self, context: CodeContext) -> LayerCode:
        # A real layer calls its kernel of runtime/nn; one line of C is enough for this one.
        x, y, n = context.at(self.source), context.at(self.output), context.values[self.source].size
        prefix = context.functions[self.name]
        statement = f"for (int i = 0; i < {n}; i++) {{ ({y})[i] = (int8_t)-({x})[i]; }}"
        return LayerCode(prefix, (), context.render("elementwise.c.j2", prefix=prefix, statement=statement))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 0}
