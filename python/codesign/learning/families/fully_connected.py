# SPDX-License-Identifier: Apache-2.0
"""The end that recurrent families share: fully connected layers with ReLU, and one with sigmoid."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codesign.learning.families.family import UnitGroup, UnitSlice


def add_fully_connected(network: nn.Module, inputs: int, outputs: tuple[int, ...]) -> None:
    """Layers fc0, fc1, … of `outputs` each; the last one lets everything through at first."""
    for index, size in enumerate(outputs):
        layer = nn.Linear(inputs, size)
        network.add_module(f"fc{index}", layer)
        inputs = size
    with torch.no_grad():
        layer.bias.fill_(1.0)


def fully_connected(network: nn.Module, x: Tensor, hidden: int) -> Tensor:
    """[batch, frames, units] → gains, through `hidden` layers with ReLU and one with sigmoid."""
    for index in range(hidden):
        x = torch.relu(network.get_submodule(f"fc{index}")(x))
    return torch.sigmoid(network.get_submodule(f"fc{hidden}")(x).float())


def fully_connected_macs(inputs: int, outputs: tuple[int, ...]) -> dict[str, int]:
    """Multiply-accumulates by layer."""
    return {f"fc{k}": a * b for k, (a, b) in enumerate(zip((inputs, *outputs), outputs, strict=False))}


def fully_connected_groups(hidden: tuple[int, ...]) -> tuple[UnitGroup, ...]:
    """A group a hidden layer; what the last layer gives stays."""
    return tuple(
        UnitGroup(
            f"fc{k}", units, (UnitSlice(f"fc{k}.weight"),), (UnitSlice(f"fc{k}.bias"),), (UnitSlice(f"fc{k + 1}.weight", 1),)
        )
        for k, units in enumerate(hidden)
    )
