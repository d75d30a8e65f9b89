# SPDX-License-Identifier: Apache-2.0
"""Groups of weights that go together: everything that belongs to one unit of one layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from codesign.learning.families.family import UnitGroup, UnitSlice


def group_norms(layer: UnitGroup, weights: Mapping[str, Tensor]) -> Tensor:
    """‖w_g‖₂ of each unit's weights, [units]: its part of what makes it and of every reader; biases do not count."""
    squares = [_by_unit(part, weights[part.tensor], layer.units) for part in (*layer.rows, *layer.columns)]
    return torch.stack(squares).sum(0).clamp_min(1e-12).sqrt()


def _by_unit(part: UnitSlice, tensor: Tensor, units: int) -> Tensor:
    """Sum of the squares that belong to each unit."""
    return tensor.movedim(part.axis, 0).reshape(part.blocks, units, -1).square().sum((0, 2))


def _spread(part: UnitSlice, tensor: Tensor, values: Tensor) -> Tensor:
    """A value for each unit, shaped so that it multiplies the tensor."""
    shape = [1] * tensor.dim()
    shape[part.axis] = -1
    return values.repeat(part.blocks).view(shape)


def without_columns(layers: tuple[UnitGroup, ...], weights: Mapping[str, Tensor], masks: list[Tensor]) -> dict[str, Tensor]:
    """The weights whose readers of dropped units are zero, by name.

    A dropped unit's own rows stay: nobody reads what they compute, so the network is the one without the unit, and the
    gradient of its mask still says what it would bring.
    """
    result: dict[str, Tensor] = {}
    for layer, mask in zip(layers, masks, strict=True):
        for part in layer.columns:
            found = result.get(part.tensor, weights[part.tensor])
            result[part.tensor] = found * _spread(part, found, mask)
    return result


@torch.no_grad()
def shrink(layers: tuple[UnitGroup, ...], weights: Mapping[str, Tensor], factors: list[Tensor]) -> None:
    """Multiply every unit's weights by its factor, in place."""
    for layer, factor in zip(layers, factors, strict=True):
        for part in (*layer.rows, *layer.columns):
            tensor = weights[part.tensor]
            tensor.mul_(_spread(part, tensor, factor))


def largest(values: Sequence[Tensor], counts: Sequence[int]) -> list[Tensor]:
    """Of each layer's units, [units], the indices of the `counts` of largest value, in their order."""
    return [torch.topk(value, count).indices.sort().values for value, count in zip(values, counts, strict=True)]


def without_units(layers: tuple[UnitGroup, ...], weights: Mapping[str, Tensor], kept: list[Tensor]) -> dict[str, Tensor]:
    """The smaller tensors: what belongs to the units at the indices `kept` of each layer."""
    result = dict(weights)
    for layer, units in zip(layers, kept, strict=True):
        for part in (*layer.rows, *layer.biases, *layer.columns):
            places = torch.cat([units + block * layer.units for block in range(part.blocks)])
            result[part.tensor] = result[part.tensor].index_select(part.axis, places)
    return {name: value.detach().clone() for name, value in result.items()}
