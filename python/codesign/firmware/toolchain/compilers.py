# SPDX-License-Identifier: Apache-2.0
"""Compilers: arm-none-eabi-gcc or clang from the ziglang wheel for the target, cc or ziglang for the host."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from codesign.base.cache import keep_text
from codesign.base.errors import ToolError
from codesign.firmware.toolchain.failure import failure

COMMON_FLAGS = (
    "-std=c11",
    "-O3",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",  # part of the numeric contract: a fused multiply-add rounds once where two steps round twice
)
TARGET_FLAGS = ("-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fomit-frame-pointer", "-fno-common")

# cpu: (gcc's FPU, "" without one, clang's CPU with features as the ziglang wheel spells them)
CPUS = {
    "cortex-m0plus": ("", "cortex_m0plus"),
    "cortex-m3": ("", "cortex_m3"),
    "cortex-m4": ("fpv4-sp-d16", "cortex_m4+vfp4d16sp"),
    "cortex-m7": ("fpv5-sp-d16", "cortex_m7+vfp4d16sp+fp_armv8d16sp"),
    "cortex-m33": ("fpv5-sp-d16", "cortex_m33+dsp+vfp4d16sp+fp_armv8d16sp"),
    "cortex-m55": ("auto", "cortex_m55+mve+dsp+vfp4d16sp+fp_armv8d16sp"),
}
_GCC_CPUS = {"cortex-m55": "cortex-m55+nomve.fp"}
"""Vectors of floats flush denormals to zero (Armv8-M ARM, FPSCR for MVE): without them the front end's bits stay the same."""


@dataclass(frozen=True)
class ArmCompiler:
    """A cross compiler: `compile` are the words of its command, `link` those of its linker."""

    name: str
    version: str
    compile: tuple[str, ...]
    link: tuple[str, ...]

    def cpu_flags(self, cpu: str) -> tuple[str, ...]:
        """Flags that select a core by its name in board.toml.

        Raises:
            ToolError: a core that codesign has no flags for.
        """
        if cpu not in CPUS:
            raise ToolError(f"no bare-metal build for {cpu}", hint=f"supported cores: {', '.join(sorted(CPUS))}")
        fpu, zig_cpu = CPUS[cpu]
        if self.name == "ziglang":
            return ("-target", f"thumb-freestanding-eabi{'hf' if fpu else ''}", f"-mcpu={zig_cpu}", *_CLANG_FLAGS)
        floats = ("-mfloat-abi=hard", f"-mfpu={fpu}") if fpu else ("-mfloat-abi=soft",)
        return (f"-mcpu={_GCC_CPUS.get(cpu, cpu)}", "-mthumb", *floats, "-fstack-usage")


_CLANG_FLAGS = ("-fno-sanitize=all", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-g0")


@dataclass(frozen=True)
class HostCompiler:
    """A compiler for the machine that codesign runs on."""

    name: str
    version: str
    compile: tuple[str, ...]


def find_arm_compiler(name: str = "") -> ArmCompiler:
    """The cross compiler: `name` ("arm-none-eabi-gcc" or "ziglang"), else $CODESIGN_ARM_COMPILER, else the first found.

    Raises:
        ToolError: none is installed, or not the one asked for.
    """
    wanted = name or os.environ.get("CODESIGN_ARM_COMPILER", "")
    if wanted not in ("", "ziglang", "arm-none-eabi-gcc"):
        raise ToolError(f"unknown compiler '{wanted}'", hint="use arm-none-eabi-gcc or ziglang")
    if wanted != "ziglang" and (found := shutil.which("arm-none-eabi-gcc")):
        gcc = str(Path(found).absolute())  # it runs in other folders too
        return ArmCompiler("arm-none-eabi-gcc", tool_version((gcc, "--version")), (gcc,), (gcc,))
    if wanted != "arm-none-eabi-gcc" and importlib.util.find_spec("ziglang"):
        zig = (sys.executable, "-m", "ziglang")
        return ArmCompiler("ziglang", _zig_version(), (*zig, "cc"), (*zig, "ld.lld"))
    missing = wanted or "Arm compiler (arm-none-eabi-gcc or ziglang)"
    raise ToolError(f"no {missing} found", hint="pip install ziglang, or install gcc-arm-none-eabi")


def find_host_compiler() -> HostCompiler:
    """$CC, cc, gcc or clang from PATH, else ziglang.

    Raises:
        ToolError: none is installed.
    """
    for candidate in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if candidate and (path := shutil.which(candidate)):
            return HostCompiler(candidate, tool_version((path, "--version")), (path,))
    if importlib.util.find_spec("ziglang"):
        zig = (sys.executable, "-m", "ziglang", "cc")
        return HostCompiler("ziglang", _zig_version(), (*zig, "-fno-sanitize=all"))
    raise ToolError("no C compiler found", hint="pip install ziglang, or install gcc")


@cache
def tool_version(command: tuple[str, ...]) -> str:
    """First line that `command` prints, or "unknown version"."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown version"
    return next((line.strip() for line in done.stdout.splitlines() if line.strip()), "unknown version")


def _zig_version() -> str:
    return f"clang of ziglang {tool_version((sys.executable, '-m', 'ziglang', 'version'))}"


def object_name(source: Path) -> str:
    """The name of a source's object file."""
    return f"{source.parent.name}_{source.name}.o"


def compile_all(command: Sequence[str], sources: Sequence[Path], folder: Path) -> list[Path]:
    """Compile every source to an object file in `folder`, as many at a time as there are processors.

    Raises:
        BuildError: with the compiler's first error and the path of its whole output.
    """

    def compile_one(source: Path) -> Path:
        output = folder / object_name(source)
        run_tool((*command, "-c", str(source), "-o", str(output)), source.name)
        return output

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(compile_one, sources))


def link(
    compiler: ArmCompiler, flags: Sequence[str], words: Sequence[str], objects: Sequence[Path], elf: Path
) -> tuple[str, ...]:
    """The command that links `objects` to `elf`; `words` are GNU ld's, `flags` what the objects were compiled with."""
    files = (*map(str, objects), "-o", str(elf))
    if compiler.name == "ziglang":
        return (*compiler.link, *words, *files)
    passed = (part for word in words for part in ("-Xlinker", word))  # -Wl, would split a path at its commas
    return (*compiler.link, *flags, "-nostdlib", *passed, *files, "-lgcc")


def run_tool(command: Sequence[str], what: str, folder: Path | None = None) -> str:
    """Run a build tool, in `folder` if one is given, and return its output.

    Raises:
        ToolError: it cannot be started.
        BuildError: it failed; the hint says where its output is kept.
    """
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, errors="replace")
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror}", hint="codesign doctor") from error
    output = done.stdout + done.stderr
    if done.returncode != 0:
        raise failure(what, _telling_line(output), output, kept_log(command, output))
    return output


def kept_log(command: Sequence[str], output: str) -> str:
    """Keep the output of a failed tool where it outlives the build's folder; a hint that says where."""
    path = keep_text("build", f"{shlex.join(command)}\n{output}")
    return f"whole output in {path}" if path else "its output could not be kept: set CODESIGN_CACHE to a folder"


def _telling_line(output: str) -> str:
    """The line of a build log that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b|undefined", line, re.IGNORECASE)]
    return (errors or lines or ["the tool failed without a word"])[0]
