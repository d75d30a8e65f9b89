# SPDX-License-Identifier: Apache-2.0
"""What a network computes in float32: between real features and integers that cannot hold their range, in one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.float_block_code import float_block_code
from codesign.compiler.layers.float_program import Bands, Step, Vector
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.value import Value, reals_of, rounded_to


@dataclass(frozen=True)
class FloatBlock(Layer):
    """`steps` over `vectors`, some of which are the values `inputs`; vector results[k] becomes the value outputs[k].

    The types of `inputs` and `outputs` say what the numbers are rounded to. A state in float32 is both. `floats` are those
    of the scratch.
    """

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    results: tuple[int, ...]
    vectors: tuple[Vector, ...]
    steps: tuple[Step, ...]
    floats: int

    kind: ClassVar[str] = "float"

    @property
    def title(self) -> str:
        return f"{len(self.steps)} steps in float32"

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(value.name for value in self.inputs if value.name not in self.states)

    @property
    def writes(self) -> tuple[str, ...]:
        return tuple(value.name for value in self.outputs if value.name not in self.states)

    @property
    def states(self) -> tuple[str, ...]:
        given = {value.name for value in self.inputs}
        return tuple(value.name for value in self.outputs if value.name in given)

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return ()

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        fixed = tuple(vector.constant for vector in self.vectors if vector.constant is not None)
        return (*fixed, *(step.matrix.weights for step in self.steps if isinstance(step, Bands)))

    @property
    def scratch_bytes(self) -> int:
        return 4 * self.floats

    @property
    def macs(self) -> int:
        found = [(step, self.vectors[step.source].size) for step in self.steps if isinstance(step, Bands)]
        return sum(size // step.matrix.columns * step.matrix.weights.size for step, size in found)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        given = {value.name: reals_of(value, values[value.name]) for value in self.inputs}
        vectors = [np.zeros(vector.size, np.float32) for vector in self.vectors]
        for i, vector in enumerate(self.vectors):
            if vector.source:
                vectors[i] = given[vector.source]
            elif vector.constant is not None:
                vectors[i] = vector.constant
        with np.errstate(all="ignore"):
            for step in self.steps:
                step.run(vectors)
            for value, result in zip(self.outputs, self.results, strict=True):
                values[value.name] = rounded_to(value, vectors[result])

    def code(self, context: CodeContext) -> LayerCode:
        return float_block_code(self, context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {value.name: 1 for value in self.outputs if value.dtype != "float32"}
