# SPDX-License-Identifier: Apache-2.0
"""A value with its axes in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from codesign.base.errors import InputError
from codesign.compiler.layers.arrangement import Arrangement
from codesign.compiler.operators.layout import Layout
from codesign.compiler.operators.operator import Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Transpose(Layout):
    """Axis k of the output is axis order[k] of `source`, both without the batch."""

    source: str
    output: str
    order: tuple[int, ...]

    @property
    def label(self) -> str:
        return "transpose"

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
        if sorted(self.order) != list(range(len(shape))):
            raise InputError(f"{self.name}: axes {list(self.order)} do not fit '{self.source}' of shape {list(shape)}")
        return {self.output: tuple(shape[axis] for axis in self.order)}

    def moved(self, sources: Sequence[Real]) -> Real:
        return sources[0].transpose(self.order)

    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        return sources[0].transpose(self.order)

    def write(self, writer: QdqWriter) -> None:
        result = f"{writer.inner(self)}/transpose"
        order = [0, *(axis + 1 for axis in self.order)]
        writer.node("Transpose", [writer.tensor(self.source)], result, label=self.name, perm=order)
        writer.finish(self.output, result)
