# SPDX-License-Identifier: Apache-2.0
"""What every layer of the integer network can be asked. A layer is one file here with all its verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class Stage(ABC):
    """What a frame computes between its features and its mask, one after the other: `name` is unique, and so is its C function.

    Values are named as in Network.values. What has an answer here is so for most stages: they multiply and guard nothing.
    """

    name: str

    kind: ClassVar[str]
    """The layer's kind in manifests and JSON, lower case."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Kind and shape for a person, such as "LSTM 96→112"."""

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Values that it reads, other than those that it changes in place."""

    @property
    @abstractmethod
    def writes(self) -> tuple[str, ...]:
        """Values that it writes, other than those that it changes in place; a state among them gets its next value."""

    @property
    @abstractmethod
    def states(self) -> tuple[str, ...]:
        """Values that it reads and writes in place: states, or what was copied from them."""

    @property
    @abstractmethod
    def scratch_bytes(self) -> int:
        """Memory that it needs while it runs."""

    @abstractmethod
    def code(self, context: CodeContext) -> LayerCode:
        """Its C."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one execution."""
        return 0

    @property
    def guards(self) -> tuple[str, ...]:
        """Layers that run only in steps in which this one is open; they follow one another. It runs after the last of them."""
        return ()

    def open_code(self, context: CodeContext) -> str:
        """C expression for whether the step runs what it guards."""
        return "1"

    def advance_code(self, context: CodeContext, is_open: str) -> str:
        """C statement that moves its states on after the step; `is_open` is a C expression."""
        return ""


@dataclass(frozen=True)
class Layer(Stage):
    """A layer of an integer network. What has an answer here is so for most layers: they read int8."""

    @property
    @abstractmethod
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        """Its weight matrices, int8 (rows, columns) each."""

    @property
    @abstractmethod
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        """Its other constant arrays, with the types that the firmware stores."""

    @abstractmethod
    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        """Read and write `values`, which hold the states too, bit for bit as the firmware does; `matrices` are `weights_int8`
        in float64.
        """

    @abstractmethod
    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        """Largest difference of each result from the same operators in float, in LSB: value or state → limit.
        docs/numerics.md, "Against onnxruntime", derives the limits.
        """

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one execution."""
        return sum(int(matrix.size) for matrix in self.weights_int8)

    @property
    def vector_bits(self) -> tuple[int, ...]:
        """Widths of the vectors that its matrices are multiplied with, 8 or 16."""
        return (8,) if self.weights_int8 else ()

    def matrix_bits(self, kernel: str) -> tuple[int, ...]:
        """Of them those whose matrices go through the matrix kernels (layers/packing.py) when `kernel` is the core's."""
        return self.vector_bits

    def pointer_calls(self, kernel: str) -> Mapping[str, tuple[str, ...]]:
        """Functions that a function of the runtime calls through pointers of this layer, other than those of its matrices."""
        return {}

    def is_open(self, values: Mapping[str, Ints]) -> bool:
        """Whether the step runs the layers that it guards, from the states before the step."""
        return True

    def advance(self, values: dict[str, Ints]) -> None:
        """What happens to its states in a step in which it is closed."""
