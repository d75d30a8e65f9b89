# SPDX-License-Identifier: Apache-2.0
"""Speech and noise, decoded and split: what mixtures are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.cache import cache_folder
from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.base.signals import Pcm
from codesign.learning.data.cache import decode
from codesign.learning.data.folders import SPLITS, Split, draw_splits, find_recordings
from codesign.learning.data.levels import noisy_note
from codesign.learning.data.shard_index import KINDS, Kind, ShardIndex, is_packed, read_index
from codesign.learning.data.sources import Place


@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings of one folder, in the cache's file `pcm` (int16, one after the other), or of shards, in memory.

    `group` and `split` int64 (n,) are places in `groups` and SPLITS; `start`, `length` int64 (n,) in samples; `gain` float32
    (n,) brings a recording to one active level, `contrast` float32 (n,) is that level over the quiet frames' in dB. `notes` say
    what was left out.
    """

    folder: Place
    pcm: Path | Pcm
    groups: tuple[str, ...]
    group: npt.NDArray[np.int64]
    split: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    gain: npt.NDArray[np.float32]
    contrast: npt.NDArray[np.float32]
    notes: tuple[str, ...]

    def chosen(self, split: Split) -> npt.NDArray[np.int64]:
        """Places of the recordings of a split, int64 (n,)."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def groups_of(self, split: Split) -> tuple[str, ...]:
        """Voices or kinds of noise in a split."""
        return tuple(self.groups[index] for index in np.unique(self.group[self.chosen(split)]))

    def samples(self, split: Split) -> int:
        """Length of all recordings of a split."""
        return int(self.length[self.chosen(split)].sum())


@dataclass(frozen=True)
class ShardedRecordings:
    """Recordings of one kind in shards. As Recordings, but that no more than a window of them is in memory."""

    folder: Place
    kind: Kind
    index: ShardIndex

    @property
    def notes(self) -> tuple[str, ...]:
        """What was said when they were packed."""
        return tuple(f"{self.folder}: {note}" for note in self.index.notes if note.startswith(f"{self.kind}:"))

    def samples(self, split: Split) -> int:
        """Length of all recordings of a split."""
        return sum(shard.samples for shard in self.index.chosen(self.kind, split))


@dataclass(frozen=True, eq=False)
class Corpus:
    """Speech and noise at one rate in Hz, and a folder of impulse responses, None for simulated rooms."""

    sample_rate: int
    speech: Recordings | ShardedRecordings
    noise: Recordings | ShardedRecordings
    rooms: Path | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: files left out, voices that are heard in more than one split."""
        return (*self.speech.notes, *self.noise.notes)

    def hours(self, split: Split) -> tuple[float, float]:
        """Of speech and of noise."""
        speech, noise = (recordings.samples(split) / self.sample_rate / 3600 for recordings in (self.speech, self.noise))
        return speech, noise


def open_corpus(
    speech: Place,
    noise: Place,
    rooms: Path | None = None,
    *,
    sample_rate: int = 16000,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Corpus:
    """Open two folders of WAV and FLAC files, decoding what is not in the cache yet; or shards, by their folder or URL.

    Folders named train and test below them are the split; without, `seed` draws voices (a voice is a folder) and files of
    noise for validation and test. `rooms` is a folder of impulse responses in place of simulated ones.

    Raises:
        InputError: a folder is missing, without recordings or without usable ones, the cache cannot be written, or shards have
            no index or another rate.
        ToolError: what opens a URL is not installed.
    """
    place = cache_folder() if cache is None else cache
    given = zip((speech, noise), KINDS, strict=True)
    opened = [_open(folder, kind, sample_rate, seed, place, progress) for folder, kind in given]
    if rooms is not None:
        find_recordings(rooms, "rooms")  # said now, not in the mixer's process
    return Corpus(sample_rate, opened[0], opened[1], rooms)


def _open(
    given: Place, kind: Kind, sample_rate: int, seed: int, cache: Path, progress: Progress
) -> Recordings | ShardedRecordings:
    if isinstance(given, str) or is_packed(given):
        return open_shards(given, kind, sample_rate)
    return _decoded(given, kind, kind == "speech", sample_rate, seed, cache, progress)


def open_shards(given: Place, kind: Kind, sample_rate: int) -> ShardedRecordings:
    """Shards of one kind, by their folder, index or URL.

    Raises:
        InputError: they have no index, none of this kind, or another rate.
    """
    folder, index = read_index(given)
    if kind not in index.kinds:
        raise InputError(f"{folder}: shards of {' and '.join(index.kinds)}, no {kind}", hint=f"pack {kind}: codesign data pack")
    if index.sample_rate != sample_rate:
        raise InputError(
            f"{folder}: shards at {index.sample_rate} Hz, the recipe asks for {sample_rate} Hz",
            hint=f"pack again: codesign data pack --rate {sample_rate}",
        )
    return ShardedRecordings(folder, kind, index)


def _decoded(
    folder: Path, what: str, by_group: bool, sample_rate: int, seed: int, cache: Path, progress: Progress
) -> Recordings:
    found = find_recordings(folder, what)
    decoded = decode(folder, [recording.path for recording in found.files], sample_rate, cache, progress, what)
    usable = [found.files[index] for index in decoded.kept]
    splits, disjoint = draw_splits(usable, by_group=by_group, seed=seed)
    notes = [f"{what}: {note}" for note in (*found.notes, *decoded.notes)]
    if by_group and (note := noisy_note(decoded.contrast, decoded.length / sample_rate)):
        notes.append(f"{what}: {folder}: {note}")
    if not disjoint:
        notes.append(f"{what}: too few voices in {folder} for splits of their own: every split hears the same ones")
    groups = tuple(sorted({recording.group for recording in usable}))
    places = {name: index for index, name in enumerate(groups)}
    return Recordings(
        folder=folder,
        pcm=decoded.pcm,
        groups=groups,
        group=np.array([places[recording.group] for recording in usable], np.int64),
        split=np.array([SPLITS.index(split) for split in splits], np.int64),
        start=decoded.start,
        length=decoded.length,
        gain=decoded.gain,
        contrast=decoded.contrast,
        notes=tuple(notes),
    )


def places_of(recordings: Recordings, split: Split, what: str) -> npt.NDArray[np.int64]:
    """Places of a split's recordings, int64 (n,).

    Raises:
        InputError: there are none.
    """
    chosen = recordings.chosen(split)
    if not chosen.size:
        raise InputError(f"{recordings.folder}: no {what} for {split}", hint="give more files, or folders train and test")
    return chosen
