# SPDX-License-Identifier: Apache-2.0
"""cost: executed blocks + timing table → estimated cycles. Instructions are exact, cycles never are."""

from codesign.firmware.cost.estimate import CostReport, StageCost, average, cycles_of_blocks, estimate
from codesign.firmware.cost.timing import TimingTable, load_timing

__all__ = ["CostReport", "StageCost", "TimingTable", "average", "cycles_of_blocks", "estimate", "load_timing"]
