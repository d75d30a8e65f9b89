# SPDX-License-Identifier: Apache-2.0
"""Networks within a larger one: the same layers with fewer units, cut out of its weights by the norms that pruning goes by."""

from __future__ import annotations

from dataclasses import replace

import torch

from codesign.learning.compress.groups import group_norms, largest, without_units
from codesign.learning.families.family import Sizes
from codesign.learning.train.checkpoint import Checkpoint


def holds(sizes: Sizes, wanted: Sizes) -> bool:
    """Whether a network of `wanted` lies within one of `sizes`: the same layers, none with more units."""
    if type(sizes) is not type(wanted) or len(sizes.units) != len(wanted.units):
        return False
    fewer = all(small <= large for small, large in zip(wanted.units, sizes.units, strict=True))
    return fewer and sizes.with_units(wanted.units) == wanted


@torch.no_grad()
def cut_to(start: Checkpoint, wanted: Sizes) -> Checkpoint:
    """The network of `wanted` within that of `start`: of each layer the units of largest group norm, in their order.

    With all units it is the network of `start`.

    Raises:
        ValueError: `start` holds no such network.
    """
    if not holds(start.sizes, wanted):
        raise ValueError(f"{start.sizes} holds no {wanted}")
    layers, weights = start.sizes.groups(), start.network
    kept = largest([group_norms(layer, weights) for layer in layers], wanted.units)
    tensors = {f"network.{name}": value for name, value in without_units(layers, weights, kept).items()}
    return replace(start, sizes=wanted, average=tensors, current=tensors, optimizer={}, progress={})
