"""What a build leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codesign.build.symbols import ImageSymbols
from codesign.emit import Generated
from codesign.lower.network import Network
from codesign.plan import MemoryPlan


@dataclass(frozen=True)
class Image:
    """A linked file (`path`: ELF or shared library) with what it was made from and how.

    `flags` are the compiler's, without paths. `stack_usage` are the .su files of the compiler, when it writes any. A bare image
    with `semihosting` reads and writes files of the machine that emulates it.
    """

    path: Path
    runtime: str
    network: Network
    plan: MemoryPlan
    generated: Generated
    compiler: str
    flags: tuple[str, ...]
    symbols: ImageSymbols
    board: str = ""
    linker_memory_table: str = ""
    semihosting: bool = False
    stack_usage: tuple[Path, ...] = ()
