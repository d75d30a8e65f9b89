# SPDX-License-Identifier: Apache-2.0
"""A vector that layers exchange, and one that lives from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["int8", "int16"]


@dataclass(frozen=True)
class Value:
    """A vector of `size` integers: real = scale · (q − zero_point)."""

    name: str
    size: int
    dtype: Dtype
    scale: float
    zero_point: int = 0

    @property
    def bytes(self) -> int:
        return self.size * (1 if self.dtype == "int8" else 2)


@dataclass(frozen=True)
class StateValue:
    """A value that lives from step to step, with the integer it starts from."""

    value: Value
    initial: int = 0
