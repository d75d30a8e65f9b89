# SPDX-License-Identifier: Apache-2.0
"""What a run of the whole application told: PCM that came out, and what it said on its console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.base.errors import ValidationError
from codesign.firmware.machines.console import Line, damaged_after_last, read_lines

_PLAYED = ("enhanced", "bypassed", "late", "busy")
_SHOWN = 200  # characters of a row of the console in a message
_FAULTS = ("late", "busy", "unplayed", "underruns", "overruns", "stalls")


@dataclass(frozen=True)
class ThreadStack:
    """Deepest use of one thread's stack, bytes."""

    thread: str
    used: int
    size: int

    @property
    def headroom(self) -> float:
        """Share of the stack that was never used, 0 … 1."""
        return 1.0 - self.used / self.size


@dataclass(frozen=True)
class FirmwareRun:
    """One run of the application.

    pcm int16 (samples,) as it was played. `cycles` are what the firmware's counter counted, at `cycles_hz` on its own clock;
    `instructions_per_cycle` turns them into executed instructions where the emulator ties one to the other, else 0.
    `log` is the whole console. Where the emulator counts by itself: frame_instructions int64 (frames,) executed in each call of
    the enhancer, interrupts included; counted_cycles, the same by the firmware's counter; hop_instructions int64 (frames - 1,)
    from one call to the next, everything included. `warnings` are what the emulator's platform lacks.
    """

    runtime: str
    pcm: npt.NDArray[np.int16]
    ready: Line
    stats: Line
    stacks: tuple[ThreadStack, ...]
    log: str
    instructions_per_cycle: float = 0.0
    seconds: float = 0.0
    frame_instructions: npt.NDArray[np.int64] | None = None
    hop_instructions: npt.NDArray[np.int64] | None = None
    counted_cycles: npt.NDArray[np.int64] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.stats.number("frames")

    @property
    def faults(self) -> dict[str, int]:
        """Counters that stay zero in a run without trouble, those that did not."""
        return {name: count for name in _FAULTS if (count := self.stats.number(name))}

    @property
    def accounted(self) -> bool:
        """Whether every captured block was played in one way or another."""
        return self.stats.number("captured") == sum(self.stats.number(name) for name in _PLAYED)

    @property
    def worst_instructions(self) -> int:
        """Of one call of the enhancer, interrupts included."""
        if self.frame_instructions is not None:
            return int(self.frame_instructions.max(initial=0))
        return round(self.stats.number("worst") * self.instructions_per_cycle)

    @property
    def worst_frame(self) -> int:
        """Its number, from 0."""
        if self.frame_instructions is not None and self.frame_instructions.size:
            return int(self.frame_instructions.argmax())
        return self.stats.number("worst_frame")

    @property
    def mean_instructions(self) -> float:
        if self.frame_instructions is not None and self.frame_instructions.size:
            return float(self.frame_instructions.mean())
        return self.stats.number("average") * self.instructions_per_cycle

    @property
    def mean_instructions_around(self) -> float:
        """Instructions a hop that are not the enhancer's: kernel, drivers, copies. Where nothing counts hops, right
        only if the input never waits.
        """
        if self.hop_instructions is not None and self.hop_instructions.size:
            return float(self.hop_instructions.mean()) - self.mean_instructions
        blocks = max(1, self.stats.number("captured") - 1)
        return self.stats.number("elapsed") * self.instructions_per_cycle / blocks - self.mean_instructions


def firmware_run(
    runtime: str,
    pcm: npt.NDArray[np.int16],
    log: str,
    *,
    instructions_per_cycle: float = 0.0,
    seconds: float = 0.0,
    ends: bool = True,
) -> FirmwareRun:
    """Read a console to its end; a stream's, not `ends`, has none.

    Raises:
        ValidationError: the firmware reported an error, never got ready, or never came to its end, or its
            last counts are damaged.
    """
    lines = list(read_lines(log))
    for line in lines:
        if line.kind == "error":
            raise ValidationError(f"the firmware could not {_words(line)}", hint="the console has more: --log")
    ready, stats = _last(lines, "ready"), _last(lines, "stats")
    if ready is None or stats is None or (ends and _last(lines, "end") is None):
        last = log.strip().splitlines()[-1:] or ["nothing"]
        raise ValidationError(
            f"the firmware did not come to its end; its last words: {last[0][:_SHOWN]}", hint="see the console: --log"
        )
    if damaged := damaged_after_last(log, "stats"):
        raise ValidationError(
            f"the last counts arrived damaged: {damaged[:_SHOWN]}", hint="run it again; something else printed into them"
        )
    stacks = tuple(
        ThreadStack(str(line.fields.get("thread", "")), line.number("used"), line.number("size"))
        for line in lines
        if line.kind == "stack" and line.number("size") > 0
    )
    return FirmwareRun(runtime, pcm, ready, stats, stacks, log, instructions_per_cycle, seconds)


def _last(lines: Sequence[Line], kind: str) -> Line | None:
    return next((line for line in reversed(lines) if line.kind == kind), None)


def _words(line: Line) -> str:
    return f"use its audio ({line.fields.get('what', 'audio')}, errno {line.fields.get('errno', '?')})"
