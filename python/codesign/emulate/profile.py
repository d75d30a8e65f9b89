"""Exact instruction counts from executed basic blocks."""

from __future__ import annotations

from collections.abc import Mapping


def thumb_instructions(code: bytes) -> int:
    """Number of Thumb instructions in `code`: a first halfword of 0b11101…, 0b11110… or 0b11111… starts a 32-bit one
    (Armv7-M ARM A5.1).
    """
    count = position = 0
    while position < len(code):
        position += 4 if code[position + 1] >= 0xE8 else 2
        count += 1
    return count


class StageProfile:
    """Attributes executed blocks to the pipeline stage that is running.

    `entries` maps the first address of each stage's function to its name; everything that a stage calls counts to it. Stages
    do not nest. Feed every executed block, in order, to `block`.
    """

    def __init__(self, entries: Mapping[int, str]) -> None:
        self._entries = entries
        self._stage = ""
        self._return_to = -1
        self.counts: dict[str, int] = {}

    def enters(self, address: int) -> bool:
        """Whether a stage begins at `address`."""
        return address in self._entries

    def block(self, address: int, instructions: int, link: int) -> None:
        """One block at `address` of `instructions` instructions; `link` is LR on its entry (used at stage entries)."""
        if address == self._return_to:
            self._stage, self._return_to = "", -1
        elif address in self._entries and self._return_to == -1:
            self._stage, self._return_to = self._entries[address], link & ~1
        self.counts[self._stage] = self.counts.get(self._stage, 0) + instructions

    def take(self) -> dict[str, int]:
        """The counts since the last call, by stage name; "" is what no stage contains."""
        counts, self.counts = self.counts, {}
        return counts
