# SPDX-License-Identifier: Apache-2.0
"""What networks are compared by: figures of the trained network and of its built image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure by its title and unit. `trained`: of the enhanced validation mixtures; else of the built image."""

    title: str
    unit: str
    digits: int
    higher_is_better: bool = False
    trained: bool = False

    def show(self, value: float) -> str:
        """The value as people read it, without its unit."""
        return f"{value:,.{self.digits}f}"

    def loss(self, value: float) -> float:
        """The value, turned so that less is better."""
        return -value if self.higher_is_better else value


FIGURES: Mapping[str, Figure] = {
    "si_sdr_db": Figure("SI-SDR", "dB", 2, higher_is_better=True, trained=True),
    "estoi": Figure("ESTOI", "", 3, higher_is_better=True, trained=True),
    "pesq_wb": Figure("PESQ-WB", "", 2, higher_is_better=True, trained=True),
    "worst_ms": Figure("worst frame", "ms", 2),
    "delay_ms": Figure("total delay", "ms", 1),
    "flash": Figure("flash", "bytes", 0),
    "ram": Figure("RAM", "bytes", 0),
    "macs": Figure("MACs a frame", "", 0),
    "energy_uj": Figure("energy a frame", "µJ", 1),
    "weights": Figure("weights (proxy)", "", 0, higher_is_better=True),
}
COSTS = tuple(name for name, measure in FIGURES.items() if not measure.higher_is_better)
QUALITIES = tuple(name for name, measure in FIGURES.items() if measure.trained)
CAPACITY = "weights"
"""Stands for quality where nothing is trained: of one family the larger network is mostly the better one. No measurement."""
