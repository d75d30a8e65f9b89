# SPDX-License-Identifier: Apache-2.0
"""The integer network: ordered layers, nothing of ONNX left. docs/numerics.md defines what each layer computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codesign.compiler.frontend import Chain
from codesign.compiler.layers import Layer, Stage, StateValue, Value
from codesign.compiler.lower.hand_over import HandOver
from codesign.compiler.names import STAGES, check_unique


@dataclass(frozen=True)
class Network:
    """One time step in integers. `values` holds every value including states, input and output.

    `input` is int8 features, `output` the mask (int16, or int8). An LSTM's output is its hidden state: layers that read it
    name the state as their source. Layers have names of their own, none of them a stage's of the front end.

    Several networks in a row are one network too (compiler/lower/row.py): `parts` are they as they are alone, each in its own
    chain, and `hand_overs` what is between them. `frontend` is the first one's chain then, `back_end` the last one's.

    Raises:
        ValueError: two stages of one name.
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
    parts: tuple[Network, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()

    def __post_init__(self) -> None:
        check_unique("stages of a network", (*STAGES, *(stage.name for stage in self.stages)))

    @property
    def row(self) -> tuple[Network, ...]:
        """The networks that follow each other, as they are alone: of one network itself."""
        return self.parts or (self,)

    @property
    def back_end(self) -> Chain:
        """The chain that says what becomes of `output`."""
        return self.row[-1].frontend

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What a frame computes between features and mask: the schedule, with what is between networks in a row."""
        after = {hand_over.after: hand_over for hand_over in self.hand_overs}
        return tuple(
            stage for layer in self.schedule for stage in ((layer, after[layer.name]) if layer.name in after else (layer,))
        )

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
