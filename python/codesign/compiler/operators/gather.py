# SPDX-License-Identifier: Apache-2.0
"""Elements of a value along an axis, in any order and any number."""

from __future__ import annotations

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
class Gather(Layout):
    """Element i of the output along `axis` (of the shape without the batch) is element indices[i] of `source`."""

    source: str
    output: str
    indices: tuple[int, ...]
    axis: int = 0

    @property
    def label(self) -> str:
        return "gather"

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
        shape = known[self.source]
        fits = 0 <= self.axis < len(shape) and self.indices
        if not fits or not 0 <= min(self.indices) <= max(self.indices) < shape[self.axis]:
            raise InputError(f"{self.name}: indices beyond axis {self.axis} of '{self.source}' of shape {list(shape)}")
        return {self.output: (*shape[: self.axis], len(self.indices), *shape[self.axis + 1 :])}

    def moved(self, sources: Sequence[Real]) -> Real:
        return sources[0].take(self.indices, self.axis)

    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        return sources[0].gather(self.axis, np.array(self.indices, np.int64))

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        indices = writer.constant(f"{name}/indices", np.array(self.indices, np.int64))
        writer.node("Gather", [writer.tensor(self.source), indices], f"{name}/gather", label=self.name, axis=self.axis + 1)
        writer.finish(self.output, f"{name}/gather")
