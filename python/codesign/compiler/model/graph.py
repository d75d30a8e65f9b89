# SPDX-License-Identifier: Apache-2.0
"""What a model file says, with ONNX left behind: semantic operators over named values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.names import check_unique

if TYPE_CHECKING:
    from codesign.compiler.operators.operator import Operator, Shape

GATES = ("input", "forget", "cell", "output")


@dataclass(frozen=True)
class Quant:
    """QuantizeLinear parameters of a value: real = scale · (q − zero_point)."""

    scale: float
    zero_point: int
    bits: int
    """8 or 16; always signed."""


@dataclass(frozen=True)
class Matrix:
    """A weight matrix, shape (rows, columns), rows being outputs.

    `values` float32 are the real weights. In a quantized file `quantized` int8 and `scale` float64 (rows,) are those of
    its DequantizeLinear, and values = quantized · scale.
    """

    values: npt.NDArray[np.float32]
    quantized: npt.NDArray[np.int8] | None = None
    scale: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, init=False)
class State:
    """A pair of graph input and graph output: what one step hands to the next, a value of `shape` without the batch.

    Before the first step it is `initial`: one number for all elements, or one for each in row-major order.
    """

    input: str
    output: str
    shape: Shape
    initial: float | tuple[float, ...] = 0.0

    def __init__(
        self,
        input: str,
        output: str,
        shape: int | Sequence[int],
        initial: float | Sequence[float] | npt.NDArray[np.floating] = 0.0,
    ) -> None:
        single = isinstance(initial, int | float)
        values = initial if single else tuple(np.asarray(initial, np.float64).ravel().tolist())
        object.__setattr__(self, "input", input)
        object.__setattr__(self, "output", output)
        object.__setattr__(self, "shape", (shape,) if isinstance(shape, int) else tuple(shape))
        object.__setattr__(self, "initial", values)
        if not single and len(tuple(values)) != self.size:  # type: ignore[arg-type]
            raise InputError(f"state '{input}' has {self.size} elements and {len(values)} initial values")  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def start(self) -> npt.NDArray[np.float64]:
        """The values before the first step, float64 of its shape."""
        values = np.asarray(self.initial, np.float64)
        return values.reshape(self.shape) if values.ndim else np.full(self.shape, float(values))


@dataclass(frozen=True)
class Graph:
    """One time step: `input` (features, float) and states in, `output` (mask) and states out.

    Operators are in execution order, but those that guard others run last. A value that the file passes through QuantizeLinear
    and DequantizeLinear is one value here, with its parameters in `quants`; the graph counts as quantized when every value that
    an integer layer needs has some. `shapes` are without the batch: that of the input must be given, all others follow from it
    and the operators. A state's next value is the one that `updates` names for its input; without an entry it is what an
    operator carries on there, or the value called as the state's output.

    Raises:
        ValueError: two operators of one name.
        InputError: an operator reads what nothing before it makes, or what does not fit it.
    """

    name: str
    frontend: Chain
    input: str
    output: str
    states: tuple[State, ...]
    ops: tuple[Operator, ...]
    shapes: Mapping[str, Shape]
    quants: Mapping[str, Quant]
    licence: str = ""
    sha256: str = ""
    updates: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What the import assumed, dropped and folded."""
    tflite: bool = False
    """Whether the integers are to be those of TFLite's reference kernels (docs/numerics.md, TFLite)."""

    def __post_init__(self) -> None:
        check_unique("operators of a graph", (op.name for op in self.ops))
        object.__setattr__(self, "shapes", self._all_shapes())

    @property
    def schedule(self) -> tuple[Operator, ...]:
        """The operators in the order in which they run."""
        return (*(op for op in self.ops if not op.guards), *(op for op in self.ops if op.guards))

    @property
    def has_float_input(self) -> bool:
        """Whether the features stay real numbers, which a float block reads."""
        return self.is_float(self.input)

    def is_float(self, name: str) -> bool:
        """Whether the input, or a state, is real numbers in the firmware, too."""
        return any(name in op.float_sources for op in self.ops)

    def size(self, value: str) -> int:
        """Elements of a value."""
        return math.prod(self.shapes[value])

    def state(self, name: str) -> State | None:
        """The state whose input is called `name`."""
        return next((state for state in self.states if state.input == name), None)

    def next_value(self, state: State) -> str:
        """The value of this step that is the state's in the next one."""
        if state.input in self.updates:
            return self.updates[state.input]
        carried = (op.carried[state.input] for op in self.ops if state.input in op.carried)
        return next(carried, state.output)

    def is_kept(self, value: str) -> bool:
        """Whether a value is needed after the last operator: the output, or a state's next value."""
        return value == self.output or any(self.next_value(state) == value for state in self.states)

    def maker(self, value: str) -> Operator | None:
        """The operator that makes a value; None for the input and the states."""
        return next((op for op in self.ops if value in op.outputs), None)

    def readers(self, value: str) -> tuple[Operator, ...]:
        """Operators that read a value."""
        return tuple(op for op in self.ops if value in op.sources)

    def follower(self, value: str) -> Operator | None:
        """The operator that reads a value which nothing else needs."""
        readers = self.readers(value)
        return readers[0] if len(readers) == 1 and not self.is_kept(value) else None

    def _all_shapes(self) -> dict[str, Shape]:
        known: dict[str, Shape] = {state.input: state.shape for state in self.states}
        if self.input in self.shapes:
            known[self.input] = self.shapes[self.input]
        for op in self.schedule:
            for source in op.sources:
                if source not in known:
                    raise InputError(f"{op.name}: input '{source}' is not computed by an operator before it")
            known |= op.shapes(known)
        for name, shape in self.shapes.items():
            if known.setdefault(name, shape) != shape:
                raise InputError(f"{self.name}: value '{name}' has shape {list(known[name])}, not {list(shape)}")
        return known
