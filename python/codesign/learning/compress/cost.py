# SPDX-License-Identifier: Apache-2.0
"""What a network of given sizes costs: bytes of its constants in the firmware and multiply-accumulates of a step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codesign.learning.train.network import Sizes

LSTM_UNIT_BYTES = 4 * 4
"""int32 bias of four gates."""
ROW_BYTES = 4 + 4 + 1
"""Bias, multiplier and shift of a row of a fully connected layer."""
FLOAT_BYTES = 4


@dataclass(frozen=True)
class NetworkCost:
    """Of one step that updates everything; bytes are those of int8 weights and the constants beside them."""

    bytes: int
    macs: int


def macs_of(sizes: Sizes) -> dict[str, int]:
    """Multiply-accumulates a step of each layer, by name; as many int8 weights."""
    result, inputs = {}, sizes.bands
    for index, units in enumerate(sizes.lstm):
        result[f"lstm{index}"] = 4 * units * (inputs + units)
        inputs = units
    if sizes.skip:
        result["skip"] = inputs
    for index, outputs in enumerate((*sizes.fc, sizes.bands)):
        result[f"fc{index}"] = inputs * outputs
        inputs = outputs
    return result


def cost_of(sizes: Sizes) -> NetworkCost:
    """The int8 network's cost."""
    macs = sum(macs_of(sizes).values())
    rows = sum(sizes.fc) + sizes.bands + int(sizes.skip)
    return NetworkCost(macs + LSTM_UNIT_BYTES * sum(sizes.lstm) + ROW_BYTES * rows, macs)


def float_bytes(sizes: Sizes) -> int:
    """Bytes of the float32 network: weights, and one bias a row."""
    rows = 4 * sum(sizes.lstm) + sum(sizes.fc) + sizes.bands + int(sizes.skip)
    return FLOAT_BYTES * (sum(macs_of(sizes).values()) + rows)


def average_macs(sizes: Sizes, updates: float) -> float:
    """MACs of an average frame of which the share `updates` computes the layers that the skip gate guards."""
    layers = macs_of(sizes)
    guarded = sum(macs for name, macs in layers.items() if name.startswith(("lstm", "skip")))
    return sum(layers.values()) - (1.0 - updates) * guarded


def with_units(sizes: Sizes, kept: tuple[int, ...]) -> Sizes:
    """The same network with other numbers of units: LSTM layers first, then hidden fully connected ones."""
    return replace(sizes, lstm=kept[: len(sizes.lstm)], fc=kept[len(sizes.lstm) :])
