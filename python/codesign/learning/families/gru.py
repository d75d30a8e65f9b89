# SPDX-License-Identifier: Apache-2.0
"""GRU layers, then fully connected ones: three gates where an LSTM has four, and one state where it has two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from codesign.compiler.frontend import Chain
from codesign.learning.families.family import (
    GATE_BYTES,
    ROW_BYTES,
    FamilyNetwork,
    NamedStates,
    Sizes,
    States,
    UnitGroup,
    UnitSlice,
)
from codesign.learning.families.fully_connected import (
    add_fully_connected,
    fully_connected,
    fully_connected_groups,
    fully_connected_macs,
)

GATES = 3
BIASES = 2 * GATES
"""An input's and a state's: the candidate's are apart, because the reset gate lies between them."""


def gru_group(name: str, units: int, layers: tuple[str, ...], readers: tuple[UnitSlice, ...]) -> UnitGroup:
    """Units of GRU layers that go together (two directions, say); `layers` are endings as `gru.{}_l0`."""
    rows, biases = (
        tuple(UnitSlice(layer.format(f"{kind}_{part}"), 0, GATES) for layer in layers for part in ("ih", "hh"))
        for kind in ("weight", "bias")
    )
    own = tuple(UnitSlice(layer.format("weight_hh"), 1) for layer in layers)
    return UnitGroup(name, units, rows, biases, (*own, *readers))


@dataclass(frozen=True)
class GruSizes(Sizes):
    """`bands` in and out; `gru` units of the GRU layers; `fc` outputs of the hidden fully connected layers."""

    family: ClassVar[str] = "gru"
    bands: int
    gru: tuple[int, ...]
    fc: tuple[int, ...]

    def network(self, chain: Chain, dropout: float = 0.0) -> GruNetwork:
        return GruNetwork(self, dropout)

    @property
    def units(self) -> tuple[int, ...]:
        return (*self.gru, *self.fc)

    def with_units(self, kept: tuple[int, ...]) -> GruSizes:
        return replace(self, gru=kept[: len(self.gru)], fc=kept[len(self.gru) :])

    def groups(self) -> tuple[UnitGroup, ...]:
        result = []
        for index, units in enumerate(self.gru):
            last = index == len(self.gru) - 1
            reader = UnitSlice("fc0.weight" if last else f"gru{index + 1}.weight_ih_l0", 1)
            result.append(gru_group(f"gru{index}", units, (f"gru{index}.{{}}_l0",), (reader,)))
        return (*result, *fully_connected_groups(self.fc))

    def macs(self) -> dict[str, int]:
        result, inputs = {}, self.bands
        for index, units in enumerate(self.gru):
            result[f"gru{index}"] = GATES * units * (inputs + units)
            inputs = units
        return result | fully_connected_macs(inputs, (*self.fc, self.bands))

    def constant_bytes(self) -> int:
        return BIASES * GATE_BYTES * sum(self.gru) + ROW_BYTES * (sum(self.fc) + self.bands)

    def biases(self) -> int:
        return BIASES * sum(self.gru) + sum(self.fc) + self.bands

    def rounded(self) -> Mapping[str, UnitSlice]:
        gates = {
            name: UnitSlice(name, 0, GATES)
            for index in range(len(self.gru))
            for name in (f"gru{index}.weight_ih_l0", f"gru{index}.weight_hh_l0")
        }
        rows = (f"fc{index}.weight" for index in range(len(self.fc) + 1))
        return gates | {name: UnitSlice(name, 0, 0) for name in rows}


class GruNetwork(FamilyNetwork):
    """features → GRU … GRU → FC, ReLU … → FC, sigmoid → gains. Layers are called gru0, gru1, …, fc0, fc1, …."""

    sizes: GruSizes
    lowers_precision = True

    def __init__(self, sizes: GruSizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.sizes, self.dropout = sizes, dropout
        inputs = sizes.bands
        for index, units in enumerate(sizes.gru):
            self.add_module(f"gru{index}", nn.GRU(inputs, units, batch_first=True))
            inputs = units
        add_fully_connected(self, inputs, (*sizes.fc, sizes.bands))
        with torch.no_grad():
            self.get_parameter("gru0.weight_ih_l0").mul_(2.0)  # features are small: about 0.1 … 1.5

    def fresh_states(self, batch: int, device: torch.device | str = "cpu") -> NamedStates:
        """Zeros."""
        return NamedStates({f"h{k}": torch.zeros(batch, u, device=device) for k, u in enumerate(self.sizes.gru)})

    def states_of(self, tensors: Mapping[str, Tensor]) -> NamedStates:
        return NamedStates(dict(tensors))

    def forward(self, features: Tensor, states: States | None = None) -> tuple[Tensor, States, Tensor]:
        """As of every family."""
        before = (states or self.fresh_states(len(features), features.device)).tensors()
        x, after = features, {}
        for name, state in before.items():
            x, hidden = self.get_submodule(f"gru{name[1:]}")(x, state[None])
            after[name] = hidden[0]
            x = self.dropped(x)
        updates = torch.ones(features.shape[:2], device=features.device)
        return fully_connected(self, x, len(self.sizes.fc)), NamedStates(after), updates
