# SPDX-License-Identifier: Apache-2.0
"""An in-order pipeline: how many cycles a block of instructions takes, by a core's timing table."""

from __future__ import annotations

from collections.abc import Sequence

from codesign.firmware.cost.operation import Classified
from codesign.firmware.cost.timing import ClassTiming, TimingTable

_LOADS = ("load", "load_multiple")
_TRANSFERS = ("load", "store", "fp_load", "fp_store")


def block_cycles(block: Sequence[Classified], table: TimingTable) -> float:
    """Cycles of one more execution of the block right after one: as in a loop, with what it waits for of itself.

    Taken branches are not in it: they cost `taken_cycles` each.
    """
    once = _Pipeline(table)
    once.run(block)
    twice = _Pipeline(table)
    twice.run(block)
    twice.run(block)
    return twice.now - once.now


def taken_cycles(block: Sequence[Classified], table: TimingTable) -> float:
    """Cycles lost where a block goes on elsewhere than after itself: none at the end of a loop that LE has cached."""
    return 0.0 if block and block[-1].kind == "loop" else table.taken_branch


class _Pipeline:
    """Time in cycles, and from when on registers and units are free."""

    def __init__(self, table: TimingTable) -> None:
        self._table = table
        self._time = 0.0  # of the cycle that is being filled
        self._issued: list[Classified] = []  # in this cycle
        self._ready: dict[str, tuple[float, float, str]] = {}  # register: for all, for accumulators, class of its producer
        self._units: dict[str, float] = {}
        self._last = ""

    @property
    def now(self) -> float:
        """Cycles so far; half a cycle where one of two slots is taken."""
        return self._time + len(self._issued) / self._table.issue

    def run(self, block: Sequence[Classified]) -> None:
        """Issue the block's instructions in order."""
        for operation in block:
            self._issue(operation, self._timing(operation.kind))

    def _timing(self, kind: str) -> ClassTiming:
        return self._table.classes.get(kind) or self._table.classes["alu"]

    def _issue(self, operation: Classified, timing: ClassTiming) -> None:
        if (earliest := self._operands(operation, timing)) > self._time:
            self._advance(earliest)
        while not self._fits(operation, timing):
            self._advance(self._time + 1)
        cycles = timing.cycles + timing.per_register * operation.registers
        if timing.in_a_row is not None and self._last in _TRANSFERS:
            cycles = timing.in_a_row
        done = self._time + max(cycles - 1, 0)
        accumulate = timing.latency if timing.accumulate is None else timing.accumulate
        for index, register in enumerate(operation.writes):
            # a multiple load delivers one register after the other
            at = done - timing.per_register * max(len(operation.writes) - 1 - index, 0)
            self._ready[register] = (at + timing.latency, at + accumulate, operation.kind)
        if operation.updated:
            self._ready[operation.updated] = (self._time + 1, self._time + 1, "")
        if timing.unit:
            self._units[timing.unit] = self._time + (cycles if timing.unit_cycles is None else timing.unit_cycles)
        self._last = operation.kind
        if self._table.issue == 1 or timing.alone:
            self._advance(self._time + cycles)
        else:
            self._issued.append(operation)

    def _operands(self, operation: Classified, timing: ClassTiming) -> float:
        earliest = 0.0
        for register in operation.reads:
            everywhere, accumulator, producer = self._ready.get(register, (0.0, 0.0, ""))
            if register == operation.accumulator:
                earliest = max(earliest, accumulator)
            else:
                earliest = max(earliest, everywhere + (timing.behind_load if producer in _LOADS else 0))
        return earliest

    def _fits(self, operation: Classified, timing: ClassTiming) -> bool:
        if self._table.issue == 1:
            return self._units.get(timing.unit, 0.0) <= self._time if timing.unit else True
        if timing.alone:
            return not self._issued
        if len(self._issued) >= self._table.issue:
            return False
        for other in self._issued:
            unit = self._timing(other.kind).unit
            if {unit, timing.unit} in [set(pair) for pair in self._table.forbidden_pairs]:
                return False
            if unit != timing.unit or unit == "alu":
                continue
            two_banks = unit == "load" and operation.bank and other.bank and _differ(operation.bank, other.bank)
            if not two_banks:
                return False
        return True

    def _advance(self, to: float) -> None:
        self._time, self._issued = to, []


def _differ(one: str, two: str) -> bool:
    """Loads from one base register, one of an even word and one of an odd."""
    (base, parity), (other, its) = one.split(":"), two.split(":")
    return base == other and parity != its
