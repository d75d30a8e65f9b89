# SPDX-License-Identifier: Apache-2.0
"""A corpus of shards as training hears it: a few shards at a time, in an order that depends on seed and mixture number alone.

The shards of a split follow each other without end, shuffled anew in every round. A window of some of them is in memory; it
moves on by one when as many mixtures are drawn as the shard that leaves has sound for. So memory is the same for any corpus,
every shard is heard as often as every other, and mixture n is the same whoever asks for it and whatever was asked before.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from codesign.base.errors import InputError
from codesign.learning.data.corpus import Recordings, ShardedRecordings, places_of
from codesign.learning.data.folders import SPLITS, Split
from codesign.learning.data.shard_index import KINDS, Kind
from codesign.learning.data.shard_reader import ShardSound, read_shard, together

HELD_SECONDS = 7200.0
"""Of sound in memory: 230 MB at 16 kHz."""
HELD_LEAST = 2
"""Shards, however long they are."""
AHEAD = 2
"""Shards that are read before they are needed."""


class FixedWindow:
    """Recordings that are all at hand: the same for every mixture."""

    def __init__(self, recordings: Recordings, split: Split, kind: Kind) -> None:
        places_of(recordings, split, kind)  # raises where there are none
        self._recordings = recordings

    def at(self, mixture: int) -> Recordings:
        """What mixture number `mixture` is drawn from."""
        return self._recordings


class ShardWindow:
    """The window of a split's shards for each mixture number. `unit` mixtures of `length` samples stay within one window."""

    def __init__(self, recordings: ShardedRecordings, split: Split, length: int, seed: int, unit: int) -> None:
        self._recordings, self._split = recordings, split
        self._shards = recordings.index.chosen(recordings.kind, split)
        self._by_name = {shard.name: shard for shard in self._shards}
        if not self._shards:
            raise InputError(
                f"{recordings.folder}: no {recordings.kind} for {split}", hint="give more recordings, or folders train and test"
            )
        self._seed = (seed, SPLITS.index(split), KINDS.index(recordings.kind))
        mean = recordings.samples(split) / len(self._shards)
        held = max(HELD_LEAST, int(HELD_SECONDS * recordings.index.sample_rate / mean))
        self.held = min(held, len(self._shards))
        self.mixtures = max(1, -(-int(mean / length) // unit)) * unit
        self._readers = ThreadPoolExecutor(AHEAD, "shard")
        self._sounds: dict[str, Future[ShardSound]] = {}
        self._number, self._now = -1, None
        self._orders: dict[int, npt.NDArray[np.int64]] = {}

    _now: Recordings | None

    def at(self, mixture: int) -> Recordings:
        """What mixture number `mixture` is drawn from; the same object while the window stays.

        Raises:
            InputError: a shard cannot be read.
        """
        number = 0 if self.held == len(self._shards) else mixture // self.mixtures
        if number != self._number or self._now is None:
            wanted = self._names(number)
            soon = list(wanted) if self.held == len(self._shards) else [*wanted, *self._names(number + AHEAD)]
            self._sounds = {name: future for name, future in self._sounds.items() if name in soon}
            for name in soon:
                if name not in self._sounds:
                    self._sounds[name] = self._readers.submit(self._read, name)
            self._now = None  # before the next one is put together: they are large
            sounds = [self._sounds[name].result() for name in wanted]
            self._now, self._number = together(sounds, self._recordings.folder, self._split), number
            if self.held == len(self._shards):
                self._sounds = {}
        return self._now

    def close(self) -> None:
        """Read nothing more."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _read(self, name: str) -> ShardSound:
        return read_shard(self._recordings.folder, self._by_name[name], self._recordings.index.sample_rate)

    def _names(self, number: int) -> tuple[str, ...]:
        """Names of the shards of a window, each once."""
        count = len(self._shards)
        found = []
        for place in range(number, number + self.held):
            turn, index = divmod(place, count)
            found.append(self._shards[int(self._order(turn)[index])].name)
        return tuple(dict.fromkeys(found))

    def _order(self, turn: int) -> npt.NDArray[np.int64]:
        """The shards' places in one round."""
        if turn not in self._orders:
            self._orders = {other: order for other, order in self._orders.items() if other == turn - 1}
            self._orders[turn] = np.random.default_rng((*self._seed, turn)).permutation(len(self._shards))
        return self._orders[turn]


def window_of(
    recordings: Recordings | ShardedRecordings, kind: Kind, split: Split, length: int, seed: int, unit: int
) -> FixedWindow | ShardWindow:
    """The window of one kind of recordings for mixtures of `length` samples.

    Raises:
        InputError: the split has none.
    """
    if isinstance(recordings, ShardedRecordings):
        return ShardWindow(recordings, split, length, seed, unit)
    return FixedWindow(recordings, split, kind)
