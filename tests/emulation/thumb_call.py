"""Compile runtime/nn with ziglang and call single functions of it under Unicorn, counting executed instructions."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import unicorn
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from unicorn import arm_const as arm

from codesign.resources import resource

CODE, RAM, STACK_TOP, RETURN = 0x0001_0000, 0x2000_0000, 0x2040_0000, 0x0800_0000
CPUS = {
    "cortex_m33+dsp": arm.UC_CPU_ARM_CORTEX_M33,
    "cortex_m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex_m7": arm.UC_CPU_ARM_CORTEX_M7,
}
_ARGUMENTS = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
_SAVED = tuple(getattr(arm, f"UC_ARM_REG_R{i}") for i in range(4, 12))
_SCRIPT = """\
SECTIONS { . = 0x10000; .text : { *(.text .text.*) } .rodata : { *(.rodata .rodata.*) } .data : { *(.data* .bss*) } }
"""


def build(folder: Path, cpu: str, level: str = "-O2", abi: str = "eabihf") -> Path:
    """An ELF of all of runtime/nn for `cpu`."""
    script, elf, runtime = folder / "image.ld", folder / f"{cpu}.elf", resource("runtime")
    script.write_text(_SCRIPT)
    sources = sorted(str(p) for p in (runtime / "nn").iterdir() if p.suffix in (".c", ".S"))
    flags = ["-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu}", level, "-std=c11", "-Wall", "-Wextra", "-Werror"]
    flags += ["-fno-sanitize=all", "-ffreestanding", "-nostdlib", f"-I{runtime / 'include'}"]
    link = [f"-Wl,-T,{script}", "-Wl,-e,cs_lstm_step", "-Wl,--no-gc-sections", "-o", str(elf)]
    subprocess.run([sys.executable, "-m", "ziglang", "cc", *flags, *sources, *link], check=True, capture_output=True)
    return elf


class ThumbImage:
    """A loaded ELF. `call` runs one function to its return; `put` places data in RAM until `clear`."""

    def __init__(self, elf: Path, cpu: str) -> None:
        self.engine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS, CPUS[cpu])
        self.engine.mem_map(CODE & ~0xFFFF, 0x10_0000)
        self.engine.mem_map(RAM, 0x40_0000)
        self.engine.mem_map(RETURN, 0x1000)
        self.symbols: dict[str, int] = {}
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            for section in file.iter_sections():
                if isinstance(section, SymbolTableSection):
                    self.symbols |= {s.name: s["st_value"] for s in section.iter_symbols()}
                elif section["sh_flags"] & 2 and section["sh_type"] == "SHT_PROGBITS":
                    self.engine.mem_write(section["sh_addr"], section.data())
        self.blocks: Counter[tuple[int, int]] = Counter()
        self.sizes: dict[tuple[int, int], int] = {}
        self.lowest_stack = STACK_TOP
        self.clear()

    def count_instructions(self) -> None:
        """From now on `instructions` counts what is executed (a few times slower)."""
        self.engine.hook_add(unicorn.UC_HOOK_BLOCK, lambda _uc, at, size, _data: self.blocks.update(((at, size),)))
        self.engine.ctl_flush_tb()

    @property
    def instructions(self) -> int:
        for at, size in self.blocks.keys() - self.sizes.keys():
            code = self.engine.mem_read(at, size)
            halves, i, n = struct.unpack(f"<{size // 2}H", code), 0, 0
            while i < len(halves):
                i, n = i + (2 if halves[i] >> 11 in (0b11101, 0b11110, 0b11111) else 1), n + 1
            self.sizes[at, size] = n
        return sum(times * self.sizes[block] for block, times in self.blocks.items())

    def clear(self) -> None:
        self.next = RAM

    def put(self, data: np.ndarray | bytes) -> int:
        raw = data.tobytes() if isinstance(data, np.ndarray) else bytes(data)
        at, self.next = self.next, self.next + (len(raw) + 15) // 8 * 8
        self.engine.mem_write(at, raw)
        return at

    def get(self, at: int, dtype: type, count: int) -> np.ndarray:
        return np.frombuffer(bytes(self.engine.mem_read(at, count * np.dtype(dtype).itemsize)), dtype)

    def call(self, name: str | int, *arguments: int) -> int:
        """Result in r0. Checks that callee-saved registers and the stack pointer survive, as AAPCS demands."""
        uc, extra = self.engine, [a & 0xFFFFFFFF for a in arguments[4:]]
        sp = (STACK_TOP - 4 * len(extra)) & ~7
        uc.mem_write(sp, struct.pack(f"<{len(extra)}I", *extra))
        for register, value in zip(_ARGUMENTS, arguments, strict=False):
            uc.reg_write(register, value & 0xFFFFFFFF)
        for i, register in enumerate(_SAVED):
            uc.reg_write(register, 0xA5A5_0000 + i)
        uc.reg_write(arm.UC_ARM_REG_SP, sp)
        uc.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self.blocks.clear()
        at = self.symbols[name] if isinstance(name, str) else name
        uc.emu_start(at | 1, RETURN)
        assert uc.reg_read(arm.UC_ARM_REG_SP) == sp
        assert [uc.reg_read(r) for r in _SAVED] == [0xA5A5_0000 + i for i in range(len(_SAVED))]
        return int(uc.reg_read(arm.UC_ARM_REG_R0))
