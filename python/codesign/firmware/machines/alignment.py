# SPDX-License-Identifier: Apache-2.0
"""A signal of any length through something that takes whole hops and answers late: padded before, cut after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from codesign.base.signals import Pcm
from codesign.compiler.frontend import Chain, whole_hops

Process = Callable[[Pcm], Pcm]
"""Whole hops of int16 PCM to as many samples."""


class HopBuffer:
    """Samples that wait for a hop to be whole."""

    def __init__(self, hop: int) -> None:
        self._hop = hop
        self.waiting: Pcm = np.zeros(0, np.int16)

    def add(self, block: Pcm) -> Pcm:
        """Take a block int16 (n,) of any length; the whole hops that are there now, which do not wait any more."""
        samples = np.concatenate([self.waiting, block])
        whole = samples.size // self._hop * self._hop
        self.waiting = samples[whole:]
        return samples[:whole]


@dataclass(frozen=True)
class Alignment:
    """What aligns an output with its input: `hop` samples a step, and `latency` samples of delay in the pipeline; of all
    channels together.
    """

    hop: int
    latency: int

    def pad(self, pcm: Pcm) -> Pcm:
        """int16 (n,) and silence after it: whole hops that also flush the delay."""
        return whole_hops(pcm, self.hop, self.latency)

    def trim(self, enhanced: Pcm, samples: int) -> Pcm:
        """What came out for a padded signal of `samples`, without the delay: int16 (samples,)."""
        return enhanced[self.latency :][:samples]

    def apply(self, pcm: Pcm, process: Process) -> Pcm:
        """A whole signal int16 (n,), in one call of `process`; int16 (n,) aligned with it."""
        return self.trim(process(self.pad(pcm)), pcm.size)

    def stream(self, blocks: Iterable[Pcm], process: Process) -> Iterator[Pcm]:
        """A signal as it comes: int16 blocks of any lengths in and out, as many samples out as in, in bounded memory.

        The samples are those of `apply` if `process` keeps its state from call to call.
        """
        buffer, late, given, taken = HopBuffer(self.hop), self.latency, 0, 0
        for block in blocks:
            taken += block.size
            enhanced = process(buffer.add(block))
            yield enhanced[late:]
            given += max(0, enhanced.size - late)
            late = max(0, late - enhanced.size)
        yield process(self.pad(buffer.waiting))[late:][: taken - given]


def alignment_of(config: Chain) -> Alignment:
    """The alignment of a model with this front end."""
    ends = config.ends
    return Alignment(ends.hop, ends.latency * ends.channels)
