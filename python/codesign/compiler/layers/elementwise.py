# SPDX-License-Identifier: Apache-2.0
"""What layers have in common that turn each element of one value into one of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer


@dataclass(frozen=True)
class Elementwise(Layer):
    """A layer without weights, states and scratch: `source` → `output`, of one size."""

    source: str
    output: str

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

    def call(self, statement: str, context: CodeContext, arrays: tuple[Array, ...] = ()) -> LayerCode:
        """Its C as one `statement` with {x}, {y} and {n} for source, output and their size; `arrays` are its constants."""
        prefix = context.functions[self.name]
        text = statement.format(x=context.at(self.source), y=context.at(self.output), n=context.values[self.source].size)
        return LayerCode(prefix, arrays, context.render("elementwise.c.j2", prefix=prefix, statement=text))
