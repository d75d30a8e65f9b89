# SPDX-License-Identifier: Apache-2.0
"""Transposed convolution over time and frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints
from codesign.compiler.layers.conv_code import Axis, ConvPhase
from codesign.compiler.layers.convolution import Convolution, Pair, products
from codesign.compiler.layers.scratch import round_up

_AxisPhase = tuple[int, list[int], Axis]
"""First result, its taps, axis."""
_COLUMN = 4
"""What it costs to gather a column of patches, beside the multiplication of a column and a row."""


@dataclass(frozen=True)
class ConvTranspose2d(Convolution):
    """ONNX ConvTranspose with per-channel scales: source element r adds tap k to result r · stride + k · dilation, of which
    `padding` is cut off before and after, and `output_padding` is appended.

    `weights` have their outputs first: of ONNX's (inputs, outputs of a group, …) the groups' halves are exchanged.
    """

    output_padding: Pair

    kind: ClassVar[str] = "convtranspose2d"

    @property
    def title(self) -> str:
        kernel = "×".join(map(str, self.weights.shape[2:]))
        return f"transposed convolution {kernel}, {self.shape[0]}→{len(self.weights)}"

    @property
    def result_shape(self) -> tuple[int, int, int]:
        time, frequency = (self._reach(i) + self.output_padding[i] - sum(self.padding[i]) for i in range(2))
        return len(self.weights), time, frequency

    def phases(self) -> tuple[ConvPhase, ...]:
        found = []
        row = self.result_shape[2]
        for time in self._axis_phases(0):
            alone = [self._phase(time, frequency, row) for frequency in self._axis_phases(1)]
            joined = _joined(alone, self.stride[1], self.groups)
            found += alone if joined is None or self.depthwise else [joined]
        return tuple(found)

    def _phase(self, time: _AxisPhase, frequency: _AxisPhase, row: int) -> ConvPhase:
        (t_first, t_taps, t_axis), (f_first, f_taps, f_axis) = time, frequency
        weights = self.weights[:, :, t_taps][:, :, :, f_taps]
        if weights.size == 0:  # no tap reaches these results: one of zeros leaves the bias
            weights = np.zeros((*self.weights.shape[:2], max(len(t_taps), 1), max(len(f_taps), 1)), np.int8)
        return ConvPhase(np.ascontiguousarray(weights), t_axis, f_axis, t_first * row + f_first)

    def sums(self, x: Ints, weights: npt.NDArray[np.float64]) -> Ints:
        full = np.zeros((len(weights), *(self._reach(i) + self.output_padding[i] for i in range(2))), np.int64)
        for t, f in np.ndindex(weights.shape[2:]):
            first = t * self.dilation[0], f * self.dilation[1]
            rows = slice(first[0], first[0] + (self.shape[1] - 1) * self.stride[0] + 1, self.stride[0])
            columns = slice(first[1], first[1] + (self.shape[2] - 1) * self.stride[1] + 1, self.stride[1])
            full[:, rows, columns] += products(x, weights[:, :, t, f], self.groups)
        _, time, frequency = self.result_shape
        before = self.padding[0][0], self.padding[1][0]
        return full[:, before[0] : before[0] + time, before[1] : before[1] + frequency]

    def _reach(self, i: int) -> int:
        """Results without padding along an axis."""
        taps = int(self.weights.shape[2 + i])
        return (self.shape[1 + i] - 1) * self.stride[i] + self.dilation[i] * (taps - 1) + 1

    def _axis_phases(self, i: int) -> list[_AxisPhase]:
        """(first result, its taps, axis) of each phase along an axis that has results.

        Result y reads tap k from source (y + before − k · dilation) / stride where that is whole. Results a stride apart read
        the same taps, `apart` from one another, from sources that move by one; in the order of rising sources they are a
        convolution of stride 1.
        """
        stride, dilation, taps = self.stride[i], self.dilation[i], self.weights.shape[2 + i]
        before, results = self.padding[i][0], self.result_shape[1 + i]
        y_step = stride * (self.result_shape[2] if i == 0 else 1)
        apart = stride // math.gcd(stride, dilation)
        found = []
        for first in range(min(stride, results)):
            chosen = [k for k in reversed(range(taps)) if (first + before - k * dilation) % stride == 0]
            origin = (first + before - chosen[0] * dilation) // stride if chosen else 0
            axis = Axis(
                origin=origin,
                taps=max(len(chosen), 1),
                step=1,
                dilation=apart * dilation // stride,
                source=self.shape[1 + i],
                results=-(-(results - first) // stride),
                y_step=y_step,
            )
            found.append((first, chosen, axis))
        return found


def _joined(phases: list[ConvPhase], stride: int, groups: int) -> ConvPhase | None:
    """Phases along frequency as one, whose window holds those of all: sources are gathered once, rows fill fours. None where
    they do not fit one another, or that is no gain.
    """
    axes = [phase.frequency for phase in phases]
    first = min(axis.origin for axis in axes)
    apart = [axis.origin - first for axis in axes]
    if len(phases) != stride or stride == 1 or len({axis.dilation for axis in axes}) > 1:
        return None
    dilation = axes[0].dilation
    if any(shift % dilation for shift in apart):
        return None
    taps = max(shift // dilation + axis.taps for shift, axis in zip(apart, axes, strict=True))
    outputs, inputs, time_taps, _ = phases[0].weights.shape
    weights = np.zeros((outputs, stride, inputs, time_taps, taps), np.int8)
    for p, (phase, shift) in enumerate(zip(phases, apart, strict=True)):
        weights[:, p, :, :, shift // dilation : shift // dilation + phase.frequency.taps] = phase.weights
    of_group, columns = outputs // groups, inputs * time_taps * taps
    alone = sum((round_up(of_group, 4) + _COLUMN) * phase.columns for phase in phases)
    if (round_up(of_group * stride, 4) + _COLUMN) * columns >= alone:
        return None
    axis = replace(axes[0], origin=first, taps=taps, results=max(axis.results for axis in axes))
    idle = int(weights.size) - sum(int(phase.weights.size) for phase in phases)
    rows = weights.reshape(outputs * stride, inputs, time_taps, taps)
    return ConvPhase(rows, phases[0].time, axis, phases[0].y_offset, stride, idle)
