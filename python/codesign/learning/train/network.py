# SPDX-License-Identifier: Apache-2.0
"""The mask network in torch: LSTM layers, then fully connected ones, with or without a skip gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from codesign.compiler.frontend import Chain
from codesign.learning.train.front_end import FrontEndTorch

HALF = 0.5
"""A skip gate at or above it updates."""


@dataclass(frozen=True)
class Sizes:
    """`bands` in and out; `lstm` units of the LSTM layers; `fc` outputs of the hidden fully connected layers."""

    bands: int
    lstm: tuple[int, ...]
    fc: tuple[int, ...]
    skip: bool = False


@dataclass(frozen=True)
class States:
    """From frame to frame: (h, c) of each LSTM layer, [batch, units]; state and increment of a skip gate [batch, 1]."""

    layers: tuple[tuple[Tensor, Tensor], ...]
    gate: tuple[Tensor, Tensor] | None = None

    def detach(self) -> States:
        """The same values without their history: where truncated back-propagation ends."""
        gate = None if self.gate is None else (self.gate[0].detach(), self.gate[1].detach())
        return States(tuple((h.detach(), c.detach()) for h, c in self.layers), gate)


class MaskNetwork(nn.Module):
    """features → LSTM … LSTM → FC, ReLU … → FC, sigmoid → mask.

    Layers are called lstm0, lstm1, …, fc0, fc1, …, the skip gate's linear layer skip.
    """

    def __init__(self, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.sizes, self.dropout = sizes, dropout
        inputs = sizes.bands
        for index, units in enumerate(sizes.lstm):
            self.add_module(f"lstm{index}", nn.LSTM(inputs, units, batch_first=True))
            inputs = units
        for index, outputs in enumerate((*sizes.fc, sizes.bands)):
            self.add_module(f"fc{index}", nn.Linear(inputs, outputs))
            inputs = outputs
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
            self.get_parameter(f"fc{len(self.sizes.fc)}.bias").fill_(1.0)  # let through at first
            if self.sizes.skip:
                self.get_parameter("skip.weight").mul_(0.1)
                self.get_parameter("skip.bias").fill_(0.2)  # update always at first, but only just

    @property
    def fc_names(self) -> tuple[str, ...]:
        return tuple(f"fc{index}" for index in range(len(self.sizes.fc) + 1))

    @property
    def lstm_names(self) -> tuple[str, ...]:
        return tuple(f"lstm{index}" for index in range(len(self.sizes.lstm)))

    def fresh_states(self, batch: int, device: torch.device | str = "cpu") -> States:
        """The states before the first frame: zeros, and a gate that opens."""
        layers = tuple((torch.zeros(batch, u, device=device), torch.zeros(batch, u, device=device)) for u in self.sizes.lstm)
        gate = (torch.ones(batch, 1, device=device), torch.zeros(batch, 1, device=device)) if self.sizes.skip else None
        return States(layers, gate)

    def forward(self, features: Tensor, states: States | None = None) -> tuple[Tensor, States, Tensor]:
        """[batch, frames, bands] → mask of the same shape, the states after it, and which frames updated.

        Updates are [batch, frames] of 0 and 1 with a straight-through gradient; all 1 without a skip gate.
        """
        states = states or self.fresh_states(len(features), features.device)
        if self.sizes.skip:
            hidden, after, updates = self._skipping(features, states)
        else:
            hidden, after = self._recurrent(features, states)
            updates = torch.ones(features.shape[:2], device=features.device)
        return self._fully_connected(hidden), after, updates

    def _recurrent(self, x: Tensor, states: States) -> tuple[Tensor, States]:
        after = []
        for name, (h, c) in zip(self.lstm_names, states.layers, strict=True):
            x, (h, c) = self.get_submodule(name)(x, (h[None], c[None]))
            after.append((h[0], c[0]))
            x = functional.dropout(x, self.dropout, self.training)
        return x, States(tuple(after))

    def _skipping(self, x: Tensor, states: States) -> tuple[Tensor, States, Tensor]:
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
            outputs.append(functional.dropout(value, self.dropout, self.training))
            updates.append(update[:, 0])
        return torch.stack(outputs, 1), States(tuple(layers), (gate, delta)), torch.stack(updates, 1)

    def _fully_connected(self, x: Tensor) -> Tensor:
        for name in self.fc_names[:-1]:
            x = torch.relu(self.get_submodule(name)(x))
        return torch.sigmoid(self.get_submodule(self.fc_names[-1])(x).float())


class EnhancerModule(nn.Module):
    """Noisy signal → enhanced signal: front end, mask network, inverse front end."""

    def __init__(self, config: Chain, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.front = FrontEndTorch(config)
        self.network = MaskNetwork(sizes, dropout)

    def forward(
        self, noisy: Tensor, states: States | None = None, weights: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, States, Tensor]:
        """[batch, samples] → enhanced [batch, whole hops], states after, updates [batch, frames].

        `weights` take the place of the network's own, by their names in `self.network`.
        """
        spectrum, features = self.front.analyse(noisy)
        with torch.autocast(noisy.device.type, torch.bfloat16, enabled=self.training and not self.network.sizes.skip):
            mask, after, updates = functional_call(self.network, dict(weights or {}), (features, states))
        return self.front.synthesise(spectrum, mask.float())[:, : noisy.shape[1]], after, updates


def straight_through(surrogate: Tensor, value: Tensor) -> Tensor:
    """`value` with the gradient of `surrogate`."""
    return surrogate + (value - surrogate).detach()
