# SPDX-License-Identifier: Apache-2.0
"""A network of any family between the front end and its inverse, in torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from codesign.compiler.frontend import Chain
from codesign.learning.families.family import FamilyNetwork, Sizes, States
from codesign.learning.train.front_end import FrontEndTorch


class EnhancerModule(nn.Module):
    """Noisy signal → enhanced signal: front end, network, inverse front end."""

    network: FamilyNetwork

    def __init__(self, config: Chain, sizes: Sizes, dropout: float = 0.0) -> None:
        super().__init__()
        self.front = FrontEndTorch(config)
        self.network = sizes.network(config, dropout)

    def forward(
        self, noisy: Tensor, states: States | None = None, weights: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, States, Tensor]:
        """[batch, samples] → enhanced [batch, whole hops, of filters half of one less], states after, updates [batch, frames].

        `weights` take the place of the network's own, by their names in `self.network`.
        """
        spectrum, features = self.front.analyse(noisy)
        with torch.autocast(noisy.device.type, torch.bfloat16, enabled=self.training and self.network.lowers_precision):
            mask, after, updates = functional_call(self.network, dict(weights or {}), (features, states))
        return self.front.enhance(noisy, spectrum, mask.float()), after, updates
