# SPDX-License-Identifier: Apache-2.0
"""Values joined along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.layers.arrangement import Arrangement, concatenate
from codesign.compiler.lower.history import lower_history
from codesign.compiler.operators.layout import Layout
from codesign.compiler.operators.operator import Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Concat(Layout):
    """Any number of values one after the other along `axis` (of the shape without the batch); all other sizes agree."""

    inputs: tuple[str, ...]
    output: str
    axis: int = 0

    @property
    def label(self) -> str:
        return "concat"

    @property
    def sources(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (output,) = outputs
        return replace(self, name=name, inputs=tuple(sources), output=output)

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        shapes = [known[name] for name in self.inputs]
        others = {(*shape[: self.axis], 0, *shape[self.axis + 1 :]) for shape in shapes}
        if len(others) != 1 or not all(0 <= self.axis < len(shape) for shape in shapes):
            raise InputError(f"{self.name}: joins values of shapes {', '.join(str(list(s)) for s in shapes)} along {self.axis}")
        total = sum(shape[self.axis] for shape in shapes)
        return {self.output: (*shapes[0][: self.axis], total, *shapes[0][self.axis + 1 :])}

    def moved(self, sources: Sequence[Real]) -> Real:
        return np.concatenate(sources, self.axis)

    def arranged(self, sources: Sequence[Arrangement]) -> Arrangement | None:
        return concatenate(sources, self.axis)

    def write(self, writer: QdqWriter) -> None:
        result = f"{writer.inner(self)}/concat"
        inputs = [writer.tensor(name) for name in self.inputs]
        writer.node("Concat", inputs, result, label=self.name, axis=self.axis + 1)
        writer.finish(self.output, result)

    def lower(self, context: Context) -> None:
        if self.output in context.histories:
            lower_history(context, self)
        else:
            super().lower(context)
