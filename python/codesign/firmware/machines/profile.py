# SPDX-License-Identifier: Apache-2.0
"""Exact instruction counts from executed basic blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def thumb_instructions(code: bytes) -> int:
    """Number of Thumb instructions in `code`: a first halfword of 0b11101…, 0b11110… or 0b11111… starts a 32-bit one
    (Armv7-M ARM A5.1).
    """
    count = position = 0
    while position < len(code):
        position += 4 if code[position + 1] >= 0xE8 else 2
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class BlockCount:
    """A basic block of `size` bytes at `address`: how often it ran in a stage, and how often it went on elsewhere than after
    itself.
    """

    stage: str
    address: int
    size: int
    executions: int
    taken: int


class StageProfile:
    """Attributes executed blocks to the pipeline stage that is running.

    `entries` maps the first address of each stage's function to its name; everything that a stage calls counts to it. Stages
    do not nest. Feed every executed block, in order, to `block`.
    """

    def __init__(self, entries: Mapping[int, str]) -> None:
        self._entries = entries
        self._stage = ""
        self._return_to = -1
        self._expected = -1  # where the last block goes on when it does not branch
        self._last = [0, 0]
        self._blocks: dict[tuple[str, int, int], list[int]] = {}
        self.counts: dict[str, int] = {}

    def enters(self, address: int) -> bool:
        """Whether a stage begins at `address`."""
        return address in self._entries

    def block(self, address: int, size: int, instructions: int, link: int) -> None:
        """One block of `size` bytes and `instructions` instructions; `link` is LR on its entry (used at stage entries)."""
        if address != self._expected:
            self._last[1] += 1
        if address == self._return_to:
            self._stage, self._return_to = "", -1
        elif address in self._entries and self._return_to == -1:
            self._stage, self._return_to = self._entries[address], link & ~1
        stage = self._stage
        self.counts[stage] = self.counts.get(stage, 0) + instructions
        key = (stage, address, size)
        if (last := self._blocks.get(key)) is None:
            last = self._blocks[key] = [0, 0]
        last[0] += 1
        self._last, self._expected = last, address + size

    def take(self) -> dict[str, int]:
        """The counts since the last call, by stage name; "" is what no stage contains."""
        counts, self.counts = self.counts, {}
        return counts

    def blocks(self) -> tuple[BlockCount, ...]:
        """All blocks since the beginning."""
        return tuple(BlockCount(*key, *counts) for key, counts in self._blocks.items())
