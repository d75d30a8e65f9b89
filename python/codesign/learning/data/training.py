# SPDX-License-Identifier: Apache-2.0
"""Everything that a training hears: recordings to mix, recorded pairs, or both by turns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.base.signals import Signal32
from codesign.learning.data.corpus import Corpus, open_corpus
from codesign.learning.data.folders import Split, find_recordings
from codesign.learning.data.mixer import Mixer
from codesign.learning.data.pair_mixer import PairMixer, RecordedPairs, open_pairs
from codesign.learning.data.pairs import find_pair_files
from codesign.learning.data.settings import MixSettings
from codesign.learning.data.shard_index import is_packed, read_index
from codesign.learning.data.sources import Place


class MixtureSource(Protocol):
    """Draws numbered mixtures (noisy, clean) of `length` samples; the same number is the same mixture."""

    length: int
    position: int

    def batch(self, size: int) -> tuple[Signal32, Signal32]:
        """The next `size` mixtures: noisy and clean, both (size, length)."""
        ...

    def mixture(self, snr_db: float | None = None, number: int | None = None) -> tuple[Signal32, Signal32]:
        """One pair (length,) each: mixture `number`, or the next one, at a given ratio or a random one."""
        ...


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Recordings to mix and recorded pairs; at least one of the two."""

    corpus: Corpus | None
    pairs: RecordedPairs | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know."""
        return tuple(note for part in (self.corpus, self.pairs) if part is not None for note in part.notes)

    def mixer(self, split: Split, length: int, seed: int, settings: MixSettings) -> MixtureSource:
        """Mixtures of a split.

        Raises:
            InputError, ToolError: as Mixer and PairMixer.
        """
        mixed = None if self.corpus is None else Mixer(self.corpus, split, length, seed, settings)
        if self.pairs is None:
            assert mixed is not None
            return mixed
        paired = PairMixer(self.pairs, split, length, seed, settings)
        return paired if mixed is None else ByTurns(mixed, paired)


class ByTurns:
    """Mixtures of two sources, one after the other."""

    def __init__(self, first: MixtureSource, second: MixtureSource) -> None:
        self.sources, self.length, self.position = (first, second), first.length, 0

    def batch(self, size: int) -> tuple[Signal32, Signal32]:
        """As of MixtureSource."""
        made = [self.mixture() for _ in range(size)]
        return np.stack([noisy for noisy, _ in made]), np.stack([clean for _, clean in made])

    def mixture(self, snr_db: float | None = None, number: int | None = None) -> tuple[Signal32, Signal32]:
        """As of MixtureSource."""
        if number is None:
            number = self.position
            self.position += 1
        turn, source = divmod(number, len(self.sources))
        return self.sources[source].mixture(snr_db, turn)


class RowsOf:
    """Some rows of each batch of `size` mixtures of a source: those from row `first` on. `position` is of the whole batches."""

    def __init__(self, source: MixtureSource, first: int, size: int) -> None:
        self.source, self.first, self.size, self.length, self.position = source, first, size, source.length, source.position

    def batch(self, size: int) -> tuple[Signal32, Signal32]:
        """`size` rows of the next batch."""
        self.source.position = self.position + self.first
        self.position += self.size
        return self.source.batch(size)

    def mixture(self, snr_db: float | None = None, number: int | None = None) -> tuple[Signal32, Signal32]:
        """As of MixtureSource."""
        return self.source.mixture(snr_db, number)


@dataclass(frozen=True)
class Folders:
    """Where recordings are: of speech and noise (folders, or shards by their folder or URL), of impulse responses for them, of
    pairs; None for what is not given.
    """

    speech: Place | None
    noise: Place | None
    pairs: Path | None = None
    rooms: Path | None = None


def check_recordings(folders: Folders) -> None:
    """Look for recordings where they should be, without decoding any.

    Raises:
        InputError: there are none, or shards have no index.
        ToolError: what opens a URL is not installed.
    """
    for kind, place in (("speech", folders.speech), ("noise", folders.noise)):
        if isinstance(place, str) or (place is not None and is_packed(place)):
            read_index(place)
        elif place is not None:
            find_recordings(place, kind)
    if folders.pairs is not None:
        find_pair_files(folders.pairs)


def open_data(
    speech: Place | None,
    noise: Place | None,
    pairs: Path | None = None,
    rooms: Path | None = None,
    *,
    sample_rate: int = 16000,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> TrainingData:
    """Open folders of speech and noise, of impulse responses of rooms for them, of pairs; decode what is not in the cache yet.

    Raises:
        InputError: neither speech with noise nor pairs are given, or a folder cannot be used.
    """
    if (speech is None) != (noise is None) or (speech is None and pairs is None):
        raise InputError("nothing to train on", hint="give --speech and --noise, or --pairs, or all three")
    if rooms is not None and speech is None:
        raise InputError("rooms without speech to put into them", hint="give --speech and --noise too; pairs have their rooms")
    corpus = None
    if speech is not None and noise is not None:
        corpus = open_corpus(speech, noise, rooms, sample_rate=sample_rate, seed=seed, cache=cache, progress=progress)
    found = None if pairs is None else open_pairs(pairs, sample_rate=sample_rate, seed=seed, cache=cache, progress=progress)
    return TrainingData(corpus, found)
