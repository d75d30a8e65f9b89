# SPDX-License-Identifier: Apache-2.0
"""Sizes of the convolutional-recurrent family, and the costs and states that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from codesign.learning.families.conv_layers import TAPS
from codesign.learning.families.family import GATE_BYTES, ROW_BYTES, Sizes
from codesign.learning.families.gru import BIASES, GATES

SLOPE_BYTES = 4 + 4 + 1


@dataclass(frozen=True)
class ConvRecurrentCosts(Sizes):
    """The numbers; ConvRecurrentSizes says what each is."""

    features: int
    split: tuple[int, int]
    channels: tuple[int, ...]
    groups_of_channels: int
    kernel: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    hidden: tuple[int, ...]
    across: tuple[int, ...]
    over: tuple[int, ...]

    @property
    def is_complex(self) -> bool:
        """Whether a spectrum comes in and a complex mask goes out."""
        return self.split != (0, 0)

    @property
    def frequencies(self) -> int:
        """Of the first convolution's input."""
        return sum(self.split) if self.is_complex else self.features

    @property
    def inner(self) -> int:
        """Frequencies that are left in the middle."""
        return self.frequencies >> len(self.channels)

    @property
    def block_names(self) -> tuple[str, ...]:
        """Before the recurrent layers, then after them."""
        return tuple(f"{kind}{k}" for kind in ("before", "after") for k in range(len(getattr(self, kind))))

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of the blocks' frames."""
        return (*self.before, *self.after)

    @property
    def order(self) -> tuple[str, ...]:
        """Modules that have a state, as they follow one another."""
        layers = tuple(f"layer{k}" for k in range(len(self.over)))
        return (*self.block_names[: len(self.before)], *layers, *self.block_names[len(self.before) :])

    @property
    def recurrent_names(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Recurrent layers, each with the endings of its directions' weights."""
        layers = [(f"layer{k}.across", ("", "_reverse")) for k in range(len(self.across))]
        return (*layers, *((f"layer{k}.over", ("",)) for k in range(len(self.over))))

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each state without its batch, in order."""
        blocks = zip(self.block_names, self.hidden, self.dilations, strict=True)
        shapes: dict[str, tuple[int, ...]] = {
            name: (hidden, (TAPS - 1) * dilation, self.inner) for name, hidden, dilation in blocks
        }
        shapes |= {f"layer{k}": (self.inner, units) for k, units in enumerate(self.over)}
        return {name: shapes[name] for name in self.order}

    def weights(self) -> dict[str, int]:
        return {name: count for name, (count, _) in self._layers().items()}

    def macs(self) -> dict[str, int]:
        return {name: count * times for name, (count, times) in self._layers().items()}

    def _layers(self) -> dict[str, tuple[int, int]]:
        """Weights of each layer, and how often a step uses each."""
        result: dict[str, tuple[int, int]] = {}
        if self.is_complex:
            direct, bands = self.split
            result["bands"] = ((self.features // 2 - direct) * bands, 3)
            result["bins"] = ((self.features // 2 - direct) * bands, 2)
        inputs, width = 3 if self.is_complex else 1, self.frequencies
        for k, channels in enumerate(self.channels):
            groups = self.groups_of_channels if k else 1
            width //= 2
            result[f"down{k}"] = (channels * inputs * self.kernel // groups, width)
            outputs = inputs if k else (2 if self.is_complex else 1)
            result[f"up{k}"] = (channels * outputs * self.kernel // groups, width)
            inputs = channels
        for name, hidden in zip(self.block_names, self.hidden, strict=True):
            result[name] = (hidden * (2 * inputs + TAPS * TAPS), width)
        for k, units in enumerate(self.across):
            result[f"layer{k}_across"] = (2 * (GATES * units * (inputs + units) + units * inputs), width)
        for k, units in enumerate(self.over):
            result[f"layer{k}_over"] = (GATES * units * (inputs + units) + units * inputs, width)
        return result

    def constant_bytes(self) -> int:
        slopes = 2 * sum(self.channels) + 2 * sum(self.hidden)
        return ROW_BYTES * self._rows() + GATE_BYTES * BIASES * self._gru_units() + SLOPE_BYTES * slopes

    def biases(self) -> int:
        return self._rows() + BIASES * self._gru_units()

    def _gru_units(self) -> int:
        return 2 * sum(self.across) + sum(self.over)

    def _rows(self) -> int:
        last = self.channels[-1]
        out = sum(self.channels[:-1]) + (2 if self.is_complex else 1)
        recurrent = (len(self.across) + len(self.over)) * last
        return sum(self.channels) + out + 2 * sum(self.hidden) + last * len(self.hidden) + recurrent
