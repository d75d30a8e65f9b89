"""How few cycles the inner loop of a two-rows-a-lane kernel can take on a core that issues two instructions a cycle.

Per MAC such a loop needs half a SMLAD, a quarter of a SXTB16 (issued beside a SMLAD), and the words of weights and
activations: a quarter, and half divided by the rows that share an activation. A word comes by a load of its own, which is an
instruction but no cycle as long as it stands beside a SMLAD, or with others by a multiple load, which issues alone and takes
half a cycle a word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_REGISTERS = 14  # all but stack pointer and program counter
_POINTERS = 2  # to weights and activations


@dataclass(frozen=True)
class Bound:
    """Fewest cycles per MAC of the inner loop within a limit of instructions per MAC; `rows` at a time, `words` a load."""

    cycles: float
    rows: int
    words: int


def least_cycles(instructions: float, stall: int) -> Bound | None:
    """The bound for at most `instructions` per MAC, None when no loop has so few.

    stall: further cycles of each multiple load. The source of the timing table measured one where no two 16-bit instructions
    stand near it, and SMLAD and SXTB16 have none.
    """
    found = [
        Bound(cycles, rows, words)
        for rows in range(2, _REGISTERS - _POINTERS, 2)
        for words in range(2, _REGISTERS - _POINTERS - rows)
        if (cycles := _cycles(instructions, stall, rows, words)) is not None
    ]
    return min(found, key=lambda bound: bound.cycles, default=None)


def _cycles(instructions: float, stall: int, rows: int, words: int) -> float | None:
    """With `rows` accumulators, an activation and `words` weights in registers."""
    loaded = 0.25 + 0.5 / rows
    alone = 0.75 + loaded  # instructions when every word has a load of its own
    share = max(0.0, (alone - instructions) / (loaded * (1 - 1 / words)))  # of the words by multiple loads
    if share > 1:
        return None
    beside = max(0.0, loaded * (1 - share) - 0.25)  # single loads that find no free slot; two of them fill a cycle
    return 0.5 + share * loaded * (math.ceil(words / 2) + stall) / words + beside / 2
