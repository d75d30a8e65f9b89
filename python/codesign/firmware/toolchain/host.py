# SPDX-License-Identifier: Apache-2.0
"""The host runtime: the same C as in the firmware, as a shared library."""

from __future__ import annotations

from pathlib import Path

from codesign.base.files.output_folder import replace_folder
from codesign.compiler.emit import emit
from codesign.compiler.frontend import Arithmetic
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import plan_memory
from codesign.firmware.boards import load_board
from codesign.firmware.image import Image
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain.compilers import COMMON_FLAGS, compile_all, find_host_compiler, run_tool
from codesign.firmware.toolchain.manifest import write_build_manifest
from codesign.firmware.toolchain.objects import compile_runtime
from codesign.firmware.toolchain.runtime import runtime_include, runtime_sources

NATIVE_BOARD = "native_sim"
HOST_FLAGS = ("-fPIC", "-fvisibility=default")


def build_host(network: Network, folder: Path, front_end: Arithmetic = "float32") -> Image:
    """Generate, compile and link `<folder>/lib<model>.so`; `front_end` is that of the image to compare with.

    Raises:
        InputError: `folder` cannot be written or is not codesign's.
        ToolError, BuildError: no compiler, or it refused.
    """
    compiler = find_host_compiler()
    plan = plan_memory(network, "plain", front_end)
    with replace_folder(folder) as building:
        generated = emit(network, plan, building / "src")
        flags = (*COMMON_FLAGS, *HOST_FLAGS)
        include = f"-I{runtime_include()}"
        objects = compile_runtime(compiler, (*flags, include), runtime_sources(("plain",)), building)
        command = (*compiler.compile, *flags, include, f"-iquote{generated.folder}")
        objects += compile_all(command, generated.sources, building)
        library = building / f"lib{generated.identifier}.so"
        link = (*compiler.compile, "-shared", *map(str, objects), "-o", str(library))
        run_tool(link, library.name)
        for file in objects:
            file.unlink()
        symbols = symbols_of(network, plan, generated, entry="")
        write_build_manifest(building, generated, compiler.version, flags, symbols)
    generated = generated.moved(folder / "src")
    board = load_board(NATIVE_BOARD).with_front_end(front_end)
    return Image(folder / library.name, "host", board, network, plan, generated, compiler.version, flags, symbols)
