# SPDX-License-Identifier: Apache-2.0
"""A network of the LSTM family with the integer contract as its forward pass and straight-through gradients.

Every value that the firmware has as an integer is that integer here, bit for bit: constants come from compiler.lower, the
arithmetic from `integer`. The backward pass is that of the real-valued network whose weights, features and activations are
rounded to learned scales (Esser et al., "Learned step size quantization", ICLR 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from codesign.compiler.frontend import Chain
from codesign.compiler.layers import FullyConnected, Lstm, SkipGate
from codesign.compiler.layers.arithmetic import HALF
from codesign.compiler.lower import lower
from codesign.compiler.lower.constants import BIAS_STEPS
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph, Quant
from codesign.learning.compress.graph import FEATURES, Integers, Rounding, network_graph
from codesign.learning.compress.integer import CellConstants, lookup, mbqm
from codesign.learning.families.family import States
from codesign.learning.families.gradients import straight_through
from codesign.learning.families.lstm import LstmNetwork, LstmSizes, LstmStates
from codesign.learning.train.network import EnhancerModule

H_SCALE = 2.0**-7
"""Of every hidden state: o · tanh(c) fills −1 … 1, so that there is no range to learn."""
ONE = 2.0**15
ONE_SIDED = (254, -127)
"""Levels above zero and zero point of values that are never negative."""


class QuantizedEnhancer(EnhancerModule):
    """An enhancer that computes as the firmware does. Scales are learned in the logarithm; cell fractions stay."""

    network: LstmNetwork

    def __init__(self, config: Chain, sizes: LstmSizes, cell_fractions: tuple[int, ...]) -> None:
        super().__init__(config, sizes)
        self.cell_fractions = cell_fractions
        self.scales = nn.ParameterDict()
        for name, parameter in self.network.named_parameters():
            if parameter.dim() == 2:
                self.scales[_key(name)] = nn.Parameter(torch.zeros(4 if name.startswith("lstm") else len(parameter)))
        for name in (FEATURES, *self.network.fc_names[:-1]):
            self.scales[_key(name)] = nn.Parameter(torch.zeros(()))

    @classmethod
    def of(cls, config: Chain, sizes: LstmSizes, weights: Mapping[str, Tensor], rounding: Rounding) -> QuantizedEnhancer:
        """A network's weights with the scales of `rounding`."""
        result = cls(config, sizes, rounding.cell_fractions)
        result.network.load_state_dict(dict(weights))
        scales = {name: integers.scale for name, integers in rounding.matrices.items()}
        with torch.no_grad():
            for name, rows in scales.items():
                parameter = result.scales[_key(name)]
                parameter.copy_(torch.tensor(rows.reshape(len(parameter), -1)[:, 0]).log())
            for name, quant in rounding.values.items():
                if (quant.zero_point, quant.bits) != (ONE_SIDED[1], 8):
                    raise ValueError(f"value '{name}' is not one-sided int8")
                result.scales[_key(name)].copy_(torch.tensor(quant.scale).log())
        return result

    def scale(self, name: str) -> Tensor:
        """Scale of a value [], of a fully connected weight's rows [rows] or of an LSTM weight's gates [4].

        A row's is never below that of codesign.compiler.quantize.headroom.least_row_scale.
        """
        value: Tensor = self.scales[_key(name)]
        layer, _, kind = name.partition(".")
        if kind != "weight":
            return value.exp()
        bias = self.network.get_parameter(f"{layer}.bias").detach()
        return torch.maximum(value.exp(), bias.abs() / (self._source_scale(layer).detach() * BIAS_STEPS))

    def _source_scale(self, layer: str) -> Tensor:
        """Of what a fully connected layer or the skip gate reads."""
        names = self.network.fc_names
        place = names.index(layer) if layer in names else 0
        return self.scale(names[place - 1]) if place else torch.tensor(H_SCALE)

    def integer_weight(self, name: str) -> Tensor:
        """Weights as integers in float32, [rows, columns], with gradients to weights and scales."""
        weight, scale = self.network.get_parameter(name), self.scale(name)
        rows = scale.repeat_interleave(len(weight) // len(scale))[:, None]
        inside = (weight / rows).clamp(-127, 127)
        return straight_through(inside, inside.round())

    @torch.no_grad()
    def rounding(self) -> Rounding:
        """What the scales are now."""
        matrices, values = {}, {}
        for name, parameter in self.network.named_parameters():
            if parameter.dim() == 2:
                scale = self.scale(name)
                rows = scale.repeat_interleave(len(parameter) // len(scale)).double().cpu().numpy()
                matrices[name] = Integers(self.integer_weight(name).cpu().numpy().astype(np.int8), rows)
        for name in (FEATURES, *self.network.fc_names[:-1]):
            values[name] = Quant(float(self.scale(name)), ONE_SIDED[1], 8)
        return Rounding(matrices, values, self.cell_fractions)

    def graph(self, name: str, licence: str = "") -> Graph:
        """The quantized graph: what is exported, and what the forward pass takes its constants from."""
        weights = {key: value.detach().cpu().float().numpy() for key, value in self.network.named_parameters()}
        return network_graph(self.network.sizes, weights, self.front.config, name, licence, self.rounding())

    def forward(
        self, noisy: Tensor, states: States | None = None, weights: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, States, Tensor]:
        """As EnhancerModule's."""
        spectrum, features = self.front.analyse(noisy)
        mask, after, updates = self.mask(features, states)
        return self.front.enhance(noisy, spectrum, mask), after, updates

    def mask(self, features: Tensor, states: States | None = None) -> tuple[Tensor, LstmStates, Tensor]:
        """Features [batch, frames, bands] → mask, states after, updates: all on the firmware's grids."""
        return self.step_integers(self.integer_features(features), states)

    def step_integers(self, features: Tensor, states: States | None = None) -> tuple[Tensor, LstmStates, Tensor]:
        """As `mask`, from int8 features held in float32."""
        return _Step(self, lower(self.graph("step")), features.device).run(features, states)

    def integer_features(self, features: Tensor) -> Tensor:
        """int8 features as float32."""
        levels, zero_point = ONE_SIDED
        inside = (features / self.scale(FEATURES)).clamp(0, levels)
        return straight_through(inside, inside.round()) + zero_point


class _Step:
    """One forward pass: the lowered network's constants, and the integer weights with their gradients."""

    def __init__(self, module: QuantizedEnhancer, network: Network, device: torch.device) -> None:
        self.module, self.sizes = module, module.network.sizes
        self.layers = {layer.name: layer for layer in network.layers}
        self.cells = [_Cell(module, layer, device) for layer in network.layers if isinstance(layer, Lstm)]

    def run(self, features: Tensor, states: States | None) -> tuple[Tensor, LstmStates, Tensor]:
        states = states or self.module.network.fresh_states(len(features), features.device)
        assert isinstance(states, LstmStates)
        if self.sizes.skip:
            hidden, after, updates = self._skipping(features, states)
        else:
            hidden, layers = features, []
            for cell, state in zip(self.cells, states.layers, strict=True):
                hidden, last = cell.all_frames(hidden, state)
                layers.append(last)
            after, updates = LstmStates(tuple(layers)), torch.ones(features.shape[:2], device=features.device)
        return self._fully_connected(hidden), after, updates

    def _skipping(self, features: Tensor, states: LstmStates) -> tuple[Tensor, LstmStates, Tensor]:
        assert states.gate is not None
        layers, (gate, delta) = list(states.layers), states.gate
        skip = self.layers["skip"]
        assert isinstance(skip, SkipGate)
        delta_layer = _Linear(self.module, "skip", skip.delta_layer, torch.tensor(H_SCALE), 0, features.device)
        parts = self.cells[0].input_parts(features)
        hidden, updates, value = [], [], features[:, 0]
        for frame in range(features.shape[1]):
            update = straight_through(gate, (gate >= HALF / ONE).to(gate.dtype))
            for index, (cell, (h, c)) in enumerate(zip(self.cells, layers, strict=True)):
                part = (parts[0][:, frame], parts[1][:, frame]) if index == 0 else cell.input_parts(value)
                new_h, new_c = cell.step(part, h, c)
                h, c = h + update * (new_h - h), c + update * (new_c - c)
                layers[index], value = (h, c), h / H_SCALE
            delta = delta_layer.unit(value)
            gate = update * delta + (1 - update) * (gate + delta).clamp_max(1 - 1 / ONE)
            hidden.append(value)
            updates.append(update[:, 0])
        return torch.stack(hidden, 1), LstmStates(tuple(layers), (gate, delta)), torch.stack(updates, 1)

    def _fully_connected(self, x: Tensor) -> Tensor:
        module, names = self.module, self.module.network.fc_names
        scale, zero_point = torch.tensor(H_SCALE, device=x.device), 0
        for name in names:
            layer = self.layers[name]
            assert isinstance(layer, FullyConnected)
            linear = _Linear(module, name, layer, scale, zero_point, x.device)
            if name == names[-1]:
                break
            scale, zero_point = module.scale(name), ONE_SIDED[1]
            x = linear.rectified(x, scale)
        return linear.unit(x)


class _Linear:
    """A fully connected layer on integers x [..., columns] in float32."""

    def __init__(
        self, module: QuantizedEnhancer, name: str, layer: FullyConnected, scale: Tensor, zero_point: int, device: torch.device
    ) -> None:
        self.layer, self.zero_point = layer, zero_point
        self.weight = module.integer_weight(f"{name}.weight")
        self.row_scale = scale * module.scale(f"{name}.weight")
        self.real_bias = module.network.get_parameter(f"{name}.bias")
        self.bias, self.multiplier, self.shift = (
            torch.as_tensor(values, dtype=torch.int64, device=device) for values in (layer.bias, layer.multiplier, layer.shift)
        )

    def _sums(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(real results with gradients, integer results)."""
        sums = x @ self.weight.T
        real = (sums - self.zero_point * self.weight.sum(1)) * self.row_scale + self.real_bias
        with torch.no_grad():
            q = mbqm(sums.long() + self.bias, self.multiplier, self.shift) + self.layer.zero_point
            return real, q.clamp(self.layer.low, self.layer.high)

    def rectified(self, x: Tensor, scale: Tensor) -> Tensor:
        """ReLU's int8 output as float32."""
        real, q = self._sums(x)
        levels, zero_point = ONE_SIDED
        return straight_through((real / scale).clamp(0, levels) + zero_point, q.to(real.dtype))

    def unit(self, x: Tensor) -> Tensor:
        """Sigmoid in Q0.15 as a real number."""
        real, q = self._sums(x)
        return straight_through(torch.sigmoid(real), lookup("sigmoid", q).to(real.dtype) / ONE)


class _Cell:
    """An LSTM layer. Inputs are integers in float32, states real numbers on their grids."""

    def __init__(self, module: QuantizedEnhancer, layer: Lstm, device: torch.device) -> None:
        name, network = layer.name, module.network
        self.units = layer.units
        self.constants = CellConstants(layer, device)
        self.input_weight = module.integer_weight(f"{name}.weight_ih_l0")
        self.recurrent_weight = module.integer_weight(f"{name}.weight_hh_l0")
        first = name == "lstm0"
        source_scale = module.scale(FEATURES) if first else torch.tensor(H_SCALE, device=device)
        self.zero_point = ONE_SIDED[1] if first else 0
        self.input_scale = (source_scale * module.scale(f"{name}.weight_ih_l0"))[:, None]
        self.recurrent_scale = (H_SCALE * module.scale(f"{name}.weight_hh_l0"))[:, None]
        self.bias = (network.get_parameter(f"{name}.bias_ih_l0") + network.get_parameter(f"{name}.bias_hh_l0")).view(4, -1)
        self.offset = self.zero_point * self.input_weight.sum(1).view(4, -1)

    def input_parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What x [..., inputs] brings to the pre-activations [..., 4, units]: real with gradients, and integer."""
        sums = (x @ self.input_weight.T).unflatten(-1, (4, self.units))
        real = (sums - self.offset) * self.input_scale + self.bias
        return real, self.constants.input_part(sums.detach())

    def step(self, part: tuple[Tensor, Tensor], h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """New (h, c), both real."""
        sums = ((h / H_SCALE) @ self.recurrent_weight.T).unflatten(-1, (4, self.units))
        real = part[0] + sums * self.recurrent_scale
        with torch.no_grad():
            q = self.constants.pre_activation(part[1], sums)
        return _Pointwise.apply(real, c, q, self.constants)  # type: ignore[no-any-return, no-untyped-call]

    def all_frames(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Integers x [batch, frames, inputs] → integers of h [batch, frames, units], and the last (h, c)."""
        real, integer = self.input_parts(x)
        (h, c), outputs = state, []
        for part in zip(real.unbind(1), integer.unbind(1), strict=True):
            h, c = self.step(part, h, c)
            outputs.append(h)
        return torch.stack(outputs, 1) / H_SCALE, (h, c)


class _Pointwise(torch.autograd.Function):
    """An LSTM's element-wise part: integers forward, the real cell's gradients at those integers backward."""

    @staticmethod
    def forward(ctx: Any, real: Tensor, c: Tensor, q: Tensor, constants: CellConstants) -> tuple[Tensor, Tensor]:
        cell_one = 2.0**constants.cell_fraction
        i, f, o = lookup("sigmoid", q[..., (0, 1, 3), :]).unbind(-2)
        g = lookup("tanh", q[..., 2, :])
        new_c = constants.new_cell(i, f, g, (c * cell_one).long())
        y = constants.squashed(new_c)
        h = constants.new_hidden(o, y)
        ctx.save_for_backward(*(value.to(c.dtype) / ONE for value in (i, f, g, o, y)), c)
        return h.to(c.dtype) * H_SCALE, new_c.to(c.dtype) / cell_one

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, d_h: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        i, f, g, o, y, c = ctx.saved_tensors
        d_new_c = d_c + d_h * o * (1 - y * y)
        gates = (d_new_c * g * i * (1 - i), d_new_c * c * f * (1 - f), d_new_c * i * (1 - g * g), d_h * y * o * (1 - o))
        return torch.stack(gates, -2), d_new_c * f, None, None


def _key(name: str) -> str:
    return name.replace(".", "_")
