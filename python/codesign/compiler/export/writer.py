# SPDX-License-Identifier: Apache-2.0
"""Values of a graph as TFLite tensors, and what every operator needs to write itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.export.flat import Flat
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph, Matrix, Quant
from codesign.compiler.operators.operator import Operator, Shape

PRODUCT = Quant(2.0**-11, 0, 16)
"""One of the two products of a gate: they reach ±16."""
UNIT = Quant(2.0**-15, 0, 16)
_LIMITS = {8: 127, 16: 32767}


@dataclass(frozen=True)
class Handle:
    """A tensor of a file, its shape without the batch."""

    tensor: int
    shape: Shape
    quant: Quant


@dataclass
class Writer:
    """A file under way. `values` are the graph's by name, `done` operators that an earlier one has taken on."""

    graph: Graph
    network: Network
    flat: Flat
    values: dict[str, Handle] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    made: int = 0

    def refuse(self, op: Operator, message: str = "") -> InputError:
        """The error for an operator that TFLite's kernels do not compute."""
        said = message or "has no form in TFLite"
        return InputError(f"{op.name}: {op.label} {said}", hint="docs/import.md, Writing TFLite, lists what has one")

    def quant(self, name: str) -> Quant | None:
        """What the network has for a value, else what the graph says."""
        value = self.network.values.get(name)
        if value is not None:
            return Quant(value.scale, value.zero_point, 8 if value.dtype == "int8" else 16)
        return self.graph.quants.get(name)

    def new(self, shape: Shape, quant: Quant, name: str = "") -> Handle:
        """A tensor; without a name it is called by its number."""
        self.made += 1
        return Handle(self.flat.tensor(name or f"part{self.made}", (1, *shape), quant), shape, quant)

    def ints(self, *numbers: int) -> int:
        """A constant list of integers."""
        self.made += 1
        return self.flat.constant(f"numbers{self.made}", np.array(numbers, np.int32))

    def give(self, name: str, handle: Handle) -> None:
        """Bind a value of the graph, in the integers that it has there."""
        wanted = self.graph.quants.get(name)
        self.values[name] = handle if wanted is None else self.requantized(handle, wanted)

    def apply(
        self,
        kind: str,
        sources: Sequence[Handle],
        shape: Shape,
        quant: Quant,
        version: int,
        options: str = "",
        more: Sequence[int] = (),
        **values: Any,
    ) -> Handle:
        """A new tensor by an operator over tensors and then constants."""
        result = self.new(shape, quant)
        inputs = [*(source.tensor for source in sources), *more]
        self.flat.operator(kind, inputs, [result.tensor], version, options, **values)
        return result

    def requantized(self, source: Handle, quant: Quant) -> Handle:
        """The same numbers in other integers."""
        return source if source.quant == quant else self.apply("QUANTIZE", [source], source.shape, quant, 3, "Quantize")

    def wide(self, source: Handle) -> Handle:
        """The same numbers in int16, exactly: 128 steps for one."""
        quant = source.quant
        return source if quant.bits == 16 else self.requantized(source, Quant(quant.scale / 128, 0, 16))

    def reshaped(self, source: Handle, shape: Shape) -> Handle:
        """The same elements in another shape."""
        if source.shape == shape:
            return source
        return self.apply("RESHAPE", [source], shape, source.quant, 1, "Reshape", [self.ints(1, *shape)])

    def linear(
        self, source: Handle, matrix: Matrix, bias: npt.NDArray[np.float64], quant: Quant, activation: int = 0
    ) -> Handle:
        """FULLY_CONNECTED with a real bias (rows,) at each position of the source, which has as many bits as `quant`.

        Raises:
            InputError: the matrix is not int8, or a bias is out of reach.
        """
        if matrix.quantized is None or matrix.scale is None:
            raise InputError("the weights are not int8", hint="codesign quantize makes them so")
        rows, columns = matrix.quantized.shape
        many = math.prod(source.shape) != columns
        source = source if many else self.reshaped(source, (columns,))
        self.made += 1
        scale = matrix.scale.astype(np.float32)
        weights = self.flat.constant(f"weights{self.made}", matrix.quantized, scale.tolist())
        more = [weights, self.bias(bias, source, scale)]
        shape = (*source.shape[:-1], rows)
        values = {"fusedActivationFunction": activation, "keepNumDims": many}
        return self.apply("FULLY_CONNECTED", [source], shape, quant, 7 if many else 4, "FullyConnected", more, **values)

    def bias(self, real: npt.NDArray[np.float64], source: Handle, scale: npt.NDArray[np.float32], bits: int = 64) -> int:
        """The number of a constant that is a real bias (rows,) in steps of source times weights, which have `scale` (rows,):
        int32 beside int8, int64 or, with 32 `bits`, int32 beside int16.

        Raises:
            InputError: it is beyond 32 bits of its steps.
        """
        steps = source.quant.scale * scale.astype(np.float64)
        integers = np.rint(real / steps)
        if np.abs(integers).max(initial=0.0) >= 2**31:
            raise InputError("a bias is beyond 32 bits of its steps", hint="quantize with coarser scales")
        self.made += 1
        dtype = np.int32 if source.quant.bits == 8 or bits == 32 else np.int64
        return self.flat.constant(f"bias{self.made}", integers.astype(dtype), steps.astype(np.float32).tolist())

    def element_constant(self, real: npt.NDArray[np.float64], bits: int) -> Handle:
        """A constant operand of any shape: int8 or int16 by `bits`, symmetric, with the scale that just holds it."""
        full = _LIMITS[bits]
        quant = Quant(float(np.float32((float(np.abs(real).max(initial=0.0)) or 1.0) / full)), 0, bits)
        self.made += 1
        integers = np.clip(np.rint(real / quant.scale), -full, full).astype(np.int8 if bits == 8 else np.int16)
        return Handle(self.flat.constant(f"operand{self.made}", integers, [quant.scale]), real.shape, quant)

    def activation(self, name: str) -> tuple[str, int]:
        """The value that is `name` with the clamp after it, and the schema's number of that clamp."""
        follower = self.graph.follower(name)
        if follower is None or follower.clamp is None or name in self.graph.quants:
            return name, 0
        known = {(0.0, math.inf): 1, (-1.0, 1.0): 2, (0.0, 6.0): 3}
        if follower.clamp not in known:
            raise self.refuse(follower, f"to {follower.clamp[0]:g} … {follower.clamp[1]:g} has no form in TFLite")
        self.done.add(follower.name)
        return follower.outputs[0], known[follower.clamp]

    def result_quant(self, op: Operator, name: str) -> Quant:
        """Integers of a result. Raises InputError where nothing says any."""
        quant = self.quant(name)
        if quant is None:
            raise self.refuse(op, f"gives '{name}', which is not quantized")
        return quant
