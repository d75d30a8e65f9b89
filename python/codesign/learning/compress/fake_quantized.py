# SPDX-License-Identifier: Apache-2.0
"""A network of any family whose weights and values are rounded as quantization will round them, gradients straight through.

Weights are int8 with a scale a row (a gate of recurrent layers), values symmetric int16: what `codesign quantize --activations
int16` makes of the exported network. Sums, tables and biases are not rounded: with 16-bit values they are far finer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from codesign.compiler.frontend import Chain
from codesign.learning.families.family import Sizes, States, UnitSlice
from codesign.learning.families.gradients import straight_through
from codesign.learning.train.network import EnhancerModule

WEIGHT_STEPS, VALUE_STEPS = 127, 32767


class FakeQuantizedEnhancer(EnhancerModule):
    """An enhancer that rounds. Its network's parameters stay real; `rounded_weights` are what it computes with."""

    def __init__(self, config: Chain, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.network.lowers_precision = False
        self.rounders = nn.ModuleList()
        for module in self.network.modules():
            if not list(module.children()):
                rounder = _ValueRounder()
                self.rounders.append(rounder)
                module.register_forward_hook(rounder)

    def rounded_weights(self) -> dict[str, Tensor]:
        """What quantization makes of the weights, by name, with gradients."""
        found = dict(self.network.named_parameters()) | dict(self.network.named_buffers())
        return {name: rounded(found[name], part) for name, part in self.network.sizes.rounded().items()}

    def forward(
        self, noisy: Tensor, states: States | None = None, weights: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, States, Tensor]:
        """As EnhancerModule's; `weights` take the place of rounded ones."""
        return super().forward(noisy, states, weights or self.rounded_weights())


def rounded(weight: Tensor, part: UnitSlice) -> Tensor:
    """A weight on its int8 grid: the largest magnitude of a row (where `part.blocks` is 0) or block is 127 steps."""
    rows = weight.movedim(part.axis, 0)
    blocked = rows.reshape(part.blocks or len(rows), -1)
    scale = blocked.detach().abs().amax(1, keepdim=True).clamp_min(1e-12) / WEIGHT_STEPS
    on_grid = straight_through(blocked, (blocked / scale).round() * scale)
    return on_grid.reshape(rows.shape).movedim(0, part.axis)


class _ValueRounder(nn.Module):
    """A forward hook that rounds a module's output to int16; the largest magnitude seen in training is the range."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("largest", torch.zeros(()))

    largest: Tensor

    def forward(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """The output of `module`, rounded; of a recurrent layer the values of every frame, its state as it is."""
        if isinstance(output, tuple):
            return (self._rounded(output[0]), *output[1:])
        return self._rounded(output)

    def _rounded(self, x: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                self.largest.copy_(torch.maximum(self.largest, x.detach().abs().max()))
        scale = self.largest / VALUE_STEPS
        if not scale > 0:
            return x
        inside = x.clamp(-self.largest, self.largest)
        return straight_through(inside, (inside / scale).round() * scale)
