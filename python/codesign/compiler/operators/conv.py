# SPDX-License-Identifier: Apache-2.0
"""A convolution over frequency, or over time and frequency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codesign.compiler.operators.convolution import Axes, Convolution
from codesign.compiler.operators.operator import FrequencyKernel, Real

if TYPE_CHECKING:
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class Conv(Convolution):
    """ONNX Conv: result y is the sum over taps k of weight k · source (y · stride + k · dilation − before)."""

    @property
    def label(self) -> str:
        return "conv"

    @property
    def frequency_kernel(self) -> FrequencyKernel | None:
        others = (*self.kernel[:-1], *self.stride[:-1], self.dilation[-1])
        if self.kernel[-1] == 1 or any(n != 1 for n in others) or any((*self.before[:-1], *self.after[:-1])):
            return None
        return FrequencyKernel(self.kernel[-1], self.stride[-1], self.before[-1], self.after[-1], self.groups)

    def results(self, sizes: Sequence[int]) -> Axes:
        return tuple(
            (n + self.before[i] + self.after[i] - self.dilation[i] * (self.kernel[i] - 1) - 1) // self.stride[i] + 1
            for i, n in enumerate(sizes)
        )

    def sums(self, x: Real, weight: Real) -> Real:
        sums = np.zeros((len(weight), *self.results(x.shape[1:])))
        for taps, part in zip(np.ndindex(self.kernel), self._taken(x), strict=True):
            sums += products(part, weight[(..., *taps)], self.groups)
        return sums

    def patches(self, x: Real) -> Real:
        return np.stack([part.reshape(len(x), -1) for part in self._taken(x)], axis=1)

    def _taken(self, x: Real) -> Iterator[Real]:
        """What each tap multiplies, (inputs, results)."""
        padded = np.pad(x, [(0, 0), *zip(self.before, self.after, strict=True)])
        results = self.results(x.shape[1:])
        for taps in np.ndindex(self.kernel):
            firsts = [tap * apart for tap, apart in zip(taps, self.dilation, strict=True)]
            places = tuple(
                slice(first, first + (n - 1) * step + 1, step)
                for first, n, step in zip(firsts, results, self.stride, strict=True)
            )
            yield padded[(slice(None), *places)]

    def write(self, writer: QdqWriter) -> None:
        name = writer.inner(self)
        bias = writer.constant(f"{name}/bias", self.bias.astype(np.float32))
        inputs = [writer.tensor(self.source), self.written_weight(writer), bias]
        writer.node("Conv", inputs, f"{name}/conv", label=self.name, **self.attributes())
        writer.finish(self.output, f"{name}/conv")


def products(x: Real, weight: Real, groups: int) -> Real:
    """Channels of x (inputs, …) times weight (outputs, inputs of a group) → (outputs, …)."""
    inputs = x.reshape(groups, weight.shape[1], -1)
    result = weight.reshape(groups, -1, weight.shape[1]) @ inputs
    return result.reshape(len(weight), *x.shape[1:])
