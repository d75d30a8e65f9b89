# SPDX-License-Identifier: Apache-2.0
"""The family of the paper: LSTM layers, then fully connected ones, with or without a skip gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from codesign.compiler.frontend import Chain
from codesign.learning.families.family import GATE_BYTES, ROW_BYTES, FamilyNetwork, Sizes, States, UnitGroup, UnitSlice
from codesign.learning.families.fully_connected import (
    add_fully_connected,
    fully_connected,
    fully_connected_groups,
    fully_connected_macs,
)
from codesign.learning.families.gradients import straight_through

HALF = 0.5
"""A skip gate at or above it updates."""


GATES = 4


@dataclass(frozen=True)
class LstmSizes(Sizes):
    """`bands` in and out; `lstm` units of the LSTM layers; `fc` outputs of the hidden fully connected layers."""

    family: ClassVar[str] = "lstm"
    bands: int
    lstm: tuple[int, ...]
    fc: tuple[int, ...]
    skip: bool = False

    @property
    def skips(self) -> bool:
        return self.skip

    def network(self, chain: Chain, dropout: float = 0.0) -> LstmNetwork:
        return LstmNetwork(self, dropout)

    @property
    def units(self) -> tuple[int, ...]:
        return (*self.lstm, *self.fc)

    def with_units(self, kept: tuple[int, ...]) -> LstmSizes:
        return replace(self, lstm=kept[: len(self.lstm)], fc=kept[len(self.lstm) :])

    def groups(self) -> tuple[UnitGroup, ...]:
        """LSTM layers, then hidden fully connected ones; the mask's bands stay."""
        result = []
        for index, units in enumerate(self.lstm):
            name, last = f"lstm{index}", index == len(self.lstm) - 1
            columns = [f"{name}.weight_hh_l0", "fc0.weight" if last else f"lstm{index + 1}.weight_ih_l0"]
            if last and self.skip:
                columns.append("skip.weight")
            rows, biases = (
                tuple(UnitSlice(f"{name}.{kind}_{part}_l0", 0, GATES) for part in ("ih", "hh")) for kind in ("weight", "bias")
            )
            result.append(UnitGroup(name, units, rows, biases, tuple(UnitSlice(column, 1) for column in columns)))
        return (*result, *fully_connected_groups(self.fc))

    def macs(self) -> dict[str, int]:
        result, inputs = {}, self.bands
        for index, units in enumerate(self.lstm):
            result[f"lstm{index}"] = GATES * units * (inputs + units)
            inputs = units
        if self.skip:
            result["skip"] = inputs
        return result | fully_connected_macs(inputs, (*self.fc, self.bands))

    def constant_bytes(self) -> int:
        rows = sum(self.fc) + self.bands + int(self.skip)
        return GATES * GATE_BYTES * sum(self.lstm) + ROW_BYTES * rows

    def biases(self) -> int:
        return GATES * sum(self.lstm) + sum(self.fc) + self.bands + int(self.skip)


@dataclass(frozen=True)
class LstmStates(States):
    """From frame to frame: (h, c) of each LSTM layer, [batch, units]; state and increment of a skip gate [batch, 1]."""

    layers: tuple[tuple[Tensor, Tensor], ...]
    gate: tuple[Tensor, Tensor] | None = None

    def tensors(self) -> dict[str, Tensor]:
        result = {f"{kind}{k}": value for k, pair in enumerate(self.layers) for kind, value in zip("hc", pair, strict=True)}
        return result if self.gate is None else result | {"gate": self.gate[0], "delta": self.gate[1]}

    def detach(self) -> LstmStates:
        gate = None if self.gate is None else (self.gate[0].detach(), self.gate[1].detach())
        return LstmStates(tuple((h.detach(), c.detach()) for h, c in self.layers), gate)


class LstmNetwork(FamilyNetwork):
    """features → LSTM … LSTM → FC, ReLU … → FC, sigmoid → mask.

    Layers are called lstm0, lstm1, …, fc0, fc1, …, the skip gate's linear layer skip.
    """

    sizes: LstmSizes

    def __init__(self, sizes: LstmSizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.sizes, self.dropout, self.lowers_precision = sizes, dropout, not sizes.skip
        inputs = sizes.bands
        for index, units in enumerate(sizes.lstm):
            self.add_module(f"lstm{index}", nn.LSTM(inputs, units, batch_first=True))
            inputs = units
        add_fully_connected(self, inputs, (*sizes.fc, sizes.bands))
        if sizes.skip:
            self.add_module("skip", nn.Linear(sizes.lstm[-1], 1))
        self._initialise()

    def _initialise(self) -> None:
        with torch.no_grad():
            self.get_parameter("lstm0.weight_ih_l0").mul_(2.0)  # features are small: about 0.1 … 1.5
            for index, units in enumerate(self.sizes.lstm):
                self.get_parameter(f"lstm{index}.bias_hh_l0").zero_()
                bias = self.get_parameter(f"lstm{index}.bias_ih_l0")
                bias.zero_()
                bias[units : 2 * units] = 1.0  # remember at first
            if self.sizes.skip:
                self.get_parameter("skip.weight").mul_(0.1)
                self.get_parameter("skip.bias").fill_(0.2)  # update always at first, but only just

    @property
    def fc_names(self) -> tuple[str, ...]:
        return tuple(f"fc{index}" for index in range(len(self.sizes.fc) + 1))

    @property
    def lstm_names(self) -> tuple[str, ...]:
        return tuple(f"lstm{index}" for index in range(len(self.sizes.lstm)))

    def fresh_states(self, batch: int, device: torch.device | str = "cpu") -> LstmStates:
        """Zeros, and a gate that opens."""
        layers = tuple((torch.zeros(batch, u, device=device), torch.zeros(batch, u, device=device)) for u in self.sizes.lstm)
        gate = (torch.ones(batch, 1, device=device), torch.zeros(batch, 1, device=device)) if self.sizes.skip else None
        return LstmStates(layers, gate)

    def states_of(self, tensors: Mapping[str, Tensor]) -> LstmStates:
        layers = tuple((tensors[f"h{k}"], tensors[f"c{k}"]) for k in range(len(self.sizes.lstm)))
        return LstmStates(layers, (tensors["gate"], tensors["delta"]) if "gate" in tensors else None)

    def forward(self, features: Tensor, states: States | None = None) -> tuple[Tensor, LstmStates, Tensor]:
        """As of every family; updates have a straight-through gradient."""
        states = states or self.fresh_states(len(features), features.device)
        assert isinstance(states, LstmStates)
        if self.sizes.skip:
            hidden, after, updates = self._skipping(features, states)
        else:
            hidden, after = self._recurrent(features, states)
            updates = torch.ones(features.shape[:2], device=features.device)
        return fully_connected(self, hidden, len(self.sizes.fc)), after, updates

    def _recurrent(self, x: Tensor, states: LstmStates) -> tuple[Tensor, LstmStates]:
        after = []
        for name, (h, c) in zip(self.lstm_names, states.layers, strict=True):
            x, (h, c) = self.get_submodule(name)(x, (h[None], c[None]))
            after.append((h[0], c[0]))
            x = self.dropped(x)
        return x, LstmStates(tuple(after))

    def _skipping(self, x: Tensor, states: LstmStates) -> tuple[Tensor, LstmStates, Tensor]:
        """Skip RNN, Campos et al., ICLR 2018, equations 2 to 6: frame by frame, gradients straight through the rounding."""
        assert states.gate is not None
        layers, (gate, delta) = list(states.layers), states.gate
        weights = [
            tuple(getattr(self.get_submodule(name), f"{kind}_l0") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            for name in self.lstm_names
        ]
        outputs, updates = [], []
        for frame in x.unbind(1):
            update = straight_through(gate, (gate >= HALF).to(gate.dtype))
            value = frame
            for index, (w, (h, c)) in enumerate(zip(weights, layers, strict=True)):
                new_h, new_c = torch.lstm_cell(value, (h, c), *w)
                h, c = h + update * (new_h - h), c + update * (new_c - c)
                layers[index], value = (h, c), h
            delta = torch.sigmoid(self.get_submodule("skip")(value))
            gate = update * delta + (1 - update) * (gate + delta).clamp_max(1.0)
            outputs.append(self.dropped(value))
            updates.append(update[:, 0])
        return torch.stack(outputs, 1), LstmStates(tuple(layers), (gate, delta)), torch.stack(updates, 1)
