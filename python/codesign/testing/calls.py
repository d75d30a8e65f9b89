# SPDX-License-Identifier: Apache-2.0
"""An ELF of single functions with a call server beside them, and the interface to call them: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from codesign.base.resources import resource
from codesign.firmware.boards import Board
from codesign.firmware.machines.profile import BlockCount
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, TARGET_FLAGS, ArmCompiler, link, run_tool
from codesign.firmware.toolchain.linker_scripts import linker_script
from codesign.firmware.toolchain.objects import compile_runtime
from codesign.firmware.toolchain.runtime import bare_includes, bare_sources

ARENA = 0x1100_0000
"""Where data of calls lies: a RAM of QEMU's mps3-an547; other emulators map memory there."""

ARENA_BYTES = 0x20_0000
SAVED_PATTERN = tuple(0xA5A5_0000 + i for i in range(8))
"""What r4 to r11 and d8 to d15 hold at a call, and must hold after it (AAPCS32)."""


class Calls(Protocol):
    """Single functions of an ELF on an emulated core.

    `put` copies data into the arena, 8-byte aligned, until `clear`; `call` runs a function with at most 8 integer arguments
    and returns its r0; `get` reads what it left, `read` the ELF's constants. After a call `instructions` is what the function
    executed, exactly, and `blocks` the blocks that it ran, where the emulator was asked for them.
    """

    @property
    def instructions(self) -> int: ...
    @property
    def blocks(self) -> tuple[BlockCount, ...]: ...
    def address(self, name: str) -> int: ...
    def read(self, at: int, size: int) -> bytes: ...
    def clear(self) -> None: ...
    def put(self, data: npt.NDArray[np.generic] | bytes) -> int: ...
    def get(self, at: int, dtype: npt.DTypeLike, count: int) -> npt.NDArray[np.generic]: ...
    def call(self, name: str | int, *arguments: int) -> int: ...


def build_calls(
    sources: Sequence[Path],
    flags: Sequence[str],
    board: Board,
    compiler: ArmCompiler,
    folder: Path,
    keep: Sequence[str] = (),
    libraries: Sequence[Path] = (),
) -> Path:
    """Compile `sources` with `flags` and the call server, and link them to `<folder>/calls.elf`.

    `keep` names the functions and constants that are wanted, what they need stays too; without it, everything stays.
    `libraries` are archives for what is missing then.

    Raises:
        ToolError, BuildError: the compiler is missing or refused.
    """
    *port, _ = bare_sources()  # all but its main
    port.append(resource("runtime", "port", "calls", "calls.c"))
    includes = tuple(f"-I{path}" for path in bare_includes())
    cpu = compiler.cpu_flags(board.core.cpu)
    objects = compile_runtime(compiler, (*TARGET_FLAGS, *cpu, *flags, *includes), sources, folder)
    objects += compile_runtime(compiler, (*TARGET_FLAGS, *cpu, *COMMON_FLAGS, *includes), port, folder)
    script, elf = folder / "calls.ld", folder / "calls.elf"
    script.write_text(linker_script(board), encoding="utf-8")
    kept = ("--gc-sections", *(word for name in keep for word in ("-u", name))) if keep else ("--no-gc-sections",)
    words = (*kept, "-T", str(script), "--defsym", f"cs_calls_arena=0x{ARENA:x}")
    run_tool(link(compiler, cpu, words, [*objects, *libraries], elf), "linking calls.elf")
    return elf
