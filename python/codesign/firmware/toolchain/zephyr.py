# SPDX-License-Identifier: Apache-2.0
"""The Zephyr runtime: app/ with the generated model, configured and built as west would."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from codesign.base.errors import ToolError
from codesign.base.files.output_folder import update_folder
from codesign.base.progress import Progress, silent
from codesign.base.resources import resource
from codesign.compiler.emit import Generated, emit
from codesign.compiler.lower.network import Network
from codesign.compiler.plan import MemoryPlan
from codesign.firmware.boards import Board
from codesign.firmware.image import Image
from codesign.firmware.symbols import symbols_of
from codesign.firmware.toolchain.compilers import kept_log
from codesign.firmware.toolchain.failure import failure
from codesign.firmware.toolchain.i2s_rate import clock_overlay, overlay_name
from codesign.firmware.toolchain.manifest import write_build_manifest
from codesign.firmware.toolchain.options import BuildOptions, check_options, settings_of
from codesign.firmware.toolchain.plan import plan_of
from codesign.firmware.toolchain.zephyr_folder import CONFIGURED, MODEL, build_folder
from codesign.firmware.toolchain.zephyr_log import telling_line
from codesign.firmware.toolchain.zephyr_workspace import Toolchain, Workspace, find_build_tools, find_toolchain, find_workspace

ENTRY = "cs_enhancer_process"
"""What the enhancer's thread calls: its stack is analysed from here."""

LOG = "codesign-build.log"

_NOTHING_ADDED = BuildOptions()


def build_zephyr(
    network: Network,
    board: Board,
    folder: Path,
    *,
    options: BuildOptions = _NOTHING_ADDED,
    progress: Progress = silent,
) -> Image:
    """Configure and build app/ for `board` in `folder`, which `west flash` understands; a second build is incremental.

    `options` is what the user adds. The audio clock is the one that fits the model's rate, where the board has several. The
    tools' whole output is in `folder`/codesign-build.log.

    Raises:
        InputError: a bad define, a missing file, a board without a Zephyr target, or a folder that is something else.
        ToolError: no workspace, toolchain, CMake or Ninja.
        BuildError: CMake, a compiler or the linker refused.
    """
    check_options(options)
    workspace = find_workspace()
    toolchain = find_toolchain(board)
    find_build_tools()
    plan = plan_of(network, board)
    target = workspace.target(board)
    application = resource("app")
    defines = _settings(with_clock(options, board), workspace, target, application, network.frontend.ends.rate)
    wanted = "\n".join((target, str(workspace.base), toolchain.name, str(application), str(folder.resolve()), *defines))
    # Zephyr cannot change the board of a build, and CMake neither where the build is nor what it builds.
    anew = (folder / "CMakeCache.txt").exists() and _configured_for(folder) != wanted
    with build_folder(folder, anew=anew):
        generated = _generate(network, plan, folder)
        environment = _environment(workspace, toolchain)
        log = folder / LOG
        log.write_text("", encoding="utf-8")
        if not (folder / "build.ninja").is_file():
            progress(f"configure for {target}", 0, 0)
            settings = [f"BOARD={target}", f"CODESIGN_MODEL={folder.resolve() / MODEL}", *_python(), *defines]
            command = ["cmake", "-GNinja", f"-S{application}", f"-B{folder}", *(f"-D{setting}" for setting in settings)]
            _run(command, environment, log, f"configuring for {target}", lambda line: None)
            (folder / CONFIGURED).write_text(wanted, encoding="utf-8")
        output = _run(["ninja", "-C", str(folder)], environment, log, f"building for {target}", _ninja_progress(progress))
        return _image(network, plan, generated, board, folder, toolchain, output)


def enhancer_entry(network: Network, generated: Generated) -> str:
    """The function that the enhancer's thread calls for a frame."""
    return f"{generated.identifier}_update" if network.frontend.filters else ENTRY


def _settings(options: BuildOptions, workspace: Workspace, target: str, application: Path, rate: int) -> list[str]:
    """NAME=VALUE for CMake: what the user adds, before it the clock that the model's rate needs."""
    clock = clock_overlay(application, target, rate)
    chosen = options if clock is None else replace(options, overlays=(clock, *options.overlays))
    return settings_of(chosen, workspace.version, application / "boards" / f"{overlay_name(target)}.overlay")


def with_clock(options: BuildOptions, board: Board) -> BuildOptions:
    """What the application is told of a core that is to run slower than it can."""
    if not board.core.slowed:
        return options
    return replace(options, defines=(f"CONFIG_CODESIGN_CPU_{board.core.clock_hz / 1e6:g}MHZ=y", *options.defines))


def _image(
    network: Network,
    plan: MemoryPlan,
    generated: Generated,
    board: Board,
    folder: Path,
    toolchain: Toolchain,
    output: str,
) -> Image:
    symbols = symbols_of(network, plan, generated, enhancer_entry(network, generated))
    compiler, flags = _compiler(folder)
    compiler = f"{compiler} ({toolchain.name})"
    write_build_manifest(folder / "zephyr", generated, compiler, flags, symbols, board)
    return Image(
        path=folder / "zephyr" / ("zephyr.exe" if board.native else "zephyr.elf"),
        runtime="zephyr",
        network=network,
        plan=plan,
        generated=generated,
        compiler=compiler,
        flags=flags,
        symbols=symbols,
        board=board,
        linker_memory_table=_memory_table(output, folder),
    )


def _generate(network: Network, plan: MemoryPlan, folder: Path) -> Generated:
    """The model's sources below `folder`; files that would not change keep their time, so that nothing is compiled twice."""
    with tempfile.TemporaryDirectory(prefix="codesign-") as name:
        generated = emit(network, plan, Path(name) / MODEL)
        update_folder(generated.folder, folder / MODEL)
    return generated.moved(folder / MODEL)


def _configured_for(folder: Path) -> str:
    file = folder / CONFIGURED
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _python() -> list[str]:
    """Zephyr's scripts run in this Python when it has what they need, as in the environment where west is installed."""
    return [f"Python3_EXECUTABLE={sys.executable}"] if importlib.util.find_spec("yaml") else []


def _environment(workspace: Workspace, toolchain: Toolchain) -> dict[str, str]:
    return {**os.environ, "ZEPHYR_BASE": str(workspace.base), **toolchain.environment}


def _run(command: list[str], environment: dict[str, str], log: Path, what: str, seen: Callable[[str], None]) -> str:
    """Run a tool, its output to `seen` line by line and to the end of `log`."""
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror}", hint="codesign doctor") from error
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            seen(line)
    finally:
        if process.poll() is None and sys.exc_info()[0] is not None:
            process.terminate()
        process.wait()
        with log.open("a", encoding="utf-8") as file:
            file.write(" ".join(command) + "\n" + "".join(lines))
    output = "".join(lines)
    if process.returncode != 0:
        raise failure(what, telling_line(output), output, kept_log(command, output))
    return output


def _ninja_progress(progress: Progress) -> Callable[[str], None]:
    def seen(line: str) -> None:
        if match := re.match(r"\[(\d+)/(\d+)\]", line):
            progress("compile", int(match[1]), int(match[2]))

    return seen


def _memory_table(output: str, folder: Path) -> str:
    """The linker's table: of this build, or kept from the one that linked."""
    kept = folder / "zephyr" / "memory-table.txt"
    _, found, rest = output.rpartition("Memory region")
    if found:
        rows = [line for line in rest.splitlines()[1:] if re.match(r"\s*\S+:\s", line)]
        kept.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return kept.read_text(encoding="utf-8") if kept.is_file() else ""


def _compiler(folder: Path) -> tuple[str, tuple[str, ...]]:
    """The C compiler's first words about itself, and the flags that the enhancer was compiled with, without paths."""
    try:
        commands = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
        command = next(entry["command"] for entry in commands if entry["file"].endswith("/enhancer.c"))
    except (OSError, ValueError, StopIteration, KeyError):
        return "unknown compiler", ()
    words = command.split()
    version = subprocess.run([words[0], "--version"], capture_output=True, text=True, check=False).stdout
    kept = [w for w in words[1:] if re.match(r"-(O|f|m|std|W)", w) and "/" not in w]
    return next(iter(version.splitlines()), "unknown compiler"), tuple(dict.fromkeys(kept))
