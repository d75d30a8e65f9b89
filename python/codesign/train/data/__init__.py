"""data: folders of speech and noise → batches of (noisy, clean) mixtures."""

from codesign.train.data.batches import Batches
from codesign.train.data.corpus import Corpus, open_corpus
from codesign.train.data.mixer import Mixer
from codesign.train.data.settings import PLAIN, MixSettings

__all__ = ["PLAIN", "Batches", "Corpus", "MixSettings", "Mixer", "open_corpus"]
