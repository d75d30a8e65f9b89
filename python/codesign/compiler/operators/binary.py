# SPDX-License-Identifier: Apache-2.0
"""Sum, difference, product, minimum or maximum of two values, or of a value and a constant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers.binary import Operation
from codesign.compiler.lower.binary import constant_side, least_scale, lower_binary
from codesign.compiler.model.graph import Matrix, Quant
from codesign.compiler.operators.operator import Grid, Operator, Real, Shape

if TYPE_CHECKING:
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter

NODES: Mapping[Operation, str] = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "minimum": "Min", "maximum": "Max"}


@dataclass(frozen=True)
class Binary(Operator):
    """left ∘ right with NumPy's broadcasting; of a constant operand the name is "" and `constant` float64 holds its numbers;
    `constant_quant` says what integers the file has for them.
    """

    operation: Operation
    left: str
    right: str
    output: str
    constant: npt.NDArray[np.float64] | None = None
    constant_quant: Quant | None = None

    @property
    def label(self) -> str:
        return self.operation

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(name for name in (self.left, self.right) if name)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,)

    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        (output,), names = outputs, list(sources)
        if self.constant is None:
            left, right = names
        else:
            (only,) = names
            left, right = (only, "") if self.constant_last else ("", only)
        return replace(self, name=name, left=left, right=right, output=output)

    @property
    def constant_last(self) -> bool:
        """Whether a constant is the right operand: before it is wired, an operator says so by a left one."""
        return bool(self.left) or not self.right

    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        own = [known[name] for name in self.sources] + ([] if self.constant is None else [self.constant.shape])
        try:
            return {self.output: tuple(np.broadcast_shapes(*own))}
        except ValueError:
            raise InputError(f"{self.name}: shapes {' and '.join(str(list(s)) for s in own)} do not broadcast") from None

    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        left, right = (self.constant if not name else values[name] for name in (self.left, self.right))
        return {self.output: grid(self.output, np.asarray(getattr(np, self.operation)(left, right), np.float64))}

    @property
    def bounds(self) -> tuple[float, float]:
        if self.constant is not None and self.operation in ("minimum", "maximum"):
            least, most = float(self.constant.min()), float(self.constant.max())
            return (-math.inf, most) if self.operation == "minimum" else (least, math.inf)
        return -math.inf, math.inf

    def reach(self, sources: Sequence[tuple[float, float]]) -> tuple[float, float]:
        both = list(sources)
        if self.constant is not None:
            both.insert(int(self.constant_last), (float(self.constant.min()), float(self.constant.max())))
        (a, b), (c, d) = both
        match self.operation:
            case "add":
                return a + c, b + d
            case "subtract":
                return a - d, b - c
            case "maximum":
                return max(a, c), max(b, d)
            case "minimum":
                return min(a, c), min(b, d)
        return (0.0 if self.left == self.right or min(a, c) >= 0.0 else -math.inf), math.inf

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return ()

    @property
    def observed(self) -> tuple[str, ...]:
        return (self.output,)

    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        """What calibration saw, but no finer than the kernel holds: a result may be far below what its operands reach."""
        quant = calibration.measured(self.output)
        operands = [(q.scale, q.bits) for q in map(calibration.quants.get, self.sources) if q is not None]
        if self.constant is not None:
            operands.append((constant_side(self.constant, "int16").value.scale, 16))
        return {self.output: replace(quant, scale=max(quant.scale, float(np.float32(least_scale(self.operation, operands)))))}

    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        """With the constant as its int16 operand has it."""
        if self.constant is None:
            return self, {}
        side = constant_side(self.constant, "int16")
        assert side.constant is not None
        exact = np.asarray(side.constant * side.value.scale, np.float64)
        return replace(self, constant=exact.reshape(self.constant.shape)), {}

    def write(self, writer: QdqWriter) -> None:
        name, rank = writer.inner(self), len(writer.shape(self.output))
        inputs = []
        for source in (self.left, self.right):
            if not source:
                assert self.constant is not None
                inputs.append(writer.constant(f"{name}/operand", self.constant.astype(np.float32)))
                continue
            shape = writer.shape(source)
            tensor = writer.tensor(source)
            inputs.append(tensor if len(shape) == rank else writer.reshaped(tensor, (1, *(1,) * (rank - len(shape)), *shape)))
        writer.node(NODES[self.operation], inputs, f"{name}/{self.operation}", label=self.name)
        writer.finish(self.output, f"{name}/{self.operation}")

    @property
    def has_float(self) -> bool:
        return True

    def in_float(self, steps: FloatSteps) -> None:
        own = [steps.arrangement(name).shape for name in self.sources] + (
            [] if self.constant is None else [self.constant.shape]
        )
        shape = tuple(np.broadcast_shapes(*own))
        sides = []
        for name in (self.left, self.right):
            if name:
                sides.append(steps.stretched(name, shape))
            else:
                assert self.constant is not None
                sides.append(steps.numbers(self.constant, shape))
        steps.pair(self.output, self.operation, sides[0], sides[1], shape)

    def lower(self, context: Context) -> None:
        lower_binary(context, self)
