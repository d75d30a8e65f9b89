# SPDX-License-Identifier: Apache-2.0
"""Which basic blocks QEMU executed: its own log of translated and executed blocks, read back into a profile.

`-d in_asm` lists the bytes of each block when it is translated, `-d exec,nochain` names a block by its translation at each
execution.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codesign.firmware.elf import ElfImage
from codesign.firmware.machines.profile import BlockCount, StageProfile, thumb_instructions

_TAIL_CALLS = 4
"""Blocks before a function's first one among which the one is that called it: those after that one left by a jump."""

LOG = "trace.log"
TRACE_ARGUMENTS = ("-d", "exec,nochain,in_asm", "-D", LOG)


@dataclass(frozen=True)
class BlockTrace:
    """Calls of one function: of each the instructions by stage, "" for what no stage contains, and the blocks of all."""

    calls: tuple[Mapping[str, int], ...]
    blocks: tuple[BlockCount, ...]

    @property
    def instructions(self) -> tuple[int, ...]:
        """Executed instructions of each call."""
        return tuple(sum(call.values()) for call in self.calls)


def read_trace(log: Iterable[str], elf: ElfImage, function: int, stages: Mapping[int, str]) -> BlockTrace:
    """The calls of the function at address `function` in a log; `stages` maps the entries of stages to their names."""
    segments = elf.load_images()
    lengths: dict[tuple[int, int], int] = {}
    profile, calls = StageProfile(stages), []
    recent: deque[tuple[int, int]] = deque(maxlen=_TAIL_CALLS)  # ends and sizes
    return_to = previous_end = -1
    for start, size in _executed(log):
        if start == return_to:
            calls.append(profile.take())
            return_to = -1
        elif start == function and return_to == -1:
            return_to = next((end for end, size in reversed(recent) if _calls(_code(segments, end - size, size))), previous_end)
        if return_to != -1:
            if (start, size) not in lengths:
                lengths[start, size] = thumb_instructions(_code(segments, start, size))
            profile.block(start, size, lengths[start, size], previous_end)
        previous_end = start + size
        recent.append((previous_end, size))
    return BlockTrace(tuple(calls), profile.blocks())


def _calls(code: bytes) -> bool:
    """Whether a block ends with BL or BLX (Armv8-M ARM C2.4.17 and C2.4.18)."""
    last, before = (int.from_bytes(code[at : at + 2], "little") for at in (len(code) - 2, len(code) - 4))
    return last & 0xFF80 == 0x4780 or (len(code) >= 4 and before & 0xF800 == 0xF000 and last & 0xD000 == 0xD000)


def _executed(log: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Address and bytes of each block that ran.

    A listing has lines "0xaddress:  halfword [halfword]  text", or "OBJD-T: bytes" from a QEMU without a disassembler; the
    execution of a block is "Trace 0: translation [flags/address/flags/flags] function".
    """
    sizes: dict[str, int] = {}
    end = listed = 0
    for line in log:
        if line.startswith("Trace "):
            translation, _, rest = line.partition("[")
            start = int(rest.split("/", 2)[1], 16)
            if end or listed:
                sizes[translation] = end - start if end else listed
                end = listed = 0
            yield start, sizes[translation]
        elif line.startswith("0x"):
            address, _, text = line.partition(":")
            halfwords = text.split()[:2]
            end = int(address, 16) + 2 * (2 if len(halfwords) == 2 and _is_halfword(halfwords[1]) else 1)
        elif line.startswith("OBJD-"):
            listed += len(line.partition(":")[2].strip()) // 2


def _is_halfword(text: str) -> bool:
    return len(text) == 4 and all(c in "0123456789abcdef" for c in text)


def _code(segments: list[tuple[int, bytes]], start: int, size: int) -> bytes:
    return next((data[start - base :][:size] for base, data in segments if base <= start < base + len(data)), b"")
