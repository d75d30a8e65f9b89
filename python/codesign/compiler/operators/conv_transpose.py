# SPDX-License-Identifier: Apache-2.0
"""A transposed convolution over frequency, or over time and frequency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from codesign.compiler.operators.conv import products
from codesign.compiler.operators.convolution import Axes, Convolution
from codesign.compiler.operators.operator import Real

if TYPE_CHECKING:
    from codesign.compiler.quantize.qdq import QdqWriter


@dataclass(frozen=True)
class ConvTranspose(Convolution):
    """ONNX ConvTranspose: source element r adds weight k to result r · stride + k · dilation − before.

    `weight` has the outputs first: of ONNX's (inputs, outputs of a group, …) the groups' halves are exchanged. `more` results
    are appended to each axis.
    """

    more: Axes = ()

    @property
    def label(self) -> str:
        return "conv_transpose"

    def results(self, sizes: Sequence[int]) -> Axes:
        ends = zip(self._reach(sizes), self.more or (0,) * len(sizes), self.before, self.after, strict=True)
        return tuple(reach + more - before - after for reach, more, before, after in ends)

    def sums(self, x: Real, weight: Real) -> Real:
        full = self._full(len(weight), x)
        for taps, places in self._places(x):
            full[places] += products(x, weight[(..., *taps)], self.groups)
        return self._cut(full, x)

    def patches(self, x: Real) -> Real:
        found = []
        for _, places in self._places(x):
            full = self._full(len(x), x)
            full[places] = x
            found.append(self._cut(full, x).reshape(len(x), -1))
        return np.stack(found, axis=1)

    def _full(self, channels: int, x: Real) -> Real:
        """Zeros as large as the result before its ends are cut off."""
        sizes = x.shape[1:]
        more = self.more or (0,) * len(sizes)
        return np.zeros((channels, *(reach + extra for reach, extra in zip(self._reach(sizes), more, strict=True))))

    def _places(self, x: Real) -> Iterator[tuple[tuple[Any, ...], tuple[slice, ...]]]:
        """Where each tap puts the source."""
        for taps in np.ndindex(self.kernel):
            firsts = [tap * apart for tap, apart in zip(taps, self.dilation, strict=True)]
            places = (
                slice(first, first + (n - 1) * step + 1, step)
                for first, n, step in zip(firsts, x.shape[1:], self.stride, strict=True)
            )
            yield taps, (slice(None), *places)

    def _cut(self, full: Real, x: Real) -> Real:
        ends = zip(self.before, self.results(x.shape[1:]), strict=True)
        return full[(slice(None), *(slice(first, first + n) for first, n in ends))]

    def write(self, writer: QdqWriter) -> None:
        name, weight = writer.inner(self), self.written_weight(writer)
        inputs = self.weight.values.shape[1] // int(np.prod(self.kernel))
        halves = [self.groups, len(self.bias) // self.groups, inputs, *self.kernel]
        order = [0, 2, 1, *range(3, len(halves))]
        shapes = {"halves": halves, "shape": [self.groups * inputs, halves[1], *self.kernel]}
        first, last = (writer.constant(f"{name}/{what}", np.array(shape, np.int64)) for what, shape in shapes.items())
        writer.node("Reshape", [weight, first], f"{name}/weight_halves")
        writer.node("Transpose", [f"{name}/weight_halves"], f"{name}/weight_turned", perm=order)
        writer.node("Reshape", [f"{name}/weight_turned", last], f"{name}/weight_onnx")
        bias = writer.constant(f"{name}/bias", self.bias.astype(np.float32))
        attributes = self.attributes()
        if any(self.more):
            attributes["output_padding"] = list(self.more)
        sources = [writer.tensor(self.source), f"{name}/weight_onnx", bias]
        writer.node("ConvTranspose", sources, f"{name}/conv", label=self.name, **attributes)
        writer.finish(self.output, f"{name}/conv")

    def _reach(self, sizes: Sequence[int]) -> list[int]:
        """Results along each axis before any are cut off."""
        return [(n - 1) * self.stride[i] + self.dilation[i] * (self.kernel[i] - 1) + 1 for i, n in enumerate(sizes)]
