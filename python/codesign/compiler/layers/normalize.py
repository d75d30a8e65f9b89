# SPDX-License-Identifier: Apache-2.0
"""Layer normalization at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.roots import even_leading_zeros, high, reciprocal_root
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Normalize(Elementwise):
    """Each of `rows` runs of n = len(gain) elements: gain · (x − mean) / √(variance + epsilon) + bias.

    gain int32 (n,) in 2^−(gain_bits + 7) output steps, bias int32 (n,) in 2^−gain_bits of them, zero point and rounding
    folded in; epsilon in the unit of n² · variance of the integers.
    """

    rows: int
    gain: npt.NDArray[np.int32]
    bias: npt.NDArray[np.int32]
    epsilon: int
    gain_bits: int
    low: int
    high: int
    wide_in: bool
    wide: bool

    kind: ClassVar[str] = "normalize"

    @property
    def title(self) -> str:
        return f"normalization of {len(self.gain)}"

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.gain, self.bias)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        x = values[self.source].reshape(self.rows, -1)
        n, sums = x.shape[1], x.sum(axis=1, keepdims=True)
        spread = (n * (x * x).sum(axis=1, keepdims=True) - sums * sums + self.epsilon)[:, 0].tolist()
        zeros = [even_leading_zeros(v, 64) for v in spread]
        upper = np.array([(v << z) >> 33 for v, z in zip(spread, zeros, strict=True)], np.int64)
        factor = np.where(upper > 0, reciprocal_root(upper), 0)[:, None]
        halves = np.array(zeros, np.int64)[:, None] // 2
        scaled = ((n * x - sums) << np.maximum(halves - 8, 0)) >> np.maximum(8 - halves, 0)
        value = (high(scaled, factor) * 16 * self.gain.astype(np.int64) + (self.bias.astype(np.int64) << 32)) >> 32
        values[self.output] = np.clip(value >> self.gain_bits, self.low, self.high).reshape(-1)

    def code(self, context: CodeContext) -> LayerCode:
        gain = Array.of(context.member(self.name, "gain"), self.gain)
        bias = Array.of(context.member(self.name, "bias"), self.bias)
        numbers = self.rows, len(self.gain), self.low, self.high, self.gain_bits, int(self.wide_in), int(self.wide)
        members = f"{gain.name}, {bias.name}, {self.epsilon}u, {', '.join(map(str, numbers))}"
        layer = f"static const cs_norm layer = {{{{ {members} }}}};\n    "
        return self.call(layer + "cs_normalize(&layer, {x}, {y});", context, (gain, bias))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
