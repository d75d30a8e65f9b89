# SPDX-License-Identifier: Apache-2.0
"""compare: two reports and thresholds → what grew, slowed or failed, and whether that is too much."""

from codesign.proof.compare.difference import Comparison, Row, compare
from codesign.proof.compare.figures import Figures, read_figures
from codesign.proof.compare.thresholds import Thresholds, default_thresholds, read_thresholds

__all__ = [
    "Comparison",
    "Figures",
    "Row",
    "Thresholds",
    "compare",
    "default_thresholds",
    "read_figures",
    "read_thresholds",
]
