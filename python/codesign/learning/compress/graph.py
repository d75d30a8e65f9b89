# SPDX-License-Identifier: Apache-2.0
"""A network of the LSTM family as codesign.compiler.model.Graph: what lowering, calibration and the ONNX writers take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import Chain
from codesign.compiler.model.graph import Graph, Matrix, Quant, State
from codesign.compiler.operators import Activation, Linear, LstmCell, Operator, SkipGate
from codesign.compiler.operators.scales import HIDDEN, LOGIT, UNIT
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.operators import trained

Arrays = Mapping[str, npt.NDArray[np.float32]]
FEATURES, MASK, GATE = "features", "mask", "skip"


@dataclass(frozen=True)
class Integers:
    """int8 weights (rows, columns) with their scales float64 (rows,)."""

    weights: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rounding:
    """How a network's values become integers.

    `matrices` by the name of the float weight; `values` of the features (as FEATURES) and of each hidden fully connected
    layer's result (by layer); `cell_fractions` of each LSTM layer.
    """

    matrices: Mapping[str, Integers]
    values: Mapping[str, Quant]
    cell_fractions: tuple[int, ...]


def network_graph(
    sizes: LstmSizes, weights: Arrays, config: Chain, name: str, licence: str = "", rounding: Rounding | None = None
) -> Graph:
    """The graph of one step; quantized when `rounding` says how.

    weights: float32 by the names of LstmNetwork's parameters, torch's gate order (input, forget, cell, output).
    """
    builder = _Builder(sizes, weights, rounding)
    builder.build()
    return Graph(
        name=name,
        frontend=config,
        input=FEATURES,
        output=MASK,
        states=tuple(builder.states),
        ops=tuple(builder.ops),
        shapes={FEATURES: (sizes.bands,)},
        quants=builder.quants,
        licence=licence,
    )


class _Builder:
    def __init__(self, sizes: LstmSizes, weights: Arrays, rounding: Rounding | None) -> None:
        self.sizes, self.weights, self.rounding = sizes, weights, rounding
        self.ops: list[Operator] = []
        self.states: list[State] = []
        self.quants: dict[str, Quant] = {}

    def build(self) -> None:
        if self.rounding:
            self.quants[FEATURES] = self.rounding.values[FEATURES]
        source = FEATURES
        for index, units in enumerate(self.sizes.lstm):
            source = self._lstm(index, units, source)
        last, hidden = source, len(self.sizes.fc)
        for index in range(hidden + 1):
            source = self._linear(index, source, is_mask=index == hidden)
        if self.sizes.skip:
            self._gate(last)

    def _lstm(self, index: int, units: int, source: str) -> str:
        name, hidden, cell = f"lstm{index}", f"h{index}", f"c{index}"
        bias = self.weights[f"{name}.bias_ih_l0"].astype(np.float64) + self.weights[f"{name}.bias_hh_l0"]
        self.ops.append(
            LstmCell(
                name,
                source,
                f"{hidden}_in",
                f"{cell}_in",
                hidden,
                cell,
                self._matrix(f"{name}.weight_ih_l0"),
                self._matrix(f"{name}.weight_hh_l0"),
                bias,
            )
        )
        for state in (hidden, cell):
            self.states.append(State(f"{state}_in", f"{state}_out", units))
        if self.rounding:
            cell_quant = Quant(2.0 ** -self.rounding.cell_fractions[index], 0, 16)
            self.quants |= {hidden: HIDDEN, f"{hidden}_in": HIDDEN, cell: cell_quant, f"{cell}_in": cell_quant}
        return hidden

    def _linear(self, index: int, source: str, *, is_mask: bool) -> str:
        name = f"fc{index}"
        value, result = f"{name}_sum", MASK if is_mask else f"{name}_relu"
        self.ops.append(Linear(name, source, value, self._matrix(f"{name}.weight"), self._bias(name)))
        self.ops.append(Activation(f"{name}_activation", "sigmoid" if is_mask else "relu", value, result))
        if self.rounding:
            self.quants[result] = UNIT if is_mask else self.rounding.values[name]
            if is_mask:
                self.quants[value] = LOGIT
        return result

    def _gate(self, source: str) -> None:
        layers = tuple(f"lstm{index}" for index in range(len(self.sizes.lstm)))
        state = f"{GATE}_in"
        self.ops.append(SkipGate(GATE, state, layers, source, self._matrix("skip.weight"), self._bias("skip")))
        self.states.append(State(state, f"{GATE}_out", 1, 1.0))
        if self.rounding:
            self.quants[state] = UNIT

    def _bias(self, name: str) -> npt.NDArray[np.float64]:
        return self.weights[f"{name}.bias"].astype(np.float64)

    def _matrix(self, name: str) -> Matrix:
        values = self.weights[name]
        if self.rounding is None:
            return Matrix(values)
        integers = self.rounding.matrices[name]
        return Matrix((integers.weights * integers.scale[:, None]).astype(np.float32), integers.weights, integers.scale)


def rounding_of(graph: Graph) -> Rounding:
    """The rounding of a quantized graph with `network_graph`'s names: what quantization-aware training starts from."""
    matrices: dict[str, Integers] = {}
    values, fractions = {FEATURES: graph.quants[FEATURES]}, []
    for op in graph.ops:
        kind = trained(op)
        matrices |= {f"{op.name}.{name}": _integers(matrix) for name, matrix in kind.matrices(op).items()}
        if kind.family == "lstm":
            cells = (graph.quants[state] for state in op.carried if graph.quants[state].bits == 16)
            fractions += [round(-np.log2(cell.scale)) for cell in cells]
        elif op.clamp is not None:
            values[op.name.removesuffix("_activation")] = graph.quants[op.outputs[0]]
    return Rounding(matrices, values, tuple(fractions))


def _integers(matrix: Matrix) -> Integers:
    assert matrix.quantized is not None
    assert matrix.scale is not None
    return Integers(matrix.quantized, matrix.scale)
