# SPDX-License-Identifier: Apache-2.0
"""What layers exchange, and what lives from step to step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Dtype = Literal["int8", "int16"]


@dataclass(frozen=True, init=False)
class Value:
    """Integers of a `shape` without the batch, in row-major order: real = scale · (q − zero_point).

    They are −127 … 127 or −32767 … 32767; `full` says that they are TFLite's, which uses the type's lowest number, too.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Dtype
    scale: float
    zero_point: int = 0
    full: bool = False

    def __init__(
        self, name: str, shape: int | Sequence[int], dtype: Dtype, scale: float, zero_point: int = 0, *, full: bool = False
    ) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "shape", tuple(shape) if isinstance(shape, Sequence) else (shape,))
        object.__setattr__(self, "dtype", dtype)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "zero_point", zero_point)
        object.__setattr__(self, "full", full)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def high(self) -> int:
        """The largest integer."""
        return 127 if self.dtype == "int8" else 32767

    @property
    def low(self) -> int:
        """The smallest integer: the type's own with `full`, and where it is the zero point."""
        return -self.high - int(self.full or -self.zero_point > self.high)

    @property
    def span(self) -> int:
        """A bound of |q − zero_point|."""
        return abs(self.zero_point) - self.low

    @property
    def element_bytes(self) -> int:
        return 1 if self.dtype == "int8" else 2

    @property
    def bytes(self) -> int:
        return self.size * self.element_bytes


@dataclass(frozen=True)
class StateValue:
    """A value that lives from step to step, with the integer that every element starts from, or one for each in order."""

    value: Value
    initial: int | tuple[int, ...] = 0

    @property
    def start(self) -> npt.NDArray[np.int64]:
        """The integers before the first step, int64 (size,)."""
        return np.broadcast_to(np.asarray(self.initial, np.int64), (self.value.size,)).copy()
