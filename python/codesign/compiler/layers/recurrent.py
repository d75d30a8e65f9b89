# SPDX-License-Identifier: Apache-2.0
"""What recurrent layers have in common: a step of one vector, of many positions side by side, or along positions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.code import CodeContext
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.scratch import round_up

Scan = Literal["", "forward", "reverse"]


@dataclass(frozen=True)
class Recurrent(Layer):
    """`source` [positions, inputs], or a larger value in which positions are `source_stride` elements apart, from element
    `source_offset` on. Without `scan` each position has its own state [positions, units], which lives from step to step and is
    the output; `hidden` names it. With `scan` each step runs over the positions, first to last or last to first, from the state
    0 or from the states `kept` [units], hidden first, and `hidden` names the output [positions, units].
    """

    source: str
    hidden: str
    positions: int = field(default=1, kw_only=True)
    scan: Scan = field(default="", kw_only=True)
    kept: tuple[str, ...] = field(default=(), kw_only=True)
    source_offset: int = field(default=0, kw_only=True)
    source_stride: int = field(default=0, kw_only=True)

    @property
    def stride(self) -> int:
        """Elements of the source from one position to the next."""
        return self.source_stride or self.inputs

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Elements of one position of the source."""

    @property
    @abstractmethod
    def units(self) -> int:
        """Elements of one position of the hidden state."""

    @property
    @abstractmethod
    def starts(self) -> tuple[tuple[str, str, int], ...]:
        """Of each state, hidden first: the value's name, its C type, and the integer of the real 0."""

    @property
    @abstractmethod
    def step_bytes(self) -> int:
        """Scratch of one position."""

    @abstractmethod
    def cells(self, x: Ints, states: tuple[Ints, ...], matrices: Matrices) -> tuple[Ints, ...]:
        """New states from x (positions, inputs) and the states (positions, units) before, hidden first."""

    @property
    def shape_title(self) -> str:
        """Sizes and mode for a person."""
        over = f", {self.positions} positions" if self.positions > 1 or self.scan else ""
        return f"{self.inputs}→{self.units}{over}{f', {self.scan}' if self.scan else ''}"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.hidden,) if self.scan else ()

    @property
    def states(self) -> tuple[str, ...]:
        return self.kept if self.scan else tuple(name for name, _, _ in self.starts)

    @property
    def macs(self) -> int:
        return self.positions * sum(int(matrix.size) for matrix in self.weights_int8)

    @property
    def scratch_bytes(self) -> int:
        kept = sum(round_up(self.units * (1 if ctype == "int8_t" else 2), 4) for _, ctype, _ in self.starts)
        return self.step_bytes + (kept if self.scan and not self.kept else 0)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        x = self._inputs(values)
        if not self.scan:
            names = self.states
            before = tuple(values[name].reshape(self.positions, self.units) for name in names)
            after = self.cells(x, before, matrices)
            values.update((name, state.reshape(-1)) for name, state in zip(names, after, strict=True))
            return
        states = tuple(np.full((1, self.units), start, np.int64) for _, _, start in self.starts)
        if self.kept:
            states = tuple(values[name].reshape(1, -1) for name in self.kept)
        output = np.zeros((self.positions, self.units), np.int64)
        for p in range(self.positions) if self.scan == "forward" else reversed(range(self.positions)):
            states = self.cells(x[p : p + 1], states, matrices)
            output[p] = states[0][0]
        values[self.hidden] = output.reshape(-1)
        values.update((name, state.reshape(-1)) for name, state in zip(self.kept, states, strict=bool(self.kept)))

    def after_given(self, values: Mapping[str, Ints], given: Ints, start: Ints | None, matrices: Matrices) -> Ints:
        """What a run over the positions gives, int64 (positions · units,), where every position starts from the hidden state
        that `given`, of that size, has of the one before, and the first from `start` (units,) or 0. For a layer whose only
        state is the hidden one.
        """
        ((_, _, zero),) = self.starts
        first = np.full((1, self.units), zero, np.int64) if start is None else start.reshape(1, -1)
        rows = given.reshape(self.positions, self.units)
        before = (first, rows[:-1]) if self.scan == "forward" else (rows[1:], first)
        return self.cells(self._inputs(values), (np.concatenate(before),), matrices)[0].reshape(-1)

    def _inputs(self, values: Mapping[str, Ints]) -> Ints:
        """The source as the layer reads it, (positions, inputs)."""
        places = self.source_offset + self.stride * np.arange(self.positions)[:, None] + np.arange(self.inputs)
        return np.asarray(values[self.source].reshape(-1)[places])

    def source_at(self, context: CodeContext) -> str:
        """C expression for its first position of the source."""
        offset = f" + {self.source_offset}" if self.source_offset else ""
        return f"{context.at(self.source)}{offset}"

    def body(self, function: str, context: CodeContext) -> str:
        """C statements that call `function`(&layer, x, states…, scratch) in the layer's mode."""
        ats = [context.at(name) for name in (self.states if not self.scan else (self.hidden,))]
        return context.render(
            "recurrent.c.j2",
            layer=self,
            prefix=context.functions[self.name],
            function=function,
            x=self.source_at(context),
            states=ats,
            kept=[context.at(name) for name in self.kept],
            scratch=context.scratch(self.name),
        )


@dataclass(frozen=True)
class TwoMatrices(Recurrent):
    """One matrix for the input and one for the hidden state, int8, their rows in the same order, and that of `bias` int32.
    `wide_input` for an int16 input, `wide` for an int16 hidden state.
    """

    input_weights: npt.NDArray[np.int8]
    recurrent_weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    wide_input: bool = field(default=False, kw_only=True)
    wide: bool = field(default=False, kw_only=True)

    @property
    def inputs(self) -> int:
        return int(self.input_weights.shape[1])

    @property
    def units(self) -> int:
        return int(self.recurrent_weights.shape[1])

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return (self.input_weights, self.recurrent_weights)

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.bias,)

    @property
    def vector_bits(self) -> tuple[int, ...]:
        return (16 if self.wide_input else 8, 16 if self.wide else 8)


def product(weights: npt.NDArray[np.float64], x: Ints, *, wide: bool) -> Ints:
    """Sums of the rows as the kernels deliver them, int64 (positions, rows): 256 times the sum for int8, the sum for int16."""
    sums = (x.astype(np.float64) @ weights.T).astype(np.int64)
    return sums if wide else sums * 256
