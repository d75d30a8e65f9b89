# SPDX-License-Identifier: Apache-2.0
"""What convolutions have in common: geometry over [channels, time, frequency], rescaling, and the phases that C computes."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, mbqm, mbqm_twice
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.conv_code import ConvPhase, conv_code, phase_scratch
from codesign.compiler.layers.conv_runs_code import conv_runs, conv_runs_code
from codesign.compiler.layers.depthwise_code import depthwise_rows, depthwise_rows_code
from codesign.compiler.layers.history import RING_KERNELS
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.packing_rows import ROW_KERNELS
from codesign.compiler.layers.value import Value

Pair = tuple[int, int]
"""Of time and frequency."""

_ROWS = 4
"""Rows of weights that are multiplied with a patch at a time."""


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution, plain or transposed, int16 → int16 or int8 → int8, row-major [channels, time, frequency].

    weights int8 (outputs, inputs of a group, time taps, frequency taps) in −127…127; bias, multiplier and shift int32
    (outputs,). Where the sum is negative, `negative` int32 (outputs,), if given, takes the multiplier's place (PReLU).
    `twice`: rounded as TFLite's convolutions do, else once.
    `shape` is the source's (channels, time, frequency), or that of a larger one's first channels; `padding` (before, after) of
    time and of frequency. `place`, if given, is that of the history that the source is (layers/history.py).
    """

    source: str
    output: str
    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]
    shape: tuple[int, int, int]
    stride: Pair
    dilation: Pair
    padding: tuple[Pair, Pair]
    groups: int
    bits: int
    source_zero_point: int
    zero_point: int
    low: int
    high: int
    negative: npt.NDArray[np.int32] | None
    twice: bool
    place: str = field(default="", kw_only=True)

    @property
    @abstractmethod
    def result_shape(self) -> tuple[int, int, int]:
        """(channels, time, frequency) of the output."""

    @abstractmethod
    def phases(self) -> tuple[ConvPhase, ...]:
        """The convolutions that together write every result once."""

    @abstractmethod
    def sums(self, x: Ints, weights: npt.NDArray[np.float64]) -> Ints:
        """Exact Σ w · x without bias: int64 of `shape` less its zero point and float64 `weights` → int64 of `result_shape`."""

    @property
    def source_size(self) -> int:
        """Elements that it reads of the source."""
        return math.prod(self.shape)

    @property
    def depthwise(self) -> bool:
        """Whether every output reads one source channel, and not all of several outputs the only one: those are rows of one
        matrix, whose patches are gathered once.
        """
        return int(self.weights.shape[1]) == 1 and not (self.groups == 1 and len(self.weights) >= _ROWS)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source, self.place) if self.place else (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.output,)

    @property
    def states(self) -> tuple[str, ...]:
        return ()

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return (self.weights.reshape(len(self.weights), -1),)

    @property
    def vector_bits(self) -> tuple[int, ...]:
        return ()  # its kernels are no matrix's

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        negative = () if self.negative is None else (self.negative,)
        return (self.bias, self.multiplier, self.shift.astype(np.int8), *negative)

    @property
    def scratch_bytes(self) -> int:
        return max(phase_scratch(phase, self.depthwise) for phase in self.phases())

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one execution, those with padding too."""
        return sum(phase.macs for phase in self.phases())

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        values[self.output] = self.rescaled(values[self.source], matrices[0])

    def rescaled(self, x: Ints, matrix: npt.NDArray[np.float64]) -> Ints:
        """The output as int64 (elements,) from the source, int64 (elements,)."""
        x = x[: math.prod(self.shape)].reshape(self.shape) - self.source_zero_point
        sums = self.sums(x, matrix.reshape(self.weights.shape)) + self._of_channels(self.bias)
        multiplier = self._of_channels(self.multiplier)
        if self.negative is not None:
            multiplier = np.where(sums < 0, self._of_channels(self.negative), multiplier)
        scaled = (mbqm_twice if self.twice else mbqm)(sums, multiplier, self._of_channels(self.shift)) + self.zero_point
        return np.clip(scaled, self.low, self.high).reshape(-1)

    def apply(self, x: npt.NDArray[Any]) -> Ints:
        """The output as int64 of `result_shape` from the source's integers, of any shape with its elements."""
        flat = self.rescaled(x.astype(np.int64).reshape(-1), self.weights_int8[0].astype(np.float64))
        return flat.reshape(self.result_shape)

    def code(self, context: CodeContext) -> LayerCode:
        if context.kernel in RING_KERNELS and depthwise_rows(self) is not None:
            return depthwise_rows_code(self, context)
        if context.kernel in ROW_KERNELS and (runs := conv_runs(self)) is not None:
            return conv_runs_code(self, runs, context)
        return conv_code(self, context)

    def reading(self, context: CodeContext) -> tuple[str, str, str]:
        """C: a statement before the convolution, or none; its source; its scratch."""
        return "", context.at(self.source), context.scratch(self.name)

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}

    def _of_channels(self, constants: npt.NDArray[np.int32]) -> Ints:
        return constants.astype(np.int64).reshape(-1, 1, 1)


def taps_of(x: Ints, tap: Pair, stride: Pair, dilation: Pair, results: Pair) -> Ints:
    """What one tap reads of a padded source (channels, time, frequency) for all `results`."""
    t, f = (tap[i] * dilation[i] for i in range(2))
    return x[:, t : t + (results[0] - 1) * stride[0] + 1 : stride[0], f : f + (results[1] - 1) * stride[1] + 1 : stride[1]]


def products(x: Ints, weights: npt.NDArray[np.float64], groups: int) -> Ints:
    """Channels of x (inputs, time, frequency) times `weights` (outputs, inputs of a group) → (outputs, time, frequency)."""
    inputs = x.astype(np.float64).reshape(groups, weights.shape[1], -1)
    result = weights.reshape(groups, -1, weights.shape[1]) @ inputs
    return result.reshape(len(weights), *x.shape[1:]).astype(np.int64)
