# SPDX-License-Identifier: Apache-2.0
"""What the whole application reported on its console: counters, and the stacks of its threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codesign.base.errors import ValidationError
from codesign.firmware.machines.console import Line, damaged_after_last, read_lines

_PLAYED = ("enhanced", "bypassed", "late", "busy")
_HINT = "docs/console.md says what its console tells"
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
class ConsoleReport:
    """The end of a run of the application, as its console tells it; `log` is the whole console. `true_rate` is what the I2S
    makes, Hz, 0 where nothing tells; `starts` how often the firmware began, more than once where it was reset.
    """

    log: str
    ready: Line
    stats: Line
    stacks: tuple[ThreadStack, ...]
    true_rate: float = 0.0
    starts: int = 1

    @property
    def frames(self) -> int:
        """Frames that the enhancer processed."""
        return self.stats.number("frames")

    @property
    def faults(self) -> dict[str, int]:
        """Counters that stay zero in a run without trouble, those that did not."""
        held = self.stats.fields.get("held", 0)  # of the filter path
        found = {name: count for name in _FAULTS if (count := self.stats.number(name))}
        return found | ({"held": held} if isinstance(held, int) and held else {})

    @property
    def accounted(self) -> bool:
        """Whether every captured block was played in one way or another."""
        return self.stats.number("captured") == sum(self.stats.number(name) for name in _PLAYED)

    @property
    def cycles_per_hop(self) -> float:
        """Mean cycles from one block to the next, everything included; right only if the input never waits."""
        return self.stats.number("elapsed") / max(1, self.stats.number("captured") - 1)


def read_report(log: str, *, ends: bool = True) -> ConsoleReport:
    """Read a console to its end; a stream's, not `ends`, has none.

    Raises:
        ValidationError: the firmware reported an error, never got ready, or never came to its end, or its
            last counts are damaged.
    """
    lines = list(read_lines(log))
    for line in lines:
        if line.kind == "error":
            raise ValidationError(f"the firmware could not {_words(line)}", hint=_HINT)
    ready, stats = _last(lines, "ready"), _last(lines, "stats")
    if ready is None or stats is None or (ends and _last(lines, "end") is None):
        last = log.strip().splitlines()[-1:] or ["nothing"]
        raise ValidationError(
            f"the firmware did not come to its end; its last words: {last[0][:_SHOWN]}",
            hint=_HINT,
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
    rates = [line.number("rate_mhz") for line in lines if line.kind == "state" and "rate_mhz" in line.fields]
    starts = sum(line.kind == "ready" for line in lines)
    return ConsoleReport(log, ready, stats, stacks, max(rates, default=0) / 1000, starts)


def _last(lines: Sequence[Line], kind: str) -> Line | None:
    return next((line for line in reversed(lines) if line.kind == kind), None)


def _words(line: Line) -> str:
    return f"use its audio ({line.fields.get('what', 'audio')}, errno {line.fields.get('errno', '?')})"
