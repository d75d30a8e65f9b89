# SPDX-License-Identifier: Apache-2.0
"""Operators that are computed in float32, in one layer: integers cannot hold the range of what is between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from codesign.compiler.lower.float_block import lower_float_block
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class FloatBlock(Operator):
    """`ops` in order, from what is `given` to `made`, which alone is rounded. Inside of it, what it reads and gives are called
    `inputs` and `results`.

    `real` says of each that is given whether it is a real number in the firmware, too: features, a state, or what another block
    hands on. `kept` has pairs: the place of a state in `given`, and that of its next value in `made`. `plain` are the places in
    `made` of what other blocks are handed as it is.
    """

    ops: tuple[Operator, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]
    given: tuple[str, ...]
    made: tuple[str, ...]
    real: tuple[bool, ...]
    kept: tuple[tuple[int, int], ...] = ()
    plain: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        return "float"

    @property
    def sources(self) -> tuple[str, ...]:
        return self.given

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.made

    @property
    def float_sources(self) -> tuple[str, ...]:
        return tuple(name for name, real in zip(self.given, self.real, strict=True) if real)

    @property
    def carried(self) -> Mapping[str, str]:
        return {self.given[state]: self.made[after] for state, after in self.kept}

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        return replace(self, name=name, given=tuple(sources), made=tuple(outputs))

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        inner = self._inner_shapes(known)
        return {output: inner[name] for output, name in zip(self.made, self.results, strict=True)}

    def _inner_shapes(self, known: Mapping[str, Shape]) -> dict[str, Shape]:
        inner = {name: known[source] for name, source in zip(self.inputs, self.given, strict=True)}
        for op in self.ops:
            inner |= op.shapes(inner)
        return inner

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        inner = {name: values[source] for name, source in zip(self.inputs, self.given, strict=True)}
        for op in self.ops:
            inner |= op.run(inner, lambda name, x: x)
        return {output: grid(output, inner[name]) for output, name in zip(self.made, self.results, strict=True)}

    @property
    def bounds(self) -> tuple[float, float]:
        makers = (op for op in self.ops if self.results[0] in op.outputs)
        return next((op.bounds for op in makers), (-math.inf, math.inf))

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()  # none of integers

    @property
    def float_outputs(self) -> tuple[str, ...]:
        """Those of its outputs that are not rounded."""
        return tuple(self.made[i] for i in (*self.plain, *(after for _, after in self.kept)))

    @property
    def observed(self) -> tuple[str, ...]:
        return tuple(name for name in self.made if name not in self.float_outputs)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        return {name: calibration.measured(name) for name in self.observed}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        return self, {}

    def write(self, writer: QdqWriter) -> None:
        for name, source in zip(self.inputs, self.given, strict=True):
            writer.give(name, writer.tensor(source))
        with writer.in_float(self._inner_shapes({source: writer.shape(source) for source in self.given})):
            for op in self.ops:
                op.write_float(writer)
        for output, name in zip(self.made, self.results, strict=True):
            writer.finish(output, writer.tensor(name))

    def lower(self, context: Context) -> None:
        lower_float_block(context, self)
