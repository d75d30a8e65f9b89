# SPDX-License-Identifier: Apache-2.0
"""What a model file says, with ONNX left behind: semantic operators over named values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import FrontEnd
from codesign.compiler.names import check_unique


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


@dataclass(frozen=True)
class Linear:
    """output = weight · source + bias; bias is float64, shape (rows,)."""

    name: str
    source: str
    output: str
    weight: Matrix
    bias: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Activation:
    """An element-wise function: "relu", "sigmoid", "tanh" or "clip" (to low … high)."""

    name: str
    kind: str
    source: str
    output: str
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True)
class LstmCell:
    """One step of an LSTM without peepholes. The rows of both matrices and of the bias (float64, 4·units) are the gates
    input, forget, cell, output (see `GATES`), `units` rows each.

    `hidden` and `cell` name states of the graph; the layer's output is the new hidden state, the value `output`, and its
    new cell state is the value `cell_output`.
    """

    name: str
    source: str
    hidden: str
    cell: str
    output: str
    cell_output: str
    input_weight: Matrix
    recurrent_weight: Matrix
    bias: npt.NDArray[np.float64]

    @property
    def units(self) -> int:
        return len(self.bias) // 4


GATES = ("input", "forget", "cell", "output")


@dataclass(frozen=True)
class SkipGate:
    """Skip RNN (Campos et al., ICLR 2018, eq. 2–6): a step updates the LSTM layers `layers` only when state ≥ 0.5.

    After a step, delta = sigmoid(weight · source + bias) with `source` the hidden state of one of the layers after that
    step; the gate's next state is delta when the step updated, else min(state + delta, 1).
    """

    name: str
    state: str
    layers: tuple[str, ...]
    source: str
    weight: Matrix
    bias: npt.NDArray[np.float64]


Op = Linear | Activation | LstmCell | SkipGate


@dataclass(frozen=True)
class State:
    """A pair of graph input and graph output: what one step hands to the next."""

    input: str
    output: str
    size: int
    initial: float = 0.0


@dataclass(frozen=True)
class Graph:
    """One time step: `input` (features, float) and states in, `output` (mask) and states out.

    Operators are in execution order. A value that the file passes through QuantizeLinear and DequantizeLinear is one value
    here, with its parameters in `quants`; the graph counts as quantized when every value that an integer layer needs has
    some. Operators have names of their own.

    Raises:
        ValueError: two operators of one name.
    """

    name: str
    frontend: FrontEnd
    input: str
    output: str
    states: tuple[State, ...]
    ops: tuple[Op, ...]
    sizes: Mapping[str, int]
    quants: Mapping[str, Quant]
    licence: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = ()
    """What the import assumed, dropped and folded."""

    def __post_init__(self) -> None:
        check_unique("operators of a graph", (op.name for op in self.ops))
