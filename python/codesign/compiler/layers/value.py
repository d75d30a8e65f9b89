# SPDX-License-Identifier: Apache-2.0
"""What layers exchange, and what lives from step to step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Dtype = Literal["int8", "int16", "float32"]


@dataclass(frozen=True, init=False)
class Value:
    """Integers of a `shape` without the batch, in row-major order: real = scale · (q − zero_point). Of "float32",
    which has scale 1, the integers are the bits of the numbers.

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
        """Bytes of one element."""
        return {"int8": 1, "int16": 2, "float32": 4}[self.dtype]

    @property
    def bytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.element_bytes


def bits_of(real: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The integers of a float32 value."""
    return np.ascontiguousarray(real, np.float32).view(np.int32).astype(np.int64)


def reals_of(value: Value, integers: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    """The numbers of a value in float32: scale · (q − zero_point), or those that the bits are."""
    if value.dtype == "float32":
        return integers.astype(np.int32).view(np.float32)
    return (integers - value.zero_point).astype(np.float32) * np.float32(value.scale)


def rounded_to(value: Value, real: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The integers of numbers: clamp(rne(x / scale) + zero_point), the division in float32, or their bits. What is no number is
    the zero point.
    """
    if value.dtype == "float32":
        return bits_of(real)
    scaled = (real / np.float32(value.scale)).clip(np.float32(-(2.0**20)), np.float32(2.0**20))
    integers = np.rint(np.where(np.isnan(scaled), np.float32(0.0), scaled)).astype(np.int64) + value.zero_point
    return np.asarray(np.clip(integers, value.low, value.high))


@dataclass(frozen=True)
class StateValue:
    """A value that lives from step to step, with the integer that every element starts from, or one for each in order."""

    value: Value
    initial: int | tuple[int, ...] = 0

    @property
    def start(self) -> npt.NDArray[np.int64]:
        """The integers before the first step, int64 (size,)."""
        return np.broadcast_to(np.asarray(self.initial, np.int64), (self.value.size,)).copy()
