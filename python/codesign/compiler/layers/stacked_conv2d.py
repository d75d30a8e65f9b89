# SPDX-License-Identifier: Apache-2.0
"""A convolution over frequency whose channels are neighbours along frequency of fewer channels (subband feature extraction)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints
from codesign.compiler.layers.code import CodeContext, LayerCode
from codesign.compiler.layers.conv2d import Conv2d
from codesign.compiler.layers.conv_code import ConvPhase, conv_code, phase_scratch
from codesign.compiler.layers.conv_runs_code import conv_runs, conv_runs_code
from codesign.compiler.layers.packing_rows import ROW_KERNELS
from codesign.compiler.layers.scratch import round_up

MOST_COLUMNS = 24
"""Of summed kernels: those of the first and the last result stand side by side in six vectors."""
_ENDS_BYTES = 3 * 2 * MOST_COLUMNS
"""Patches of both ends, and zeros."""


@dataclass(frozen=True, kw_only=True)
class StackedConv2d(Conv2d):
    """Of time it has one frame and one tap, of dilation none. Channel c · neighbours + j at frequency f is channel c of the
    source at f + j − before, zero outside; `shape` and all else are those of the convolution over these channels.

    A core with vectors reads the source where it lies, with kernels (int16) in which what meets the same element is summed.
    They are wrong where a tap stands outside, of which all neighbours are zero: the first and the last result have their own
    kernels, and no other result may have such a tap.
    """

    neighbours: int
    before: int
    stack: str = ""  # the graph's value of the stacked channels, of which the source is a part

    @property
    def source_size(self) -> int:
        return super().source_size // self.neighbours

    def unstacked(self, stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The source, (channels, size), within the stacked channels, (channels · neighbours, 1, size) in any shape."""
        return stack.reshape(-1, self.neighbours, self.shape[2])[:, self.before]

    def rescaled(self, x: Ints, matrix: npt.NDArray[np.float64]) -> Ints:
        stacked, _, size = self.shape
        rows = x.reshape(-1, size)
        padded = np.pad(rows, ((0, 0), (self.before, self.neighbours - 1 - self.before)))
        near = [padded[:, j : j + size] for j in range(self.neighbours)]
        return super().rescaled(np.stack(near, axis=1).reshape(stacked * size), matrix)

    def joined(self, result: int | None = None) -> npt.NDArray[np.int16]:
        """Kernels int16 (outputs, channels of a group, 1, taps) over the source; of one result what it meets."""
        outputs, inputs, _, taps = self.weights.shape
        kernels = np.zeros((outputs, inputs // self.neighbours, 1, taps + self.neighbours - 1), np.int16)
        for tap in range(taps):
            if result is None or 0 <= result * self.stride[1] - self.padding[1][0] + tap < self.shape[2]:
                some = self.weights[:, :, 0, tap].reshape(outputs, -1, self.neighbours)
                kernels[:, :, 0, tap : tap + self.neighbours] += some
        return kernels

    @property
    def phase(self) -> ConvPhase:
        """The convolution of the source with summed kernels."""
        (phase,) = super().phases()
        origin = -self.padding[1][0] - self.before
        axis = replace(phase.frequency, origin=origin, taps=self.weights.shape[3] + self.neighbours - 1)
        return ConvPhase(self.joined(), phase.time, axis, 0)

    @property
    def scratch_bytes(self) -> int:
        return self._stack_bytes + max(super().scratch_bytes, phase_scratch(self.phase, depthwise=False) + _ENDS_BYTES)

    def code(self, context: CodeContext) -> LayerCode:
        if context.kernel in ROW_KERNELS:
            ends = self.joined(0), self.joined(self.result_shape[2] - 1)
            if (runs := conv_runs(self, (self.phase,), ends)) is not None:
                return conv_runs_code(self, runs, context)
        return conv_code(self, context)

    def reading(self, context: CodeContext) -> tuple[str, str, str]:
        scratch, _, size = context.scratch(self.name), *self.shape[1:]
        stack = f"(int16_t *)({scratch})"
        of = f"{self.shape[0] // self.neighbours}, {size}, {self.neighbours}, {self.before}"
        return f"cs_stack_rows_s16({context.at(self.source)}, {of}, {stack});", stack, f"{scratch} + {self._stack_bytes}"

    @property
    def _stack_bytes(self) -> int:
        return round_up(2 * self.shape[0] * self.shape[2], 4)
