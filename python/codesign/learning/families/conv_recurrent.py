# SPDX-License-Identifier: Apache-2.0
"""A convolutional-recurrent network: convolutions halve the bands, blocks look back in time, GRUs run across frequency and
over time, and transposed convolutions give gains or a complex mask.

In the manner of GTCRN (Rong et al., "GTCRN: a speech enhancement model requiring ultralow computational resources", ICASSP
2024) and of dual-path recurrent networks; layers and sizes are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from codesign.compiler.frontend import Chain
from codesign.learning.families.conv_costs import ConvRecurrentCosts
from codesign.learning.families.conv_layers import BandSplit, DownLayer, PastBlock, RecurrentLayer, UpLayer
from codesign.learning.families.family import FamilyNetwork, NamedStates, States, UnitGroup, UnitSlice
from codesign.learning.families.gru import GATES, gru_group

REAL, COMPLEX = 1, 3
"""Planes of the input: one of compressed bands; magnitude, real and imaginary part."""


@dataclass(frozen=True)
class ConvRecurrentSizes(ConvRecurrentCosts):
    """`features` and `split` (direct bins, bands of the others; none where the chain gives bands) are the chain's; then
    channels after each halving, groups of all but the first, frequencies a kernel covers, hidden channels and dilation of
    each block before and after the recurrent layers, and units of those across frequency (empty: there are none) and over time.
    """

    family: ClassVar[str] = "conv-recurrent"
    instructions_per_mac: ClassVar[float] = 2.0  # few channels a row, and additions and slopes between convolutions

    def network(self, chain: Chain, dropout: float = 0.0) -> ConvRecurrentNetwork:
        return ConvRecurrentNetwork(self, chain)

    @property
    def units(self) -> tuple[int, ...]:
        return tuple(group.units for group in self.groups())

    def with_units(self, kept: tuple[int, ...]) -> ConvRecurrentSizes:
        left = iter(kept)
        channels = tuple(next(left) for _ in self.channels) if self.groups_of_channels == 1 else self.channels
        hidden = tuple(next(left) for _ in self.hidden)
        across = tuple(next(left) for _ in self.across)
        over = tuple(next(left) for _ in self.over)
        return type(self)(**{**vars(self), "channels": channels, "hidden": hidden, "across": across, "over": over})

    def groups(self) -> tuple[UnitGroup, ...]:
        """Channels of the halvings (where convolutions have no groups), hidden ones of blocks, units across, units over."""
        result = [self._channels(k) for k in range(len(self.channels))] if self.groups_of_channels == 1 else []
        for name, hidden in zip(self.block_names, self.hidden, strict=True):
            rows, biases = normalized((f"{name}.first", f"{name}.first_norm"), (f"{name}.past", f"{name}.past_norm"))
            biases += (UnitSlice(f"{name}.first_slope.weight"), UnitSlice(f"{name}.past_slope.weight"))
            result.append(UnitGroup(name, hidden, rows, biases, (UnitSlice(f"{name}.last.weight", 1),)))
        for k, units in enumerate(self.across):
            layers = (f"layer{k}.across.{{}}_l0", f"layer{k}.across.{{}}_l0_reverse")
            result.append(gru_group(f"layer{k}_across", units, layers, (UnitSlice(f"layer{k}.across_out.weight", 1, 2),)))
        for k, units in enumerate(self.over):
            readers = (UnitSlice(f"layer{k}.over_out.weight", 1),)
            result.append(gru_group(f"layer{k}_over", units, (f"layer{k}.over.{{}}_l0",), readers))
        return tuple(result)

    def _channels(self, k: int) -> UnitGroup:
        """Channels after halving k, which the skip connection ties to those that doubling k adds them to."""
        last = k == len(self.channels) - 1
        made = [(f"down{k}.conv", f"down{k}.norm")]
        if last:
            made += [(f"{name}.last", f"{name}.last_norm") for name in self.block_names]
        rows, biases = normalized(*made)
        biases += (UnitSlice(f"down{k}.slope.weight"),)
        columns = [UnitSlice(f"up{k}.conv.weight", 0)]
        if not last:
            columns.append(UnitSlice(f"down{k + 1}.conv.weight", 1))
            factors, others = normalized((f"up{k + 1}.conv", f"up{k + 1}.norm"), axis=1)
            slope = UnitSlice(f"up{k + 1}.slope.weight")
            return UnitGroup(f"channels{k}", self.channels[k], rows + factors, (*biases, *others, slope), tuple(columns))
        columns += [UnitSlice(f"{name}.first.weight", 1) for name in self.block_names]
        for layer, ways in self.recurrent_names:
            rows += (UnitSlice(f"{layer}_out.weight"),)
            biases += (UnitSlice(f"{layer}_out.bias"),)
            columns += [UnitSlice(f"{layer}.weight_ih_l0{way}", 1) for way in ways]
        return UnitGroup(f"channels{k}", self.channels[k], rows, biases, tuple(columns))

    def rounded(self) -> Mapping[str, UnitSlice]:
        names = [f"down{k}.conv.weight" for k in range(len(self.channels))]
        names += [f"{name}.{part}.weight" for name in self.block_names for part in ("first", "past", "last")]
        names += [f"{layer}_out.weight" for layer, _ in self.recurrent_names]
        result = {name: UnitSlice(name, 0, 0) for name in names}
        for layer, ways in self.recurrent_names:
            for name in (f"{layer}.weight_{part}_l0{way}" for part in ("ih", "hh") for way in ways):
                result[name] = UnitSlice(name, 0, GATES)
        for k in range(len(self.channels)):
            result[f"up{k}.conv.weight"] = UnitSlice(f"up{k}.conv.weight", 1, 0)
        if self.is_complex:
            result |= {name: UnitSlice(name, 1, 0) for name in ("split.to_bands", "split.to_bins")}
        return result


def normalized(*layers: tuple[str, str], axis: int = 0) -> tuple[tuple[UnitSlice, ...], tuple[UnitSlice, ...]]:
    """Rows and biases of convolutions, each with the batch normalization after it, whose factors are what counts in a unit's
    norm: the scale of a convolution's own weights is what it takes away.
    """
    factors, others = list[UnitSlice](), list[UnitSlice]()
    for convolution, norm in layers:
        factors.append(UnitSlice(f"{norm}.weight"))
        others.append(UnitSlice(f"{convolution}.weight", axis))
        others += [UnitSlice(f"{norm}.{part}") for part in ("bias", "running_mean", "running_var")]
    return tuple(factors), tuple(others)


class ConvRecurrentNetwork(FamilyNetwork):
    """Layers are called down0, …, before0, …, layer0, …, after0, …, up0 (the last one), …."""

    sizes: ConvRecurrentSizes

    def __init__(self, sizes: ConvRecurrentSizes, chain: Chain) -> None:
        super().__init__()
        self.sizes = sizes
        self.complex = chain.feature == "spectrum"
        if self.complex:
            self.split = BandSplit(chain, *sizes.split)
        planes = COMPLEX if self.complex else REAL
        for k, channels in enumerate(sizes.channels):
            groups = sizes.groups_of_channels if k else 1
            self.add_module(f"down{k}", DownLayer(planes, channels, sizes.kernel, groups))
            outputs = planes if k else (2 if self.complex else 1)
            self.add_module(f"up{k}", UpLayer(channels, outputs, sizes.kernel, groups, last=k == 0))
            planes = channels
        for name, hidden, dilation in zip(sizes.block_names, sizes.hidden, sizes.dilations, strict=True):
            self.add_module(name, PastBlock(planes, hidden, dilation))
        for k, over in enumerate(sizes.over):
            self.add_module(f"layer{k}", RecurrentLayer(planes, sizes.across[k] if sizes.across else 0, over))
        if not self.complex:
            with torch.no_grad():
                self.get_parameter("up0.conv.bias").fill_(1.0)  # let through at first

    def fresh_states(self, batch: int, device: torch.device | str = "cpu") -> NamedStates:
        """Zeros."""
        shapes = self.sizes.state_shapes()
        return NamedStates({name: torch.zeros(batch, *shape, device=device) for name, shape in shapes.items()})

    def states_of(self, tensors: Mapping[str, Tensor]) -> NamedStates:
        return NamedStates(dict(tensors))

    def forward(self, features: Tensor, states: States | None = None) -> tuple[Tensor, States, Tensor]:
        """As of every family."""
        before = (states or self.fresh_states(len(features), features.device)).tensors()
        x = self.split.planes(features) if self.complex else features[:, None]
        kept, after = [], {}
        for k in range(len(self.sizes.channels)):
            x = self.get_submodule(f"down{k}")(x)
            kept.append(x)
        for name in self.sizes.order:
            x, after[name] = self.get_submodule(name)(x, before[name])
        for k, skipped in reversed(list(enumerate(kept))):
            x = self.get_submodule(f"up{k}")(x + skipped)
        outputs = self.split.mask(torch.tanh(x)) if self.complex else torch.sigmoid(x)[:, 0]
        return outputs, NamedStates(after), torch.ones(features.shape[:2], device=features.device)
