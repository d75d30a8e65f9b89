# SPDX-License-Identifier: Apache-2.0
"""Timing tables of cores: one data file each under cost/timing, with the source of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from codesign.base.errors import ToolError
from codesign.base.toml import parse_toml

SCALAR_CLASSES = (
    *("alu", "shifted", "bitfield", "dsp", "extend_add", "multiply", "mac", "divide", "branch", "it"),
    *("load", "store", "load_multiple", "store_multiple"),
)
FLOAT_CLASSES = (
    *("fp_arithmetic", "fp_mac", "fp_divide", "fp_move", "fp_load", "fp_store", "fp_load_multiple", "fp_store_multiple"),
)
VECTOR_CLASSES = (
    *("loop", "vector_load", "vector_gather", "vector_store", "vector_mac", "vector_sum", "vector_alu", "vector_shift"),
)

Cycles = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassTiming(_Table):
    """Timing of a class of instructions, in cycles.

    cycles + per_register · registers: until the next instruction may issue; `in_a_row` instead of cycles after another load
    or store. latency: until another instruction may use the result, counted from the last cycle of issue; accumulate: the same
    for the accumulator of a MAC. behind_load: how much longer the result of a load takes to reach this class. unit: where cores
    that issue two a cycle execute it, for unit_cycles (else cycles). alone: nothing issues beside it.
    """

    cycles: Cycles
    per_register: Cycles = 0
    in_a_row: Cycles | None = None
    latency: Cycles = 1
    accumulate: Cycles | None = None
    behind_load: Cycles = 0
    unit: str = ""
    unit_cycles: Cycles | None = None
    alone: bool = False


class TimingTable(_Table):
    """A core: `issue` instructions a cycle, cycles lost by a taken branch, and its classes. `error` is relative."""

    cpu: str
    issue: Annotated[int, Field(ge=1, le=2)]
    taken_branch: Cycles
    error: Annotated[float, Field(gt=0, lt=1)]
    source: Annotated[str, Field(min_length=1)]
    forbidden_pairs: tuple[tuple[str, str], ...] = ()
    classes: Mapping[str, ClassTiming]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        known = {*SCALAR_CLASSES, *FLOAT_CLASSES, *VECTOR_CLASSES}
        if missing := set(SCALAR_CLASSES) - set(self.classes):
            raise ValueError(f"classes without timing: {', '.join(sorted(missing))}")
        if unknown := set(self.classes) - known:
            raise ValueError(f"unknown classes: {', '.join(sorted(unknown))}")
        return self


def list_timings() -> tuple[str, ...]:
    """Cores that have a table, sorted."""
    folder = resources.files("codesign.firmware.cost") / "timing"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def load_timing(cpu: str) -> TimingTable:
    """The table of a core by its name in board.toml.

    Raises:
        ToolError: there is none.
    """
    if cpu not in list_timings():
        raise ToolError(f"no timing table for {cpu}", hint=f"there are tables for {', '.join(list_timings())}")
    text = (resources.files("codesign.firmware.cost") / "timing" / f"{cpu}.toml").read_text(encoding="utf-8")
    return TimingTable.model_validate(parse_toml(text, f"{cpu}.toml", "install codesign again"))
