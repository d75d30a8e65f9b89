# SPDX-License-Identifier: Apache-2.0
"""Mean, or mean of squares, over axes that lie side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm, mbqm_twice
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.elementwise import Elementwise
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Mean(Elementwise):
    """source [outer, n, inner] → output [outer, inner]: clamp(MBQM(Σ (q − zero_point_in), multiplier, shift) + zero_point),
    with `squares` of Σ (q − zero_point_in)², which is shifted right by `down` bits, halves upwards, before.
    """

    outer: int
    n: int
    inner: int
    multiplier: int
    shift: int
    zero_point_in: int
    zero_point: int
    low: int
    high: int
    wide_in: bool
    wide: bool
    squares: bool
    down: int
    twice: bool = False
    """Rounded twice, as TFLite's MEAN."""

    kind: ClassVar[str] = "mean"

    @property
    def title(self) -> str:
        return f"mean{' of squares' if self.squares else ''} of {self.n}"

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        x = values[self.source].reshape(self.outer, self.n, self.inner) - self.zero_point_in
        sums = (x * x).sum(axis=1) if self.squares else x.sum(axis=1)
        if self.down:
            sums = (sums + (1 << (self.down - 1))) >> self.down
        y = (mbqm_twice if self.twice else mbqm)(sums, self.multiplier, self.shift) + self.zero_point
        values[self.output] = np.clip(y, self.low, self.high).reshape(-1)

    def code(self, context: CodeContext) -> LayerCode:
        numbers = (
            *(self.outer, self.n, self.inner, self.multiplier, self.shift, self.zero_point_in, self.zero_point),
            *(self.low, self.high, int(self.wide_in), int(self.wide), int(self.squares), self.down, int(self.twice)),
        )
        layer = f"static const cs_mean layer = {{{{ {', '.join(map(str, numbers))} }}}};\n    "
        return self.call(layer + "cs_mean_axes(&layer, {x}, {y});", context)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
