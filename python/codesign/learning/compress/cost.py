# SPDX-License-Identifier: Apache-2.0
"""What a network of given sizes costs: bytes of its constants in the firmware and multiply-accumulates of a step."""

from __future__ import annotations

from dataclasses import dataclass

from codesign.learning.families.family import Sizes

FLOAT_BYTES = 4


@dataclass(frozen=True)
class NetworkCost:
    """Of one step that updates everything; bytes are those of int8 weights and the constants beside them."""

    bytes: int
    macs: int


def cost_of(sizes: Sizes) -> NetworkCost:
    """The integer network's cost."""
    return NetworkCost(sum(sizes.weights().values()) + sizes.constant_bytes(), sum(sizes.macs().values()))


def float_bytes(sizes: Sizes) -> int:
    """Bytes of the float32 network: weights, and one bias a row."""
    return FLOAT_BYTES * (sum(sizes.weights().values()) + sizes.biases())


def average_macs(sizes: Sizes, updates: float) -> float:
    """MACs of an average frame of which the share `updates` computes the layers that the skip gate guards."""
    layers = sizes.macs()
    guarded = sum(macs for name, macs in layers.items() if name.startswith(("lstm", "skip"))) if sizes.skips else 0
    return sum(layers.values()) - (1.0 - updates) * guarded
