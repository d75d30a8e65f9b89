# SPDX-License-Identifier: Apache-2.0
"""The bare runtime: a complete ELF at the board's own memory map, with nothing but this library in it."""

from __future__ import annotations

from pathlib import Path

from codesign.base.errors import InputError
from codesign.base.files.output_folder import replace_folder
from codesign.compiler.emit import emit
from codesign.compiler.lower.network import Network
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain.compilers import (
    COMMON_FLAGS,
    TARGET_FLAGS,
    ArmCompiler,
    find_arm_compiler,
    link,
    run_tool,
)
from codesign.firmware.toolchain.linker_scripts import linker_script
from codesign.firmware.toolchain.manifest import write_build_manifest
from codesign.firmware.toolchain.objects import compile_image
from codesign.firmware.toolchain.plan import plan_of
from codesign.firmware.toolchain.runtime import bare_sources

ENTRY = "Reset_Handler"


def build_bare(
    network: Network, board: Board, folder: Path, compiler: ArmCompiler | None = None, *, semihosting: bool = False
) -> Image:
    """Generate, compile and link `<folder>/firmware.elf` for `board`.

    With `semihosting` the image reads and writes files of the machine that emulates it, as QEMU does; without, it waits for
    someone to call its frame function, as Unicorn does.

    Raises:
        InputError: the board has no memories (a host board), or `folder` cannot be written or is not codesign's.
        ToolError, BuildError: no compiler, or it or the linker refused (a model too big for the board among others).
    """
    if board.native:
        raise InputError(f"board {board.name} has no memory map", hint="use --runtime host")
    compiler = compiler or find_arm_compiler()
    plan = plan_of(network, board)
    flags = (*TARGET_FLAGS, *compiler.cpu_flags(board.core.cpu), *COMMON_FLAGS)
    with replace_folder(folder) as building:
        generated = emit(network, plan, building / "src")
        objects_folder = building / "obj"
        objects_folder.mkdir()
        *port, main = bare_sources(semihosting=semihosting)
        objects = compile_image(compiler, flags, board, generated, port, [main], objects_folder)
        table = _link(compiler, flags, objects, board, building)
        stack_usage = sorted(objects_folder.glob("*.su"))
        for file in objects:
            file.unlink()
        symbols = symbols_of(network, plan, generated, ENTRY)
        write_build_manifest(building, generated, compiler.version, flags, symbols, board)
    return Image(
        path=folder / "firmware.elf",
        runtime="bare",
        network=network,
        plan=plan,
        generated=generated.moved(folder / "src"),
        compiler=compiler.version,
        flags=flags,
        symbols=symbols,
        board=board,
        linker_memory_table=table,
        semihosting=semihosting,
        stack_usage=tuple(folder / "obj" / file.name for file in stack_usage),
    )


def _link(compiler: ArmCompiler, flags: tuple[str, ...], objects: list[Path], board: Board, building: Path) -> str:
    script = building / "linker.ld"
    script.write_text(linker_script(board), encoding="utf-8")
    elf = building / "firmware.elf"
    # The map's name is relative: GNU ld puts the output's name in the place of a % in it.
    words = ["--gc-sections", "-T", str(script), "-Map=firmware.map", "--print-memory-usage"]
    return run_tool(link(compiler, flags, words, objects, elf), f"linking for {board.name}", building)
