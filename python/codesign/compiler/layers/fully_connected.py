# SPDX-License-Identifier: Apache-2.0
"""Fully connected layer, int8 or int16 in, int8 or int16 out, over one vector or many positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers.arithmetic import Ints, Matrices, matvec, mbqm
from codesign.compiler.layers.code import Array, CodeContext, LayerCode
from codesign.compiler.layers.layer import Layer
from codesign.compiler.layers.packing_pairs import PAIR_KERNELS, SMALL, pack_banded, pack_rows, runs
from codesign.compiler.layers.packing_rows import (
    POSITIONS,
    ROW_KERNELS,
    is_sparse,
    pack_results,
    pack_row_blocks,
    pack_sparse,
    sums_stride,
)
from codesign.compiler.layers.scratch import BLOCK_ROWS, prepared_bytes, round_up
from codesign.compiler.layers.value import Value


@dataclass(frozen=True)
class FullyConnected(Layer):
    """TFLite FULLY_CONNECTED with per-row scales.

    weights int8 (rows, columns); bias int32 (rows,) with the input's zero point folded in; multiplier int32 and shift
    int32 (rows,) as TFLite (positive shift = left). Output int8 or int16 clamped to low … high. Source [positions, columns],
    output [positions, rows], both row-major; `wide` says that the source is int16.
    """

    source: str
    output: str
    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]
    zero_point: int
    low: int
    high: int
    positions: int = 1
    wide: bool = False

    kind: ClassVar[str] = "fullyconnected"

    @property
    def title(self) -> str:
        shape = f"fully connected {self.weights.shape[1]}→{self.weights.shape[0]}{', int16' if self.wide else ''}"
        return shape if self.positions == 1 else f"{self.positions} × {shape}"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.output,)

    @property
    def states(self) -> tuple[str, ...]:
        return ()

    @property
    def weights_int8(self) -> tuple[npt.NDArray[np.int8], ...]:
        return (self.weights,)

    @property
    def constants(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.bias, self.multiplier, self.shift.astype(np.int8))

    @property
    def scratch_bytes(self) -> int:
        rows, columns = self.weights.shape
        matrix = prepared_bytes(columns) + 4 * min(round_up(rows, 4), BLOCK_ROWS)
        return max(matrix, 4 * sums_stride(rows, columns) * min(self.positions, POSITIONS) if self._is_small else 0)

    def step(self, values: dict[str, Ints], matrices: Matrices) -> None:
        x = values[self.source].reshape(self.positions, -1)
        values[self.output] = self.rescaled(matvec(matrices[0], x.T).T).reshape(-1)

    def rescaled(self, sums: Ints) -> Ints:
        """The output as int64 (…, rows) from the matrix sums int64 (…, rows)."""
        return np.clip(mbqm(sums + self.bias, self.multiplier, self.shift) + self.zero_point, self.low, self.high)

    def apply(self, x: npt.NDArray[Any]) -> Ints:
        """int8 or int16 (columns,) → the output as int64 (rows,)."""
        return self.rescaled(matvec(self.weights.astype(np.float64), x.astype(np.int64)))

    def code(self, context: CodeContext) -> LayerCode:
        return self.code_as(self.name, context)

    def code_as(self, layer: str, context: CodeContext) -> LayerCode:
        """C of it as the layer `layer`, which owns function and scratch."""
        prefix = context.functions[layer]
        if self._is_banded or self._in_pairs(context.kernel):
            return self._words_code(layer, context)
        if self._is_small and context.kernel in ROW_KERNELS:
            return self._rows_code(layer, context)
        weights, matrix = context.matrix(context.member(layer, "weights"), self.weights, wide=self.wide)
        bias, multiplier, shift = self.constants
        arrays = (
            weights,
            Array.of(context.member(layer, "bias"), bias),
            Array.of(context.member(layer, "multiplier"), multiplier),
            Array.of(context.member(layer, "shift"), shift),
        )
        code = context.render(
            "fully_connected.c.j2",
            layer=self,
            prefix=prefix,
            matrix=matrix,
            suffix="_wide" if self.wide else "",
            bits=8 if context.values[self.output].dtype == "int8" else 16,
            x=context.at(self.source),
            y=context.at(self.output),
            scratch=context.scratch(layer),
        )
        return LayerCode(prefix, arrays, code)

    @property
    def macs(self) -> int:
        return self.positions * int(self.weights.size)

    @property
    def vector_bits(self) -> tuple[int, ...]:
        return (16,) if self.wide else (8,)

    @property
    def _is_plain(self) -> bool:
        """Whether values are int16, nothing is clamped but what int16 cannot hold, and no sum is shifted left."""
        full = (self.low, self.high, self.zero_point) == (-32767, 32767, 0)
        return self.wide and full and int(self.shift.max()) <= -2

    @property
    def _is_banded(self) -> bool:
        """Whether cs_fully_connected_banded computes it: half of the weights or more are zeros outside of the rows' runs."""
        rows, columns = self.weights.shape
        if not self._is_plain or columns % 2:
            return False
        return 4 * sum(end - first for first, end in runs(self.weights)) <= int(rows * columns)

    @property
    def _is_small(self) -> bool:
        """Whether there are few columns at several positions."""
        return self.positions > 1 and self._is_plain and self.weights.shape[1] in SMALL and not self._is_banded

    def _in_pairs(self, kernel: str) -> bool:
        """Whether cs_fully_connected_pairs computes it."""
        return kernel in PAIR_KERNELS and self._is_small and len(self.weights) % 2 == 0

    def matrix_bits(self, kernel: str) -> tuple[int, ...]:
        alone = self._is_banded or self._in_pairs(kernel) or (kernel in ROW_KERNELS and self._is_small)
        return () if alone else self.vector_bits

    def _words_code(self, layer: str, context: CodeContext) -> LayerCode:
        """Of cs_fully_connected_banded, _sparse and _pairs."""
        prefix = context.functions[layer]
        template, function, pack = "fully_connected_pairs.c.j2", "", pack_rows
        if self._is_banded:
            in_runs = 2 * sum(end - first for first, end in runs(self.weights))
            sparse = context.kernel in ROW_KERNELS and is_sparse(self.weights, in_runs)
            function, pack = ("sparse", pack_sparse) if sparse else ("banded", pack_banded)
            template = "fully_connected_banded.c.j2"
        words = Array.of(context.member(layer, "words"), pack(self.weights, self.bias, self.multiplier, self.shift))
        x, y = context.at(self.source), context.at(self.output)
        code = context.render(template, layer=self, prefix=prefix, function=function, x=x, y=y)
        return LayerCode(prefix, (words,), code)

    def _rows_code(self, layer: str, context: CodeContext) -> LayerCode:
        """Of cs_fully_connected_rows."""
        prefix = context.functions[layer]
        arrays = (
            Array.of(context.member(layer, "weights"), pack_row_blocks(self.weights)),
            Array.of(context.member(layer, "constants"), pack_results(self.bias, self.multiplier, self.shift)),
        )
        x, y, scratch = context.at(self.source), context.at(self.output), context.scratch(layer)
        template = "fully_connected_rows.c.j2"
        return LayerCode(prefix, arrays, context.render(template, layer=self, prefix=prefix, x=x, y=y, scratch=scratch))

    def tolerance(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {self.output: 1}
