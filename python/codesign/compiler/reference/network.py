"""The network's arithmetic in NumPy, bit for bit what the firmware computes. docs/numerics.md holds every formula.

Integers of up to 53 bits go through float64 matrix products, which are exact for them and use BLAS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.lower.network import FullyConnected, Layer, Lookup8, Lookup16, Lstm, Network, Requantize, SkipGate, Table
from codesign.compiler.reference.tables import samples

Ints = npt.NDArray[np.int64]
HALF = 16384
"""0.5 in Q0.15: a skip gate at or above it updates."""


@dataclass(frozen=True)
class NetworkState:
    """States of a network between two steps: name → integers (size,), in int64 whatever their stored type."""

    values: Mapping[str, Ints]


def initial_state(network: Network) -> NetworkState:
    """The states before the first step."""
    return NetworkState({s.value.name: np.full(s.value.size, s.initial, np.int64) for s in network.states})


def step(
    network: Network, features: npt.NDArray[np.int8], state: NetworkState
) -> tuple[npt.NDArray[np.int16], NetworkState, bool]:
    """One time step: int8 features (n,) → (mask int16 (m,) in the integers of the output value, new state, updated).

    `updated` is False when a skip gate left its LSTM layers as they were. Raises InputError for features of another
    size or type.
    """
    return Runner(network).step(features, state)


def run(network: Network, features: npt.NDArray[np.int8]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """All frames from the initial state: int8 features (frames, n) → mask int16 (frames, m), updated bool (frames,)."""
    masks = np.zeros((len(features), network.values[network.output].size), np.int16)
    updated = np.zeros(len(features), np.bool_)
    for frame, (_, mask, _, was_updated) in enumerate(trace(network, features)):
        masks[frame], updated[frame] = mask, was_updated
    return masks, updated


def trace(
    network: Network, features: npt.NDArray[np.int8]
) -> Iterator[tuple[NetworkState, npt.NDArray[np.int16], NetworkState, bool]]:
    """As `run`, one frame at a time: (state before, mask int16 (m,), state after, updated)."""
    runner, state = Runner(network), initial_state(network)
    for row in features:
        before = state
        mask, state, updated = runner.step(row, state)
        yield before, mask, state, updated


class Runner:
    """A network with its weights in float64, made once for many steps."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.matrices: dict[str, tuple[npt.NDArray[np.float64], ...]] = {
            layer.name: tuple(m.astype(np.float64) for m in _matrices(layer)) for layer in network.layers
        }

    def step(self, features: npt.NDArray[np.int8], state: NetworkState) -> tuple[npt.NDArray[np.int16], NetworkState, bool]:
        network = self.network
        size = network.values[network.input].size
        if features.shape != (size,) or features.dtype != np.int8:
            raise InputError(f"reference: features must be int8 ({size},), not {features.dtype} {features.shape}")
        values = dict(state.values)
        values[network.input] = features.astype(np.int64)
        updated = self.advance(values)
        return values[network.output].astype(np.int16), NetworkState({name: values[name] for name in state.values}), updated

    def advance(self, values: dict[str, Ints], after_layer: Callable[[Layer], None] = lambda layer: None) -> bool:
        """Compute all layers of one step on `values` (states and features in, everything out); False when skipped.

        `after_layer` is called behind each layer that ran and may look at or replace its results.
        """
        gates = [layer for layer in self.network.layers if isinstance(layer, SkipGate)]
        is_open = {gate.name: bool(values[gate.state][0] >= HALF) for gate in gates}
        frozen = {layer for gate in gates if not is_open[gate.name] for layer in gate.layers}
        for layer in self.network.layers:
            if not isinstance(layer, SkipGate) and layer.name not in frozen:
                _execute(layer, values, self.matrices[layer.name])
                after_layer(layer)
        for gate in gates:
            _advance(gate, is_open[gate.name], values, self.matrices[gate.name])
            after_layer(gate)
        return not frozen


def _matrices(layer: Layer) -> tuple[npt.NDArray[np.int8], ...]:
    match layer:
        case FullyConnected():
            return (layer.weights,)
        case Lstm():
            return (layer.input_weights, layer.recurrent_weights)
        case SkipGate():
            return (layer.delta_layer.weights,)
        case _:
            return ()


@singledispatch
def _execute(layer: object, values: dict[str, Ints], matrices: tuple[npt.NDArray[np.float64], ...]) -> None:
    raise TypeError(f"no reference for {type(layer).__name__}")


@_execute.register
def _(layer: FullyConnected, values: dict[str, Ints], matrices: tuple[npt.NDArray[np.float64], ...]) -> None:
    values[layer.output] = _affine(layer, matvec(matrices[0], values[layer.source]))


@_execute.register
def _(layer: Lookup16, values: dict[str, Ints], matrices: Any) -> None:
    values[layer.output] = lookup16(layer.table, values[layer.source])


@_execute.register
def _(layer: Lookup8, values: dict[str, Ints], matrices: Any) -> None:
    values[layer.output] = layer.table.astype(np.int64)[values[layer.source] + 128]


@_execute.register
def _(layer: Requantize, values: dict[str, Ints], matrices: Any) -> None:
    values[layer.output] = requantize(layer, values[layer.source])


@_execute.register
def _(layer: Lstm, values: dict[str, Ints], matrices: tuple[npt.NDArray[np.float64], ...]) -> None:
    hidden, cell = values[layer.hidden], values[layer.cell]
    input_sum, recurrent_sum = matvec(matrices[0], values[layer.source]), matvec(matrices[1], hidden)
    values[layer.hidden], values[layer.cell] = _lstm_pointwise(layer, input_sum, recurrent_sum, cell)


def _advance(gate: SkipGate, is_open: bool, values: dict[str, Ints], matrices: tuple[npt.NDArray[np.float64], ...]) -> None:
    """State and increment of a skip gate after the step."""
    if is_open:
        logit = _affine(gate.delta_layer, matvec(matrices[0], values[gate.delta_layer.source]))
        values[gate.delta] = lookup16("sigmoid", logit)
        values[gate.state] = values[gate.delta]
    else:
        values[gate.state] = np.minimum(values[gate.state] + values[gate.delta], 32767)


def matvec(weights: npt.NDArray[np.float64], x: Ints) -> Ints:
    """Exact Σ_j w_rj · x_j of integers: float64 (rows, columns) times int64 (columns,) → int64 (rows,)."""
    return (weights @ x.astype(np.float64)).astype(np.int64)


def mbqm(value: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Ints:
    """TFLite's MultiplyByQuantizedMultiplier with single rounding: ⌊value · multiplier · 2^(shift − 31) + 1/2⌋, int64."""
    a, m, s = (np.asarray(x, np.int64) for x in (value, multiplier, shift))
    return cast("Ints", (a * m + (np.int64(1) << (30 - s))) >> (31 - s))


def lookup16(table: Table, q: Ints) -> Ints:
    """Sigmoid or tanh of Q3.12 integers in [−32768, 32767] → Q0.15, by the table's chords."""
    t = samples(table).astype(np.int64)
    index = 256 + (q >> 7)
    return cast("Ints", t[index] + (((t[index + 1] - t[index]) * (q & 127) + 64) >> 7))


def requantize(layer: Requantize, q: Ints) -> Ints:
    """int16 values → int8 in [−127, 127]."""
    return np.clip(mbqm(q, layer.multiplier, layer.shift) + layer.zero_point, -127, 127)


def fully_connected(layer: FullyConnected, x: npt.NDArray[Any]) -> Ints:
    """int8 (columns,) → the layer's int8 or int16 output as int64 (rows,)."""
    return _affine(layer, matvec(layer.weights.astype(np.float64), x.astype(np.int64)))


def lstm_step(layer: Lstm, x: npt.NDArray[Any], hidden: npt.NDArray[Any], cell: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """One LSTM step: int8 x (inputs,), int8 hidden (units,), int16 cell (units,) → (new hidden, new cell) as int64."""
    input_sum = matvec(layer.input_weights.astype(np.float64), x.astype(np.int64))
    recurrent_sum = matvec(layer.recurrent_weights.astype(np.float64), hidden.astype(np.int64))
    return _lstm_pointwise(layer, input_sum, recurrent_sum, cell.astype(np.int64))


def _affine(layer: FullyConnected, sums: Ints) -> Ints:
    y = mbqm(sums + layer.bias, layer.multiplier, layer.shift) + layer.zero_point
    return np.clip(y, layer.low, layer.high)


def _lstm_pointwise(layer: Lstm, input_sum: Ints, recurrent_sum: Ints, cell: Ints) -> tuple[Ints, Ints]:
    """Gates, cell and hidden state from the matrix sums, all int64; sums (4·units,) unit-major, cell (units,)."""
    a, b, bias = (x.astype(np.int64).reshape(-1, 4) for x in (input_sum, recurrent_sum, layer.bias))
    m_x, m_h, shift = (x.astype(np.int64) for x in (layer.input_multiplier, layer.recurrent_multiplier, layer.gate_shift))
    t = ((256 * a * m_x) >> 32) + ((256 * b * m_h) >> 32) + bias
    p = saturate16(t >> shift)
    i, f, g, o = (lookup16("tanh" if k == 2 else "sigmoid", p[:, k]) for k in range(4))
    n = layer.cell_fraction
    new_cell = saturate16((f * cell + ((i * g) >> (15 - n)) + (1 << 14)) >> 15)
    z = saturate16(new_cell << (12 - n)) if n <= 12 else (new_cell + (1 << (n - 13))) >> (n - 12)
    y, s = lookup16("tanh", z), layer.hidden_shift
    h = ((((2 * o * y * layer.hidden_multiplier) >> 32) + (1 << (s - 1))) >> s) + layer.hidden_zero_point
    return np.clip(h, -127, 127), new_cell


def saturate16(x: Ints) -> Ints:
    """Clamp to [−32768, 32767]."""
    return np.clip(x, -32768, 32767)
