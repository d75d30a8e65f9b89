# SPDX-License-Identifier: Apache-2.0
"""Weights rounded one column after the other, with what each error does to the result taken back by the columns after it.

Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", ICLR 2023,
algorithm 1. With H the mean of x·xᵀ over the vectors x that a matrix multiplies, the error of its results is
(w − q)·H·(w − q)ᵀ a row. Columns are taken from the one with the most power to the one with the least.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

VECTORS_A_COLUMN = 8
"""Fewer say more about themselves than about other recordings: weights are then rounded one by one."""
MOST_COLUMNS = 2048
_BLOCK = 64
_OWN, _MEAN, _LEAST = 0.03, 0.01, 1e-9
"""What is added to H's diagonal: parts of itself, of its mean, which guards columns that were quiet only here, and of its
largest element, so that it has an inverse."""


class Moments:
    """The sum of x·xᵀ over vectors x, and how many there were; of groups of rows, each with vectors of its own, one each."""

    def __init__(self, columns: int) -> None:
        self._sum = np.zeros((columns, columns))
        self._waiting: list[Real] = []
        self._count = self._pending = 0

    def add(self, vectors: Real) -> None:
        """Vectors (any number, columns), or (groups, any number, columns)."""
        self._waiting.append(vectors)
        self._pending += vectors.shape[-2]
        if self._pending >= 4 * _BLOCK:
            self._gather()

    def _gather(self) -> None:
        if self._waiting:
            vectors = np.concatenate(self._waiting, axis=-2)
            with np.errstate(over="ignore", invalid="ignore"):  # what does not stay finite has no mean
                self._sum = self._sum + np.swapaxes(vectors, -1, -2) @ vectors
            self._count += vectors.shape[-2]
            self._waiting, self._pending = [], 0

    @property
    def mean(self) -> Real | None:
        """The mean of x·xᵀ, (columns, columns), for each group where there are some; None where it says too little."""
        self._gather()
        if self._count < VECTORS_A_COLUMN * self._sum.shape[-1] or not np.isfinite(self._sum).all():
            return None
        return self._sum / self._count


def rounded_weights(weights: Real, scales: Real, moment: Real | None) -> npt.NDArray[np.int8]:
    """Weights (rows, columns) in steps of `scales` of the same shape, in ±127: with `moment`, `Moments.mean`, so that the
    error of the results is small, else each to the nearest. Groups of a moment are as many runs of rows.
    """
    if moment is not None and moment.ndim == 3:
        parts = (np.split(each, len(moment)) for each in (weights, scales))
        return np.concatenate([rounded_weights(*part) for part in zip(*parts, moment, strict=True)])
    power = np.zeros(0) if moment is None else np.diag(moment)
    if moment is None or power.max(initial=0.0) < np.finfo(np.float32).tiny:
        return _nearest(weights, scales)
    power = power / power.max()
    damped = moment / np.diag(moment).max() + np.diag(_OWN * power + _MEAN * power.mean() + _LEAST)
    order = np.argsort(-power, kind="stable")
    try:
        shares = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    except np.linalg.LinAlgError:
        return _nearest(weights, scales)
    left, steps, result = weights[:, order], scales[:, order], np.empty(weights.shape, np.int8)
    for first in range(0, len(order), _BLOCK):
        block = slice(first, first + _BLOCK)
        errors = np.empty((len(weights), min(_BLOCK, len(order) - first)))
        for k, column in enumerate(range(len(order))[block]):
            q = _nearest(left[:, column], steps[:, column])
            result[:, order[column]] = q
            errors[:, k] = (left[:, column] - q * steps[:, column]) / shares[column, column]
            left[:, column + 1 : block.stop] -= np.outer(errors[:, k], shares[column, column + 1 : block.stop])
        left[:, block.stop :] -= errors @ shares[block, block.stop :]
    return result


def _nearest(weights: Real, scales: Real) -> npt.NDArray[np.int8]:
    return np.clip(np.rint(weights / scales), -127, 127).astype(np.int8)
