# SPDX-License-Identifier: Apache-2.0
"""data: folders of speech and noise → batches of (noisy, clean) mixtures."""

from codesign.learning.data.batches import Batches
from codesign.learning.data.corpus import Corpus, open_corpus
from codesign.learning.data.mixer import Mixer
from codesign.learning.data.settings import PLAIN, MixSettings
from codesign.learning.data.training import Folders, MixtureSource, TrainingData, open_data

__all__ = [
    "PLAIN",
    "Batches",
    "Corpus",
    "Folders",
    "MixSettings",
    "Mixer",
    "MixtureSource",
    "TrainingData",
    "open_corpus",
    "open_data",
]
