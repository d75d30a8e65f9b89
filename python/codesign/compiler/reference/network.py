# SPDX-License-Identifier: Apache-2.0
"""The network's arithmetic in NumPy, bit for bit what the firmware computes. docs/numerics.md holds every formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.compiler.layers import Layer
from codesign.compiler.layers.arithmetic import Ints, Matrices
from codesign.compiler.layers.value import bits_of
from codesign.compiler.lower.network import Network

Features = npt.NDArray[np.int8] | npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Integers of the network's input value, whatever its type, or real numbers where it is float32."""


@dataclass(frozen=True)
class NetworkState:
    """States of a network between two steps: name → integers (size,), in int64 whatever their stored type."""

    values: Mapping[str, Ints]


def initial_state(network: Network) -> NetworkState:
    """The states before the first step."""
    return NetworkState({s.value.name: s.start for s in network.states})


def step(network: Network, features: Features, state: NetworkState) -> tuple[npt.NDArray[np.int16], NetworkState, bool]:
    """One time step: features (n,) → (mask int16 (m,) in the integers of the output value, new state, updated).

    `updated` is False when a skip gate left its LSTM layers as they were. Raises InputError for features of another
    size or type.
    """
    return Runner(network).step(features, state)


def run(network: Network, features: Features) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """All frames from the initial state: features (frames, n) → mask int16 (frames, m), updated bool (frames,)."""
    masks = np.zeros((len(features), network.values[network.output].size), np.int16)
    updated = np.zeros(len(features), np.bool_)
    for frame, (_, mask, _, was_updated) in enumerate(trace(network, features)):
        masks[frame], updated[frame] = mask, was_updated
    return masks, updated


def trace(network: Network, features: Features) -> Iterator[tuple[NetworkState, npt.NDArray[np.int16], NetworkState, bool]]:
    """As `run`, one frame at a time: (state before, mask int16 (m,), state after, updated)."""
    runner, state = Runner(network), initial_state(network)
    for row in features:
        before = state
        mask, state, updated = runner.step(row, state)
        yield before, mask, state, updated


def given(features: Features) -> Ints:
    """What a network's input value holds, int64 (n,): the integers, or the bits of float32 numbers."""
    return bits_of(features) if features.dtype == np.float32 else features.astype(np.int64)


class Runner:
    """A network with its weights in float64, made once for many steps.

    Raises:
        ValueError: several networks in a row: each of `network.parts` has a runner, and the front end is between them.
    """

    def __init__(self, network: Network) -> None:
        if network.parts:
            raise ValueError(f"{network.name} is {len(network.parts)} networks in a row")
        self.network = network
        self.matrices: dict[str, Matrices] = {
            layer.name: tuple(matrix.astype(np.float64) for matrix in layer.weights_int8) for layer in network.layers
        }

    def step(self, features: Features, state: NetworkState) -> tuple[npt.NDArray[np.int16], NetworkState, bool]:
        """One step on features (n,) of the input's type: the output's integers int16 (m,), the next state, and whether the step
        updated all (False where a skip gate was closed).

        Raises:
            InputError: features of another type or size.
        """
        network = self.network
        value = network.values[network.input]
        if features.shape != (value.size,) or features.dtype != np.dtype(value.dtype):
            wanted = f"{value.dtype} ({value.size},)"
            raise InputError(f"reference: features must be {wanted}, not {features.dtype} {features.shape}")
        values = dict(state.values)
        values[network.input] = given(features)
        updated = self.advance(values)
        return values[network.output].astype(np.int16), NetworkState({name: values[name] for name in state.values}), updated

    def advance(self, values: dict[str, Ints], after_layer: Callable[[Layer], None] = lambda layer: None) -> bool:
        """Compute all layers of one step on `values` (states and features in, everything out); False when skipped.

        `after_layer` is called after each layer that ran and may look at or replace its results.
        """
        is_open = {gate.name: gate.is_open(values) for gate in self.network.gates}
        frozen = {layer for gate in self.network.gates if not is_open[gate.name] for layer in gate.guards}
        for layer in self.network.schedule:
            if layer.name in frozen:
                continue
            if is_open.get(layer.name, True):
                layer.step(values, self.matrices[layer.name])
            else:
                layer.advance(values)
            after_layer(layer)
        return not frozen
