# SPDX-License-Identifier: Apache-2.0
"""Mixtures out of recorded pairs: stretches as they are, or with the noise of another pair at another ratio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.cache import cache_folder
from codesign.base.errors import InputError
from codesign.base.progress import Progress, silent
from codesign.base.signals import FULL_SCALE, Signal32
from codesign.base.words import counted
from codesign.learning.data.cache import decode
from codesign.learning.data.folders import SPLITS, Split
from codesign.learning.data.mixer import FULLEST, QUIETEST, rms
from codesign.learning.data.pairs import find_pair_files, pair_splits
from codesign.learning.data.settings import MixSettings

REMIXED = 0.5
"""Share of mixtures in which the noise is another pair's, at a ratio of the settings: pairs are few, combinations many."""
MOST_APART_SECONDS = 0.1
"""Pairs of lengths further apart are no pairs, and left out."""
_TRIES = 20


@dataclass(frozen=True, eq=False)
class RecordedPairs:
    """Pairs of a folder, decoded: int16 samples in the files `noisy` and `clean`, of pair n from `starts[0][n]` and
    `starts[1][n]` on, `length[n]` samples each; `split` int64 (n,) are places in SPLITS. `notes` say what was left out.
    """

    folder: Path
    sample_rate: int
    noisy: Path
    clean: Path
    starts: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    length: npt.NDArray[np.int64]
    split: npt.NDArray[np.int64]
    groups: tuple[str, ...]
    notes: tuple[str, ...]


def open_pairs(
    folder: Path, *, sample_rate: int = 16000, seed: int = 0, cache: Path | None = None, progress: Progress = silent
) -> RecordedPairs:
    """Open a corpus of pairs (`find_pair_files`), decoding what is not in the cache yet.

    Raises:
        InputError: no usable pair, or the cache cannot be written.
    """
    place = cache_folder() if cache is None else cache
    found = find_pair_files(folder)
    splits = pair_splits(found, seed)
    noisy, clean = (
        decode(folder, [getattr(pair, half) for pair in found.files], sample_rate, place, progress, half)
        for half in ("noisy", "clean")
    )
    at = [{int(number): row for row, number in enumerate(half.kept)} for half in (noisy, clean)]
    rows = [(at[0][n], at[1][n], n) for n in range(len(found.files)) if n in at[0] and n in at[1]]
    apart = MOST_APART_SECONDS * sample_rate
    fitting = [row for row in rows if abs(int(noisy.length[row[0]]) - int(clean.length[row[1]])) <= apart]
    notes = [
        *found.notes,
        *(f"{half}: {note}" for half, notes in (("noisy", noisy.notes), ("clean", clean.notes)) for note in notes),
    ]
    if other := [row for row in rows if row not in set(fitting)]:
        notes.append(f"{counted(len(other), 'pair')} of different lengths, the first {found.files[other[0][2]].noisy}")
    if not fitting:
        raise InputError(f"{folder}: no usable pair: {notes[-1]}", hint="give noisy and clean recordings of one length")
    first, second, number = (np.array(column, np.int64) for column in zip(*fitting, strict=True))
    return RecordedPairs(
        folder,
        sample_rate,
        noisy.pcm,
        clean.pcm,
        (noisy.start[first], clean.start[second]),
        np.minimum(noisy.length[first], clean.length[second]),
        np.array([SPLITS.index(splits[n]) for n in number], np.int64),
        tuple(found.files[n].group for n in number),
        tuple(f"pairs: {note}" for note in notes),
    )


class PairMixer:
    """Draws (noisy, clean) of `length` samples from a split of pairs, float32, full scale 1; numbered as of Mixer.

    Raises:
        InputError: the split has no pairs, or `length` is not positive.
    """

    def __init__(self, pairs: RecordedPairs, split: Split, length: int, seed: int, settings: MixSettings | None = None) -> None:
        if length <= 0:
            raise InputError(f"mixtures of {length} samples", hint="give a length of 1 or more")
        self.pairs, self.split, self.length, self.seed = pairs, split, length, seed
        self.settings = settings or MixSettings()
        self.position = 0
        self._places = np.flatnonzero(pairs.split == SPLITS.index(split))
        if not self._places.size:
            raise InputError(f"{pairs.folder}: no pairs for {split}", hint="give more pairs, or folders train and test")
        shares = np.cumsum(pairs.length[self._places].astype(np.float64))
        self._limits = shares / shares[-1]
        self._pcm = [np.asarray(np.memmap(path, np.int16, mode="r")) for path in (pairs.noisy, pairs.clean)]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled as its arguments: mapped files are opened again."""
        return PairMixer, (self.pairs, self.split, self.length, self.seed, self.settings), {"position": self.position}

    def batch(self, size: int) -> tuple[Signal32, Signal32]:
        """The next `size` mixtures: noisy and clean, both (size, length)."""
        made = [self.mixture() for _ in range(size)]
        return np.stack([noisy for noisy, _ in made]), np.stack([clean for _, clean in made])

    def mixture(self, snr_db: float | None = None, number: int | None = None) -> tuple[Signal32, Signal32]:
        """One pair (length,) each: mixture `number`, or the next one; a given SNR is that of the noise that was recorded."""
        if number is None:
            number = self.position
            self.position += 1
        settings = self.settings
        rng = np.random.default_rng((self.seed, SPLITS.index(self.split), number))
        noisy, clean = self._stretch(rng)
        noise = noisy - clean
        remixed = rng.random() < REMIXED
        snr = float(rng.uniform(*settings.snr_db))
        if snr_db is not None:
            snr = snr_db
        elif remixed:
            other, speech = self._stretch(rng)
            noise = other - speech
        if (snr_db is not None or remixed) and min(rms(clean), rms(noise)) > QUIETEST:
            noise *= np.float32(rms(clean) / rms(noise) * 10 ** (-snr / 20))
        noisy = clean + noise
        level = 10 ** (rng.uniform(*settings.level_db) / 20) / max(rms(noisy), QUIETEST)
        peak = max(float(np.abs(noisy).max()), float(np.abs(clean).max()), QUIETEST)
        gain = np.float32(min(level, FULLEST / peak))
        return noisy * gain, clean * gain

    def _stretch(self, rng: np.random.Generator) -> tuple[Signal32, Signal32]:
        """Pairs one after the other until they fill the length, the first from a random point on."""
        pair = np.zeros((2, self.length), np.float32)
        for _ in range(_TRIES):
            at = 0
            while at < self.length:
                index = min(int(np.searchsorted(self._limits, rng.random())), len(self._places) - 1)
                place = int(self._places[index])
                size = int(self.pairs.length[place])
                room = max(0, size - self.length) if at == 0 else 0
                skip = int(rng.integers(room + 1))
                count = min(size - skip, self.length - at)
                for half in (0, 1):
                    start = int(self.pairs.starts[half][place]) + skip
                    pair[half, at : at + count] = self._pcm[half][start : start + count]
                at += count
            if pair[1].any():
                break
        pair /= np.float32(FULL_SCALE)
        return pair[0], pair[1]
