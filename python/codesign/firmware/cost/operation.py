# SPDX-License-Identifier: Apache-2.0
"""What the model of a pipeline knows of one instruction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Classified:
    """One instruction. `accumulator` is the register that a MAC adds to; `updated` the base register of a transfer that is
    written back; `registers` how many a multiple transfer moves, in the order of `writes`; `bank` tells loads of even and odd
    words apart, "base:parity", "" when unknown.
    """

    kind: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    accumulator: str = ""
    updated: str = ""
    registers: int = 0
    bank: str = ""
