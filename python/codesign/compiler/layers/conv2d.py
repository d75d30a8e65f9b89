# SPDX-License-Identifier: Apache-2.0
"""Convolution over time and frequency; one over time alone has one frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints
from codesign.compiler.layers.conv_code import Axis, ConvPhase
from codesign.compiler.layers.convolution import Convolution, products, taps_of


@dataclass(frozen=True)
class Conv2d(Convolution):
    """TFLite CONV_2D and DEPTHWISE_CONV_2D with per-channel scales on [channels, time, frequency], any kernel, stride,
    dilation, groups and zero padding, with PReLU in the rescaling where `negative` is given.
    """

    kind: ClassVar[str] = "conv2d"

    @property
    def title(self) -> str:
        kernel = "×".join(map(str, self.weights.shape[2:]))
        return f"convolution {kernel}, {self.shape[0]}→{len(self.weights)}"

    @property
    def result_shape(self) -> tuple[int, int, int]:
        time, frequency = (
            (self.shape[1 + i] + sum(self.padding[i]) - self.dilation[i] * (self.weights.shape[2 + i] - 1) - 1)
            // self.stride[i]
            + 1
            for i in range(2)
        )
        return len(self.weights), time, frequency

    def phases(self) -> tuple[ConvPhase, ...]:
        _, *results = self.result_shape
        time, frequency = (
            Axis(
                origin=-self.padding[i][0],
                taps=self.weights.shape[2 + i],
                step=self.stride[i],
                dilation=self.dilation[i],
                source=self.shape[1 + i],
                results=results[i],
                y_step=(results[1], 1)[i],
            )
            for i in range(2)
        )
        return (ConvPhase(self.weights, time, frequency, 0),)

    def sums(self, x: Ints, weights: npt.NDArray[np.float64]) -> Ints:
        padded = np.pad(x, ((0, 0), *self.padding))
        sums = np.zeros(self.result_shape, np.int64)
        for tap in np.ndindex(weights.shape[2:]):
            some = taps_of(padded, (tap[0], tap[1]), self.stride, self.dilation, sums.shape[1:])
            sums += products(some, weights[:, :, tap[0], tap[1]], self.groups)
        return sums
