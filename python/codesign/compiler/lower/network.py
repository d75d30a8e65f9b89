# SPDX-License-Identifier: Apache-2.0
"""The integer network: ordered layers, nothing of ONNX left. docs/numerics.md defines what each layer computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codesign.compiler.frontend import Chain
from codesign.compiler.layers import Layer, StateValue, Value
from codesign.compiler.names import STAGES, check_unique


@dataclass(frozen=True)
class Network:
    """One time step in integers. `values` holds every value including states, input and output.

    `input` is int8 features, `output` the mask (int16, or int8). An LSTM's output is its hidden state: layers that read it
    name the state as their source. Layers have names of their own, none of them a stage's of the front end.

    Raises:
        ValueError: two layers of one name.
    """

    name: str
    frontend: Chain
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
        """The layers in the order in which they compute: a gate's own layer runs after the layers it guards."""
        waiting = {gate.guards[-1]: gate for gate in self.gates}
        ordered: list[Layer] = []
        for layer in self.layers:
            if not layer.guards:
                ordered += [layer, waiting[layer.name]] if layer.name in waiting else [layer]
        return tuple(ordered)

    @property
    def gates(self) -> tuple[Layer, ...]:
        """The layers that guard others."""
        return tuple(layer for layer in self.layers if layer.guards)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one step that updates everything."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Number of int8 weights (biases not counted)."""
        return self.macs
