# SPDX-License-Identifier: Apache-2.0
"""A part of a value along an axis."""

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
class Slice(Layout):
    """Elements start, start + step, … of `source` along `axis` (of the shape without the batch), before `stop`.

    A negative step goes down to an element after `stop`, which is −1 where it goes to the first one.
    """

    source: str
    output: str
    start: int
    stop: int
    axis: int = 0
    step: int = 1

    @property
    def label(self) -> str:
        return "slice"

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
        places = self._indices
        if not 0 <= self.axis < len(shape) or not places or min(places) < 0 or max(places) >= shape[self.axis]:
            raise InputError(
                f"{self.name}: no elements {self.start} to {self.stop - 1} along axis {self.axis} of {list(shape)}"
            )
        return {self.output: (*shape[: self.axis], len(places), *shape[self.axis + 1 :])}

    @property
    def _indices(self) -> range:
        return range(self.start, self.stop, self.step)

    def moved(self, sources: Sequence[Real]) -> Real:
        return sources[0].take(self._indices, self.axis)

    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        return sources[0].slice(self.axis, self.start, len(self._indices), self.step)

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        stop = self.stop if self.stop >= 0 else -(2**62)  # ONNX counts negative ones from the end
        numbers = {"start": self.start, "stop": stop, "axis": self.axis + 1}
        if self.step != 1:
            numbers["step"] = self.step
        inputs = [writer.constant(f"{name}/{what}", np.array([number], np.int64)) for what, number in numbers.items()]
        writer.node("Slice", [writer.tensor(self.source), *inputs], f"{name}/slice", label=self.name)
        writer.finish(self.output, f"{name}/slice")
