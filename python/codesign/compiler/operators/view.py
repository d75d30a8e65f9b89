# SPDX-License-Identifier: Apache-2.0
"""A value in another shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.operators.layout import Layout
from codesign.compiler.operators.operator import Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class View(Layout):
    """The elements of `source` in row-major order, as a value of `shape` (without the batch)."""

    source: str
    output: str
    shape: Shape

    @property
    def label(self) -> str:
        return "view"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (source,), (output,) = sources, outputs
        return replace(self, name=name, source=source, output=output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        if math.prod(known[self.source]) != math.prod(self.shape):
            raise InputError(
                f"{self.name}: '{self.source}' of shape {list(known[self.source])} cannot become {list(self.shape)}"
            )
        return {self.output: self.shape}

    def moved(self, sources: Sequence[Real]) -> Real:
        return sources[0].reshape(self.shape)

    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        return sources[0].reshape(self.shape)

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        shape = writer.constant(f"{name}/shape", np.array([1, *self.shape], np.int64))
        writer.node("Reshape", [writer.tensor(self.source), shape], f"{name}/view", label=self.name)
        writer.finish(self.output, f"{name}/view")
