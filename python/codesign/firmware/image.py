# SPDX-License-Identifier: Apache-2.0
"""What a build makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codesign.compiler.emit import Generated
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan
from codesign.firmware.boards import Board
from codesign.firmware.symbols import ImageSymbols

Runtime = Literal["zephyr", "bare", "host"]
"""The application that is flashed, an ELF without an operating system, a shared library of this computer."""


@dataclass(frozen=True)
class Image:
    """A linked file (`path`: ELF or shared library) with what it was made from, for which board, and how.

    The board of a library of this computer, and of a Zephyr program of it, is `native`.

    `flags` are the compiler's, without paths. `stack_usage` are the .su files of the compiler, when it writes any. A bare image
    with `semihosting` reads and writes files of the machine that emulates it.
    """

    path: Path
    runtime: Runtime
    board: Board
    network: Network
    plan: MemoryPlan
    generated: Generated
    compiler: str
    flags: tuple[str, ...]
    symbols: ImageSymbols
    linker_memory_table: str = ""
    semihosting: bool = False
    stack_usage: tuple[Path, ...] = ()
