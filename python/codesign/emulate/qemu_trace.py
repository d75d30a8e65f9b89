"""Which basic blocks QEMU executed: its own log of translated blocks (`-d exec,nochain`), read back into a profile.

The log tells where each block starts. A block ends with its first branch, or earlier where the next one starts right behind an
instruction of it: QEMU also ends blocks at page boundaries and where the state of predication changes. A start inside the block
that its branch goes to is a loop, no such end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from codesign.cost.classify import operations
from codesign.elf import ElfImage
from codesign.emulate.profile import BlockCount, StageProfile

LOG = "trace.log"
TRACE_ARGUMENTS = ("-d", "exec,nochain", "-D", LOG)
_LONGEST = 4096  # bytes of a block: no translator takes more at a time


@dataclass(frozen=True)
class Trace:
    """Calls of one function: of each the instructions by stage, "" for what no stage contains, and the blocks of all."""

    calls: tuple[Mapping[str, int], ...]
    blocks: tuple[BlockCount, ...]

    @property
    def instructions(self) -> tuple[int, ...]:
        """Executed instructions of each call."""
        return tuple(sum(call.values()) for call in self.calls)


def read_trace(log: Iterable[str], elf: ElfImage, function: int, stages: Mapping[int, str]) -> Trace:
    """The calls of the function at address `function` in a log; `stages` maps the entries of stages to their names."""
    code = _Code(elf)
    profile, calls = StageProfile(stages), []
    return_to = previous_end = -1
    for start, following in _pairs(_starts(log)):
        if start == return_to:
            calls.append(profile.take())
            return_to = -1
        elif start == function and return_to == -1:
            return_to = previous_end
        size, instructions = code.block(start, following)
        if return_to != -1:
            profile.block(start, size, instructions, previous_end)
        previous_end = start + size
    return Trace(tuple(calls), profile.blocks())


def _starts(log: Iterable[str]) -> Iterator[int]:
    """Addresses of "Trace 0: host [flags/address/flags/flags] symbol"."""
    for line in log:
        if line.startswith("Trace "):
            yield int(line.partition("[")[2].split("/", 2)[1], 16)


def _pairs(starts: Iterator[int]) -> Iterator[tuple[int, int]]:
    last = next(starts, None)
    for start in starts:
        if last is not None:
            yield last, start
        last = start
    if last is not None:
        yield last, -1


@dataclass
class _Code:
    """Lengths of the instructions from an address up to the first branch, decoded once."""

    elf: ElfImage
    _ends: dict[int, tuple[dict[int, int], int]] = field(default_factory=dict)

    def block(self, start: int, following: int) -> tuple[int, int]:
        """Bytes and instructions of the block at `start` when the next one starts at `following`."""
        if start not in self._ends:
            self._ends[start] = self._decode(start)
        ends, target = self._ends[start]
        size = following - start if following != target and following - start in ends else max(ends)
        return size, ends[size]

    def _decode(self, start: int) -> tuple[dict[int, int], int]:
        """Size in bytes after each instruction and how many instructions that are; the target of the branch at the end."""
        data = next(
            (data[start - base :][:_LONGEST] for base, data in self.elf.load_images() if base <= start < base + len(data)), b""
        )
        ends, position, target = {}, 0, -1
        for count, operation in enumerate(operations(data, start), start=1):
            position += 4 if data[position + 1] >= 0xE8 else 2
            ends[position] = count
            if operation.branches:
                target = operation.target
                break
        return ends or {2: 1}, target
