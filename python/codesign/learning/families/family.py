# SPDX-License-Identifier: Apache-2.0
"""What a family of networks is to training: sizes, a torch module of them, its states, its costs, its groups of weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from codesign.compiler.frontend import Chain
from codesign.learning.families.dropout import Part, drop

ROW_BYTES = 4 + 4 + 1
"""Bias, multiplier and shift of a row of a matrix or of a channel of a convolution."""
GATE_BYTES = 4
"""int32 bias of a gate of a unit."""


@dataclass(frozen=True)
class UnitSlice:
    """Where the units of a layer lie in a tensor: along `axis`, in `blocks` runs of all units (an LSTM's gates, say)."""

    tensor: str
    axis: int = 0
    blocks: int = 1


@dataclass(frozen=True)
class UnitGroup:
    """A layer whose units can go. A unit owns its part of the `rows` that make it, of its `biases` and of the `columns`
    that read it; by biases all is meant that does not count in the unit's norm.
    """

    name: str
    units: int
    rows: tuple[UnitSlice, ...]
    biases: tuple[UnitSlice, ...]
    columns: tuple[UnitSlice, ...]


class States(ABC):
    """Values from frame to frame, batch first."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """All of them by name, in the order of a file's inputs."""

    @abstractmethod
    def detach(self) -> Self:
        """The same values without their history: where truncated back-propagation ends."""


@dataclass(frozen=True)
class NamedStates(States):
    """States that are nothing but tensors with names."""

    values: Mapping[str, Tensor]

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.values)

    def detach(self) -> NamedStates:
        return NamedStates({name: value.detach() for name, value in self.values.items()})


class FamilyNetwork(nn.Module, ABC):
    """Features → gains or a mask, over many frames."""

    sizes: Sizes
    lowers_precision: bool = False
    """Whether it trains in bfloat16 where it can."""
    dropout: float = 0.0
    part: Part | None = None
    """Which rows of a batch it is given, where others compute the others."""

    def dropped(self, values: Tensor) -> Tensor:
        """[batch, …], in training with dropout."""
        return drop(values, self.dropout, self.part) if self.training else values

    @abstractmethod
    def fresh_states(self, batch: int, device: torch.device | str = "cpu") -> States:
        """The states before the first frame."""

    @abstractmethod
    def states_of(self, tensors: Mapping[str, Tensor]) -> States:
        """Undo `States.tensors`."""

    @abstractmethod
    def forward(self, features: Tensor, states: States | None = None) -> tuple[Tensor, States, Tensor]:
        """[batch, frames, features] → outputs [batch, frames, outputs], the states after it, and which frames updated.

        Updates are [batch, frames] of 0 and 1, all 1 in a network that never skips.
        """


@dataclass(frozen=True)
class Sizes(ABC):
    """The sizes of a network of one family, and what follows from them."""

    family: ClassVar[str]
    instructions_per_mac: ClassVar[float] = 1.0
    """What our kernels execute for a multiply-accumulate on a core with the DSP extension, all layers of a step included."""

    @property
    def skips(self) -> bool:
        """Whether a skip gate decides when the network computes."""
        return False

    @abstractmethod
    def network(self, chain: Chain, dropout: float = 0.0) -> FamilyNetwork:
        """The torch module with random weights, for the features and outputs of `chain`."""

    @property
    @abstractmethod
    def units(self) -> tuple[int, ...]:
        """Units of each group, in the order of `groups`."""

    @abstractmethod
    def with_units(self, kept: tuple[int, ...]) -> Self:
        """The same network with other numbers of units."""

    @abstractmethod
    def groups(self) -> tuple[UnitGroup, ...]:
        """Layers whose units can be pruned."""

    @abstractmethod
    def macs(self) -> dict[str, int]:
        """Multiply-accumulates a step, by layer."""

    def weights(self) -> dict[str, int]:
        """Weights by layer: as many as multiply-accumulates where each is used once."""
        return self.macs()

    @abstractmethod
    def constant_bytes(self) -> int:
        """Bytes of the integer network's constants beside its weights."""

    @abstractmethod
    def biases(self) -> int:
        """Biases of the float network, normalizations folded."""

    def rounded(self) -> Mapping[str, UnitSlice]:
        """Weights that quantization rounds, by name: what has a scale of its own lies along the slice's axis, in as many
        blocks as there are scales, or one a row where `blocks` is 0. Empty for a family with an integer contract of its own.
        """
        return {}
