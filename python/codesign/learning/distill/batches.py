# SPDX-License-Identifier: Apache-2.0
"""Batches of which some come with what the teacher makes of them; the teacher works in a process of its own."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context

from codesign.base.errors import ToolError
from codesign.learning.data import MixtureSource
from codesign.learning.distill.recordings import NoisyRecordings
from codesign.learning.distill.teacher import TeacherFile
from codesign.learning.distill.worker import begin, teach
from codesign.learning.train.loop import BatchSource, Signals
from codesign.learning.train.source import ALL

AHEAD = 4
"""Taught batches that are begun before they are needed, at most."""
SEED_OFFSET = 7919
"""Of the mixtures that the teacher hears, to the recipe's seed."""


@dataclass(frozen=True)
class DistilledBatches:
    """Batches of `untaught`, but for a `share` of (noisy, clean, taught): taught batch j holds mixtures or recordings of its
    own, again after `repeat` batches (0: never), so that the teacher's outputs come from the cache then. Where there is no
    clean signal the teacher's output takes its place.
    """

    untaught: BatchSource
    mixer: MixtureSource
    size: int
    share: float
    repeat: int
    teacher: TeacherFile
    sample_rate: int
    recordings: NoisyRecordings | None = None
    rows: slice = field(default_factory=lambda: ALL)

    def is_taught(self, batch: int) -> bool:
        """Whether batch number `batch` is one of the teacher's: as many as `share` says, evenly spread."""
        return self.taught_before(batch + 1) > self.taught_before(batch)

    def taught_before(self, batch: int) -> int:
        """How many of the batches before number `batch` are taught."""
        return int(batch * self.share + 1e-9)

    @contextlib.contextmanager
    def batches(self, first: int) -> Iterator[Iterator[tuple[Signals, ...]]]:
        """From batch number `first` on."""
        taught = self.taught_before(first)
        with self.untaught.batches(first - taught) as plain, self._pool() as pool:
            yield self._all(first, plain, pool)

    def _all(
        self, first: int, plain: Iterator[tuple[Signals, ...]], pool: ProcessPoolExecutor
    ) -> Iterator[tuple[Signals, ...]]:
        number, begun = first, deque[tuple[Signals, Signals | None, Future[Signals]]]()
        next_taught = self.taught_before(first)
        while True:
            while len(begun) < AHEAD:
                noisy, clean = self._heard(next_taught % self.repeat if self.repeat else next_taught)
                begun.append((noisy, clean, pool.submit(teach, noisy)))
                next_taught += 1
            if self.is_taught(number):
                noisy, clean, future = begun.popleft()
                try:
                    output = future.result()
                except BrokenProcessPool as error:
                    raise ToolError("the teacher's process ended", hint="start again; mind the machine's memory") from error
                yield noisy, output if clean is None else clean, output
            else:
                yield next(plain)
            number += 1

    def _heard(self, index: int) -> tuple[Signals, Signals | None]:
        """(noisy, clean) of the `rows` of taught batch `index`; recordings have no clean signal."""
        if self.recordings is not None:
            return self.recordings.batch(index, self.size, self.mixer.length)[self.rows], None
        self.mixer.position = index * self.size
        noisy, clean = self.mixer.batch(self.size)
        return noisy[self.rows], clean[self.rows]

    @contextlib.contextmanager
    def _pool(self) -> Iterator[ProcessPoolExecutor]:
        pool = ProcessPoolExecutor(1, get_context("spawn"), begin, (self.teacher, self.sample_rate))
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
