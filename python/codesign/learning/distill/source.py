# SPDX-License-Identifier: Apache-2.0
"""Where a phase's batches come from: mixtures, and with a teacher what it makes of some of them or of recordings."""

from __future__ import annotations

from pathlib import Path

from codesign.learning.data import TrainingData
from codesign.learning.distill.batches import SEED_OFFSET, DistilledBatches
from codesign.learning.distill.recordings import NoisyRecordings
from codesign.learning.distill.teacher import TeacherFile
from codesign.learning.train.loop import BatchSource
from codesign.learning.train.recipe import Phase, Recipe
from codesign.learning.train.source import ALL, MixedBatches, batch_samples


def teacher_of(recipe: Recipe, folder: Path) -> TeacherFile | None:
    """The recipe's teacher, None where it has none; its paths are taken from `folder`, the recipe's.

    Raises:
        InputError: the teacher cannot be used.
    """
    if recipe.distill is None:
        return None
    file = TeacherFile(folder / recipe.distill.teacher, recipe.distill.chain)
    file.open(recipe.config.sample_rate)
    return file


def batch_source(data: TrainingData, recipe: Recipe, phase: Phase, folder: Path, rows: slice = ALL) -> BatchSource:
    """Batches of one phase, or `rows` of each; paths in [distill] are taken from `folder`.

    Raises:
        InputError: no recording in the folder that [distill] names.
    """
    mixed = MixedBatches(data, recipe, phase, rows)
    if recipe.distill is None:
        return mixed
    settings, rate, seed = recipe.distill, recipe.config.sample_rate, recipe.seed + SEED_OFFSET
    recordings = NoisyRecordings.under(folder / settings.recordings, rate, seed) if settings.recordings else None
    return DistilledBatches(
        mixed,
        data.mixer("train", batch_samples(recipe, phase), seed, recipe.mix_settings),
        phase.batch,
        settings.share,
        -(-settings.mixtures // phase.batch),
        TeacherFile(folder / settings.teacher, settings.chain),
        rate,
        recordings,
        rows,
    )
