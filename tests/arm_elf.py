# SPDX-License-Identifier: Apache-2.0
"""Small Arm ELFs, built in the test by every cross compiler that is there."""

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

LINKER_SCRIPT = """
ENTRY(main)
MEMORY { FLASH (rx) : ORIGIN = 0x0, LENGTH = 64K
         RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 16K }
SECTIONS {
    .vectors : { KEEP(*(.vectors)) } > FLASH
    .text : { *(.text .text.*) } > FLASH
    .rodata : { . = ALIGN(8); *(.rodata .rodata.*) } > FLASH
    .stack (NOLOAD) : { . = ALIGN(8); . = . + 512; } > RAM
    .data : { *(.data .data.*) } > RAM AT > FLASH
    .fast : { *(.fast) } > RAM AT > FLASH
    .bss (NOLOAD) : { *(.bss .bss.* COMMON) } > RAM
    .noinit (NOLOAD) : { . = ALIGN(32); *(.noinit) } > RAM
    /DISCARD/ : { *(.ARM.exidx*) *(.ARM.extab*) }
}
"""

COMPILERS = ("ziglang", "arm-none-eabi-gcc")


@dataclass(frozen=True)
class Built:
    """An ELF, the linker's table as {region: bytes used}, and the compiler's .su file."""

    path: object
    table: dict
    stack_usage: object


def _commands(compiler, usage):
    if compiler == "ziglang":
        if importlib.util.find_spec("ziglang") is None:
            pytest.skip("ziglang is not installed")
        zig = [sys.executable, "-m", "ziglang"]
        flags = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m33+dsp+vfp4d16sp", "-fno-sanitize=all", "-g0"]
        usage_flags = ["-Xclang", "-stack-usage-file", "-Xclang", str(usage)]
        return [*zig, "cc", *flags, "-fno-unwind-tables"], usage_flags, [*zig, "ld.lld"]
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not on the PATH")
    return (
        ["arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"],
        ["-fstack-usage"],
        ["arm-none-eabi-ld"],
    )


def build(folder, source, compiler, *, optimize="-O2", script=LINKER_SCRIPT, suffix=".c"):
    """Compile and link one source file."""
    file, usage, elf = folder / f"unit{suffix}", folder / "unit.su", folder / "unit.elf"
    file.write_text(source)
    (folder / "link.ld").write_text(script)
    compile_, usage_flags, link = _commands(compiler, usage)
    if suffix != ".c":
        usage_flags = []
    object_ = folder / "unit.o"
    flags = [optimize, "-ffreestanding", "-ffunction-sections", "-fdata-sections"]
    subprocess.run([*compile_, *usage_flags, *flags, "-c", str(file), "-o", str(object_)], check=True, cwd=folder)
    done = subprocess.run(
        [*link, "--gc-sections", "--print-memory-usage", "-T", str(folder / "link.ld"), str(object_), "-o", str(elf)],
        check=True,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    units = {"B": 1, "KB": 1024, "MB": 1024 * 1024, "GB": 1024**3}
    rows = re.findall(r"^\s*(\w+):\s+(\d+) (B|KB|MB|GB)\s", done.stdout, re.MULTILINE)
    table = {name: int(value) * units[unit] for name, value, unit in rows}
    return Built(elf, table, usage)
