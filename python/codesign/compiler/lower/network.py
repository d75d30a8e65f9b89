"""The integer network: ordered layers, nothing of ONNX left. docs/numerics.md defines what each layer computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import FrontEnd
from codesign.compiler.names import STAGES, check_unique

Dtype = Literal["int8", "int16"]
Table = Literal["sigmoid", "tanh"]


@dataclass(frozen=True)
class Value:
    """A vector that layers exchange: real = scale · (q − zero_point)."""

    name: str
    size: int
    dtype: Dtype
    scale: float
    zero_point: int = 0

    @property
    def bytes(self) -> int:
        return self.size * (1 if self.dtype == "int8" else 2)


@dataclass(frozen=True)
class StateValue:
    """A value that lives from step to step, with the integer it starts from."""

    value: Value
    initial: int = 0


@dataclass(frozen=True)
class FullyConnected:
    """TFLite FULLY_CONNECTED with per-row scales.

    weights int8 (rows, columns); bias int32 (rows,) with the input's zero point folded in; multiplier int32 and shift
    int32 (rows,) as TFLite (positive shift = left). Output int8 or int16 clamped to low … high.
    """

    name: str
    source: str
    output: str
    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]
    zero_point: int
    low: int
    high: int


@dataclass(frozen=True)
class Lookup16:
    """Sigmoid or tanh of int16 Q3.12 → int16 Q0.15 by table and interpolation."""

    name: str
    source: str
    output: str
    table: Table


@dataclass(frozen=True)
class Lookup8:
    """Any element-wise function int8 → int8: output = table[q + 128], table int8 (256,)."""

    name: str
    source: str
    output: str
    table: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Requantize:
    """int16 → int8: clamp(MultiplyByQuantizedMultiplier(q, multiplier, shift) + zero_point)."""

    name: str
    source: str
    output: str
    multiplier: int
    shift: int
    zero_point: int


@dataclass(frozen=True)
class Lstm:
    """One LSTM step, int8 in, int8 hidden state, int16 cell state with scale 2^−cell_fraction.

    input_weights int8 (4·units, inputs) and recurrent_weights int8 (4·units, units); rows are *unit-major*: row 4·u + k is
    gate k of unit u, gates in the order input, forget, cell, output. bias int32 (4·units,) in the same order, zero points
    and rounding folded in. Multipliers int32 and gate_shift int32 have shape (4,), one a gate.
    """

    name: str
    source: str
    hidden: str
    cell: str
    input_weights: npt.NDArray[np.int8]
    recurrent_weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    input_multiplier: npt.NDArray[np.int32]
    recurrent_multiplier: npt.NDArray[np.int32]
    gate_shift: npt.NDArray[np.int32]
    cell_fraction: int
    hidden_multiplier: int
    hidden_shift: int
    hidden_zero_point: int

    @property
    def inputs(self) -> int:
        return int(self.input_weights.shape[1])

    @property
    def units(self) -> int:
        return int(self.recurrent_weights.shape[1])


@dataclass(frozen=True)
class SkipGate:
    """Decides whether the step updates the LSTM layers named in `layers`; stands before the first of them in the order.

    `state` is one int16 Q0.15 (the step updates when it is ≥ 16384), `delta` one int16 Q0.15 that survives skipped steps.
    `delta_layer` computes the pre-activation (int16 Q3.12, one row) from `delta_layer.source` after an updating step. The
    guarded layers follow one another without a gap.
    """

    name: str
    state: str
    delta: str
    layers: tuple[str, ...]
    delta_layer: FullyConnected


Layer = FullyConnected | Lookup16 | Lookup8 | Requantize | Lstm | SkipGate


@dataclass(frozen=True)
class Network:
    """One time step in integers. `values` holds every value including states, input and output.

    `input` is int8 features, `output` the mask (int16, or int8). An LSTM's output is its hidden state: layers that read it
    name the state as their source. Layers have names of their own, none of them a stage's of the front end.

    Raises:
        ValueError: two layers of one name.
    """

    name: str
    frontend: FrontEnd
    values: Mapping[str, Value]
    states: tuple[StateValue, ...]
    input: str
    output: str
    layers: tuple[Layer, ...]
    licence: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        check_unique("stages of a network", (*STAGES, *(layer.name for layer in self.layers)))

    @property
    def schedule(self) -> tuple[Layer, ...]:
        """The layers in the order in which they compute: a skip gate's own layer runs after the layers it guards."""
        waiting = {gate.layers[-1]: gate for gate in self.layers if isinstance(gate, SkipGate)}
        ordered: list[Layer] = []
        for layer in self.layers:
            if not isinstance(layer, SkipGate):
                ordered += [layer, waiting[layer.name]] if layer.name in waiting else [layer]
        return tuple(ordered)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one step that updates everything."""
        return sum(layer_macs(layer) for layer in self.layers)

    @property
    def weights(self) -> int:
        """Number of int8 weights (biases not counted)."""
        return self.macs


def layer_macs(layer: Layer) -> int:
    """Multiply-accumulates of one execution of `layer`."""
    match layer:
        case FullyConnected():
            return int(layer.weights.size)
        case Lstm():
            return int(layer.input_weights.size + layer.recurrent_weights.size)
        case SkipGate():
            return int(layer.delta_layer.weights.size)
        case _:
            return 0
