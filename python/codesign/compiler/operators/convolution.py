# SPDX-License-Identifier: Apache-2.0
"""What Conv and ConvTranspose have in common: weights of each output channel, geometry, and an activation after them."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.conv import lower_conv
from codesign.compiler.lower.convolution import Rounding
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.conv_rows import conv_rows
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter

_PATCHES = 32
"""Results of one step, at least, whose patches say what weights are rounded by."""
Axes = tuple[int, ...]
"""Numbers of each axis that the kernel runs along: one or two."""


@dataclass(frozen=True)
class Convolution(Operator):
    """A convolution of `source` [channels, frequency] or [channels, time, frequency]; bias float64 (outputs,).

    `weight` is (outputs, inputs of a group · taps), row-major over inputs and the axes of `kernel`. `before` and `after` are
    zeros around the source; of a transposed convolution, what is cut off its result. `rounding` is what TFLite's kernel does.
    """

    source: str
    output: str
    weight: Matrix
    bias: npt.NDArray[np.float64]
    kernel: Axes
    stride: Axes
    dilation: Axes
    before: Axes
    after: Axes
    groups: int = 1
    rounding: Rounding = "once"

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (source,), (output,) = sources, outputs
        return replace(self, name=name, source=source, output=output)

    @abstractmethod
    def results(self, sizes: Sequence[int]) -> Axes:
        """Elements of the output along each axis from those of the source."""

    @abstractmethod
    def patches(self, x: Real) -> Real:
        """What each result is made of, 0 where there is no source: (inputs, taps, results)."""

    def multiplied(self, values: Mapping[str, Real]) -> Real | None:
        found = self.patches(values[self.source])
        inputs, taps, results = found.shape
        found = found[..., :: max(1, results // _PATCHES)]  # neighbours tell the same
        return np.swapaxes(found.reshape(self.groups, inputs // self.groups * taps, -1), 1, 2)

    @abstractmethod
    def sums(self, x: Real, weight: Real) -> Real:
        """Products alone, of x (inputs, …) and weight (outputs, inputs of a group, …)."""

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        shape = known[self.source]
        outputs, columns = self.weight.values.shape
        inputs = columns // math.prod(self.kernel)
        if len(shape) != 1 + len(self.kernel) or shape[0] != inputs * self.groups or outputs % self.groups:
            raise InputError(
                f"{self.name}: {outputs} × {inputs} channels in {self.groups} groups, kernel {list(self.kernel)}, do not fit "
                f"'{self.source}' of shape {list(shape)}"
            )
        results = self.results(shape[1:])
        if min(results) < 1:
            raise InputError(f"{self.name}: the kernel {list(self.kernel)} is larger than the padded '{self.source}'")
        return {self.output: (outputs, *results)}

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        weight = self.weight.values.astype(np.float64).reshape(len(self.bias), -1, *self.kernel)
        sums = self.sums(values[self.source], weight)
        return {self.output: grid(self.output, sums + self.bias.reshape(-1, *[1] * len(self.kernel)))}

    @property
    def bounds(self) -> tuple[float, float]:
        return -math.inf, math.inf

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return (self.weight,)

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        follower = calibration.graph.follower(self.output)
        if follower is not None and (follower.clamp is not None or follower.slopes is not None):
            return {}  # the output of what follows is this layer's
        return {self.output: calibration.integers(self.output)}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        source = calibration.quants[self.source]
        follower = calibration.graph.follower(self.output)
        result = self.output if self.output in calibration.quants or follower is None else follower.outputs[0]
        quant = calibration.quants[result]
        slopes = follower.slopes if follower is not None and result != self.output else None
        slope = 1.0 if slopes is None else float(np.abs(slopes).max())
        moment = calibration.moments.get(self.name)
        weight, bias, least = conv_rows(self.weight, self.bias, source, quant, slope, moment)
        coarser = {result: replace(quant, scale=least)} if least > quant.scale else {}
        return replace(self, weight=weight, bias=bias), coarser

    def lower(self, context: Context) -> None:
        lower_conv(context, self)

    @property
    def pointwise_groups(self) -> int:
        alone = all(n == 1 for n in (*self.kernel, *self.stride)) and not any((*self.before, *self.after))
        return self.groups if alone else 0

    def attributes(self) -> dict[str, Any]:
        """Attributes of the ONNX node."""
        return {
            "kernel_shape": list(self.kernel),
            "strides": list(self.stride),
            "dilations": list(self.dilation),
            "pads": [*self.before, *self.after],
            "group": self.groups,
        }

    def written_weight(self, writer: QdqWriter) -> str:
        """The tensor of the dequantized weights, (outputs, inputs of a group, …)."""
        name = writer.inner(self)
        if self.weight.quantized is None or self.weight.scale is None:
            raise InputError(f"{self.name}: weights are not int8", hint="quantize_graph makes them so")
        shape = (len(self.bias), -1, *self.kernel)
        integers = writer.constant(f"{name}/weight_q", self.weight.quantized.reshape(shape))
        scale = writer.constant(f"{name}/weight_scale", self.weight.scale.astype(np.float32))
        writer.node("DequantizeLinear", [integers, scale], f"{name}/weight", axis=0)
        return f"{name}/weight"
