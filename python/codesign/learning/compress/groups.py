# SPDX-License-Identifier: Apache-2.0
"""Groups of weights that go together: everything that belongs to one unit of one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from codesign.learning.train.network import Sizes

GATES = 4


@dataclass(frozen=True)
class PrunedLayer:
    """A layer whose units can go. Unit u owns its rows (of every gate) in `rows`, and column u in `columns`."""

    name: str
    units: int
    rows: tuple[str, ...]
    biases: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def gates(self) -> int:
        return GATES if self.name.startswith("lstm") else 1


def pruned_layers(sizes: Sizes) -> tuple[PrunedLayer, ...]:
    """LSTM layers, then hidden fully connected ones; the mask's bands stay."""
    layers, first_fc = [], "fc0.weight"
    for index, units in enumerate(sizes.lstm):
        name, last = f"lstm{index}", index == len(sizes.lstm) - 1
        columns = [f"{name}.weight_hh_l0", first_fc if last else f"lstm{index + 1}.weight_ih_l0"]
        if last and sizes.skip:
            columns.append("skip.weight")
        rows = (f"{name}.weight_ih_l0", f"{name}.weight_hh_l0")
        layers.append(PrunedLayer(name, units, rows, (f"{name}.bias_ih_l0", f"{name}.bias_hh_l0"), tuple(columns)))
    for index, units in enumerate(sizes.fc):
        name = f"fc{index}"
        layers.append(PrunedLayer(name, units, (f"{name}.weight",), (f"{name}.bias",), (f"fc{index + 1}.weight",)))
    return tuple(layers)


def group_norms(layer: PrunedLayer, weights: Mapping[str, Tensor]) -> Tensor:
    """‖w_g‖₂ of each unit's weights, [units]: its rows in every gate and its column in every reader; biases do not count."""
    squares = [weights[name].square().sum(1).view(layer.gates, layer.units).sum(0) for name in layer.rows]
    squares += [weights[name].square().sum(0) for name in layer.columns]
    return torch.stack(squares).sum(0).clamp_min(1e-12).sqrt()


def without_columns(layers: tuple[PrunedLayer, ...], weights: Mapping[str, Tensor], masks: list[Tensor]) -> dict[str, Tensor]:
    """The weights whose readers of dropped units are zero, by name.

    A dropped unit's own rows stay: nobody reads what they compute, so the network is the one without the unit, and the
    gradient of its mask still says what it would bring.
    """
    result: dict[str, Tensor] = {}
    for layer, mask in zip(layers, masks, strict=True):
        for name in layer.columns:
            result[name] = result.get(name, weights[name]) * mask
    return result


@torch.no_grad()
def shrink(layers: tuple[PrunedLayer, ...], weights: Mapping[str, Tensor], factors: list[Tensor]) -> None:
    """Multiply every unit's weights by its factor, in place."""
    for layer, factor in zip(layers, factors, strict=True):
        for name in layer.rows:
            weights[name].mul_(factor.repeat(layer.gates)[:, None])
        for name in layer.columns:
            weights[name].mul_(factor)


def without_units(layers: tuple[PrunedLayer, ...], weights: Mapping[str, Tensor], kept: list[Tensor]) -> dict[str, Tensor]:
    """The smaller matrices: rows and columns of the units at the indices `kept` of each layer."""
    result = dict(weights)
    for layer, units in zip(layers, kept, strict=True):
        rows = torch.cat([units + gate * layer.units for gate in range(layer.gates)])
        for name in (*layer.rows, *layer.biases):
            result[name] = result[name].index_select(0, rows)
        for name in layer.columns:
            result[name] = result[name].index_select(1, units)
    return {name: value.detach().clone() for name, value in result.items()}
