# SPDX-License-Identifier: Apache-2.0
"""Mixtures of a corpus as the loop's batches, and a validation score."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from codesign.base.progress import Progress
from codesign.compiler.frontend import Chain
from codesign.learning.data import Batches, Folders, TrainingData, open_data
from codesign.learning.data.training import RowsOf
from codesign.learning.train.loop import Signals
from codesign.learning.train.recipe import Phase, Recipe

ALL = slice(None)
VALIDATION_SNRS = (-6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
VALIDATION_SEED = 2026
VALIDATION_SECONDS = 4.0
VALIDATION_COUNT = 4
"""Mixtures per ratio."""


def batch_samples(recipe: Recipe, phase: Phase) -> int:
    """Samples of each signal of a batch: whole hops."""
    hop = recipe.config.hop
    return max(1, round(phase.seconds * recipe.config.sample_rate / hop)) * hop


class MixedBatches:
    """Batches of one phase: mixture n of the training split is in batch n // size, whatever happened before.

    `rows` of each batch are made, the others are those of other workers.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, phase: Phase, rows: slice = ALL) -> None:
        self.size, made = phase.batch, range(phase.batch)[rows]
        mixer = data.mixer("train", batch_samples(recipe, phase), recipe.seed, recipe.mix_settings)
        self.mixer = mixer if len(made) == phase.batch else RowsOf(mixer, made.start, phase.batch)
        self.made = len(made)

    @contextlib.contextmanager
    def batches(self, first: int) -> Iterator[Iterator[tuple[Signals, ...]]]:
        """Batches from number `first` on; what makes them ahead stops with the block."""
        self.mixer.position = first * self.size
        with Batches(self.mixer, self.made) as batches:
            yield batches


def data_of(recipe: Recipe, folders: Folders, show: Progress) -> TrainingData:
    """All folders, at the recipe's rate."""
    given = (folders.speech, folders.noise, folders.pairs, folders.rooms)
    return open_data(*given, sample_rate=recipe.config.sample_rate, seed=recipe.seed, progress=show)


def validation_pairs(data: TrainingData, recipe: Recipe) -> tuple[Signals, Signals]:
    """(noisy, clean) of the validation split, float32 [mixtures, samples]: the same at every call."""
    config: Chain = recipe.config
    length = round(VALIDATION_SECONDS * config.sample_rate / config.hop) * config.hop
    plain = replace(recipe.mix_settings, wide=0.0, noise_only=0.0, clean_only=0.0, pauses=0.0)
    mixer = data.mixer("validation", length, VALIDATION_SEED, plain)
    pairs = [mixer.mixture(snr) for snr in VALIDATION_SNRS for _ in range(VALIDATION_COUNT)]
    return np.stack([noisy for noisy, _ in pairs]), np.stack([clean for _, clean in pairs])
