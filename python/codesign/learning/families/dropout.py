# SPDX-License-Identifier: Apache-2.0
"""Dropout whose draws belong to the rows of a batch: whoever computes some of the rows drops what all together would."""

from __future__ import annotations

import torch
from torch import Tensor

Part = tuple[int, int]
"""The first of the rows that are computed here, and how many the batch has."""


def drop(values: Tensor, share: float, part: Part | None) -> Tensor:
    """`values` [rows, …] with `share` of them 0 and the others larger by as much; the draws are those of the whole batch."""
    if share == 0.0:
        return values
    first, total = part or (0, len(values))
    kept = torch.empty((total, *values.shape[1:]), dtype=values.dtype, device=values.device).bernoulli_(1.0 - share)
    return values * kept[first : first + len(values)].div_(1.0 - share)
