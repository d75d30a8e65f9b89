# SPDX-License-Identifier: Apache-2.0
"""The recordings of one split as a mixer takes them: a stretch of a voice, a stretch of noise, a short sound."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codesign.base.audio import FULL_SCALE
from codesign.base.signals import Signal32
from codesign.learning.data.corpus import Recordings, places_of
from codesign.learning.data.folders import Split

EVENT_SECONDS = 2.0
"""Noise recordings shorter than this are events; longer ones go on."""
FADE_SECONDS = 0.01


class RecordingPool:
    """Recordings to draw from: those of a split, or of them by `places`, grouped, with the probability of each group."""

    def __init__(
        self, recordings: Recordings, places: npt.NDArray[np.int64], sample_rate: int, weights: Mapping[str, float]
    ) -> None:
        # As a plain array: numpy's memmap class costs more than the copy of a short recording.
        pcm = recordings.pcm
        self._pcm = np.asarray(np.memmap(pcm, np.int16, mode="r")) if isinstance(pcm, Path) else pcm
        self._recordings = recordings
        self._groups: list[npt.NDArray[np.int64]] = [
            places[recordings.group[places] == group] for group in np.unique(recordings.group[places])
        ]
        minutes = np.array([recordings.length[group].sum() for group in self._groups]) / sample_rate / 60
        names = [recordings.groups[recordings.group[group[0]]] for group in self._groups]
        wanted = np.sqrt(minutes + 0.1) * [_weight(name, weights) for name in names]
        if not wanted.any():
            wanted = np.ones(len(wanted))
        self._limits = np.cumsum(wanted / wanted.sum())
        fade = int(FADE_SECONDS * sample_rate)
        self._rise = (np.arange(1, fade + 1) / (fade + 1)).astype(np.float32)

    def stretch(self, rng: np.random.Generator, size: int, pauses: tuple[int, int]) -> Signal32:
        """`size` samples of one group: recordings in random order from a random point on, with pauses (lowest, highest) in
        samples between them, each at its own gain; joints are faded.
        """
        group = self._draw(rng)
        result = np.zeros(size, np.float32)
        at, fade = 0, self._rise.size
        while at < size:
            place = int(group[rng.integers(len(group))])
            skip = int(rng.integers(self._recordings.length[place])) if at == 0 else 0
            piece = self._read(place, skip, size - at)
            if piece.size > 2 * fade:
                piece[:fade] *= self._rise
                piece[-fade:] *= self._rise[::-1]
            result[at : at + piece.size] += piece
            at += max(1, piece.size + int(rng.integers(pauses[0], pauses[1] + 1)))
        return result

    def recording(self, rng: np.random.Generator, max_samples: int) -> Signal32:
        """One recording from its start, at most `max_samples` samples: float32 (n,)."""
        group = self._draw(rng)
        return self._read(int(group[rng.integers(len(group))]), 0, max_samples)

    def _draw(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        group = min(int(np.searchsorted(self._limits, rng.random())), len(self._groups) - 1)
        return self._groups[group]

    def _read(self, place: int, skip: int, max_samples: int) -> Signal32:
        recordings = self._recordings
        start = int(recordings.start[place]) + skip
        stop = int(recordings.start[place] + recordings.length[place])
        samples: Signal32 = self._pcm[start : min(stop, start + max_samples)].astype(np.float32)
        samples *= recordings.gain[place] / np.float32(FULL_SCALE)
        return samples


def speech_pool(recordings: Recordings, split: Split, sample_rate: int, weights: Mapping[str, float]) -> RecordingPool:
    """All speech of a split."""
    return RecordingPool(recordings, places_of(recordings, split, "speech"), sample_rate, weights)


def noise_pools(
    recordings: Recordings, split: Split, sample_rate: int, weights: Mapping[str, float]
) -> tuple[RecordingPool, RecordingPool]:
    """Noise that goes on, and events; where the split has but one of them it serves as both."""
    places = places_of(recordings, split, "noise")
    short = recordings.length[places] < EVENT_SECONDS * sample_rate
    lasting, events = places[~short], places[short]
    made = [RecordingPool(recordings, some if some.size else places, sample_rate, weights) for some in (lasting, events)]
    return made[0], made[1]


def _weight(name: str, weights: Mapping[str, float]) -> float:
    return float(np.prod([factor for pattern, factor in weights.items() if fnmatch.fnmatchcase(name, pattern)]))
