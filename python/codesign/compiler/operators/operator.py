# SPDX-License-Identifier: Apache-2.0
"""What every operator of a graph can be asked. An operator is one file here with all its verbs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from codesign.compiler.layers.tables import Table
    from codesign.compiler.lower.context import Context
    from codesign.compiler.lower.float_block import FloatSteps
    from codesign.compiler.model.graph import Matrix, Quant
    from codesign.compiler.quantize.calibrate import Calibration
    from codesign.compiler.quantize.qdq import QdqWriter

Real = npt.NDArray[np.float64]
Shape = tuple[int, ...]
Grid = Callable[[str, Real], Real]
"""(value, real numbers) → the numbers on the value's grid of integers; the numbers themselves in a float run."""


@dataclass(frozen=True)
class FrequencyKernel:
    """Neighbouring taps along frequency over channels in `groups`; `before` and `after` are zeros around the source."""

    taps: int
    stride: int
    before: int
    after: int
    groups: int

    def results(self, size: int) -> int:
        """Results of `size` frequencies."""
        return (size + self.before + self.after - self.taps) // self.stride + 1


@dataclass(frozen=True)
class Operator(ABC):
    """An operator of a graph; `name` is unique in it. Values are named as in Graph.shapes.

    A state as it was before the step is a value too, called as the state's input. Sources, outputs and names change by `wired`
    alone. Verbs that most operators answer in one way have that answer here: what guards others, what a layer before can take
    on, and how factors move between layers.
    """

    name: str

    @property
    @abstractmethod
    def label(self) -> str:
        """The operator's kind in reports, lower case."""

    @property
    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """Values that it reads."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Values that it makes; the first one is what a report of the layer is about."""

    @abstractmethod
    def wired(self, name: str, sources: Sequence[str], outputs: Sequence[str]) -> Self:
        """The same operator under another name, between other values: as many of each as it has."""

    @abstractmethod
    def shapes(self, known: Mapping[str, Shape]) -> Mapping[str, Shape]:
        """Shapes of its outputs, without the batch, from those of its sources in `known`.

        Raises:
            InputError: sources that do not fit it, or each other.
        """

    @abstractmethod
    def run(self, values: Mapping[str, Real], grid: Grid) -> dict[str, Real]:
        """Its outputs, float64 of their shapes, from `values`, rounded by `grid` where the integer layer rounds to a value."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest number that its first output can be, whatever it reads."""

    def reach(self, sources: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """As `bounds`, where each source is within its pair of `sources`: least and largest number."""
        return self.bounds

    @property
    @abstractmethod
    def matrices(self) -> tuple[Matrix, ...]:
        """Its weights."""

    @property
    @abstractmethod
    def observed(self) -> tuple[str, ...]:
        """Outputs whose range calibration must see."""

    @abstractmethod
    def scales(self, calibration: Calibration) -> Mapping[str, Quant]:
        """Parameters of the values that it makes, and of states that it keeps; those of its sources are in `calibration`."""

    @abstractmethod
    def quantized(self, calibration: Calibration) -> tuple[Self, Mapping[str, Quant]]:
        """The operator with int8 weights, and parameters of its outputs that must be coarser than `scales` for them."""

    @abstractmethod
    def write(self, writer: QdqWriter) -> None:
        """Its nodes in a QDQ file."""

    @abstractmethod
    def lower(self, context: Context) -> None:
        """Append its integer layers.

        Raises:
            InputError: parameters that the kernels do not compute with, or numbers that could overflow.
        """

    @property
    def carried(self) -> Mapping[str, str]:
        """States that it carries on from step to step: the state's input → its output that is the state's next value."""
        return {}

    def carried_quants(self, context: Context) -> Mapping[str, Quant]:
        """Parameters of the states that it carries on, in integers: what the file says, or what its layer needs.

        Raises:
            InputError: the file says what the layer does not compute with.
        """
        found = {state: context.quant(state, output) for state, output in self.carried.items()}
        return {state: quant for state, quant in found.items() if quant is not None}

    @property
    def guards(self) -> tuple[str, ...]:
        """Operators that compute only in steps in which this one is open; it runs after all others."""
        return ()

    def is_open(self, values: Mapping[str, Real]) -> bool:
        """Whether the step computes the operators that it guards."""
        return True

    @property
    def clamp(self) -> tuple[float, float] | None:
        """Bounds, if it does nothing but to clamp to them: the layer that makes its source does that for nothing."""
        return None

    @property
    def slopes(self) -> Real | None:
        """If it does nothing but to multiply negative numbers: the factor of each channel, (channels,), or of all, (1,). The
        convolution that makes its source does that for nothing.
        """
        return None

    @property
    def table(self) -> Table | None:
        """The int16 table that computes it, if there is one: the layer that makes its source then gives it int16."""
        return None

    @property
    def gives_int16(self) -> bool:
        """Whether its layer can give int16, and take on what `clamp` or `table` of the one reader say."""
        return False

    @property
    def source_limit(self) -> float:
        """A magnitude of its first source beyond which its gates are open or closed, whatever else they read."""
        return math.inf

    @property
    def source_step(self) -> float:
        """The largest scale of an int16 first source beside which its weights need not be cut; infinite where none are."""
        return math.inf

    @property
    def float_sources(self) -> tuple[str, ...]:
        """Those of its sources that are real numbers in the firmware, too."""
        return ()

    @property
    def has_float(self) -> bool:
        """Whether a float block can compute it: `in_float` then appends its steps."""
        return False

    @property
    def compresses(self) -> bool:
        """Whether numbers of a large range become some of a small one, as those that a logarithm is taken of."""
        return False

    def in_float(self, steps: FloatSteps) -> None:
        """Append what computes it in float32."""
        raise TypeError(f"{self.label} is not computed in float32")

    def write_float(self, writer: QdqWriter) -> None:
        """Its nodes in a QDQ file where it is computed in float32."""
        self.write(writer)

    @property
    def moves(self) -> bool:
        """Whether it moves elements and computes nothing, so that what it reads need not be in one place."""
        return False

    @property
    def pointwise_groups(self) -> int:
        """Groups of channels, if it multiplies them with a kernel of one tap: neighbours that are stacked as channels can be
        taps of it. 0 for other operators.
        """
        return 0

    @property
    def frequency_kernel(self) -> FrequencyKernel | None:
        """Its kernel, if it runs along frequency alone and reads its neighbours, else None."""
        return None

    @property
    def homogeneous(self) -> bool:
        """Whether each channel of its one output is scaled as that of its one source is, by any positive factor."""
        return False

    def multiplied(self, values: Mapping[str, Real]) -> Real | None:
        """What its matrices, side by side, were multiplied by in a step with `values`: (vectors, columns), or (groups,
        vectors, columns) of as many runs of rows; None where nothing is to be told of it, and weights are rounded one by one.
        """
        return None

    @property
    def columns(self) -> Matrix | None:
        """The matrix that its one source is multiplied by, and by nothing else; None without."""
        return None

    def with_columns(self, factors: Real) -> Self:
        """The same operator with the columns of `columns` multiplied by `factors`."""
        raise TypeError(f"{self.label} has no matrix of columns")

    def with_rows(self, factors: Real) -> Self | None:
        """The operator with each channel of its one output multiplied by `factors`, None where its weights cannot do that."""
        return None
