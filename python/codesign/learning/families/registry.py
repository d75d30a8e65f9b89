# SPDX-License-Identifier: Apache-2.0
"""The families by name: sizes from a recipe, and from what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.learning.families.conv_recurrent import ConvRecurrentSizes
from codesign.learning.families.family import Sizes
from codesign.learning.families.gru import GruSizes
from codesign.learning.families.lstm import LstmSizes
from codesign.learning.families.recipes import ConvRecurrentRecipe, GruRecipe, LstmRecipe, NetworkRecipe

CLASSES: Mapping[str, type[Sizes]] = {kind.family: kind for kind in (LstmSizes, GruSizes, ConvRecurrentSizes)}


def sizes_of(network: NetworkRecipe, chain: Chain) -> Sizes:
    """The sizes that a recipe's [network] asks for, before anything is compressed.

    Raises:
        InputError: they do not go with the front end.
    """
    if isinstance(network, LstmRecipe | GruRecipe) and not chain.has_bands:
        raise InputError(
            f"front end: the family {network.family} takes bands, not '{chain.feature}'",
            hint='give mel_magnitude, erb_magnitude or the like, or family = "conv-recurrent"',
        )
    if isinstance(network, LstmRecipe):
        return LstmSizes(chain.n_mels, network.lstm, network.fc)
    if isinstance(network, GruRecipe):
        return GruSizes(chain.n_mels, network.gru, network.fc)
    return _conv_recurrent(network, chain)


def _conv_recurrent(network: ConvRecurrentRecipe, chain: Chain) -> ConvRecurrentSizes:
    split = (0, 0) if chain.has_bands else (network.direct, network.bands)
    blocks = len(network.encoder) + len(network.decoder)
    result = ConvRecurrentSizes(
        features=chain.n_features,
        split=split,
        channels=network.channels,
        groups_of_channels=network.groups,
        kernel=network.kernel,
        before=network.encoder,
        after=network.decoder,
        hidden=(network.hidden,) * blocks,
        across=(network.across,) * (network.layers if network.across else 0),
        over=(network.over,) * network.layers,
    )
    halvings = len(network.channels)
    if result.frequencies % 2**halvings:
        raise InputError(
            f"network: {result.frequencies} frequencies cannot be halved {halvings} times",
            hint="give a number of bands that 2 divides as often as there are channels",
        )
    if not chain.has_bands and network.direct + network.bands > chain.n_bins:
        raise InputError(
            f"network: direct {network.direct} and bands {network.bands} are more than {chain.n_bins} bins",
            hint="give fewer of either",
        )
    if any(channels % network.groups for channels in network.channels):
        raise InputError(
            f"network: groups {network.groups} does not divide channels {', '.join(map(str, network.channels))}",
            hint="give a divisor of all, or 1",
        )
    return result


def sizes_from(family: str, fields: Mapping[str, Any]) -> Sizes:
    """The sizes that a checkpoint holds as plain lists and numbers.

    Raises:
        KeyError, TypeError: they are none of the family's.
    """
    given = {name: tuple(value) if isinstance(value, list | tuple) else value for name, value in fields.items()}
    return CLASSES[family](**given)
