# SPDX-License-Identifier: Apache-2.0
"""A value with zeros around it."""

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
class Pad(Layout):
    """`before` and `after` each axis of `source`, without the batch, so many zeros."""

    source: str
    output: str
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def label(self) -> str:
        return "pad"

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
        if not len(shape) == len(self.before) == len(self.after) or min((*self.before, *self.after), default=0) < 0:
            raise InputError(
                f"{self.name}: zeros {list(self.before)} and {list(self.after)} do not fit '{self.source}' of {list(shape)}"
            )
        sizes = zip(self.before, shape, self.after, strict=True)
        return {self.output: tuple(low + size + high for low, size, high in sizes)}

    def moved(self, sources: Sequence[Real]) -> Real:
        return np.pad(sources[0], list(zip(self.before, self.after, strict=True)))

    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        return sources[0].pad(self.before, self.after)

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        zeros = writer.constant(f"{name}/zeros", np.array([0, *self.before, 0, *self.after], np.int64))
        writer.node("Pad", [writer.tensor(self.source), zeros], f"{name}/pad", label=self.name)
        writer.finish(self.output, f"{name}/pad")
