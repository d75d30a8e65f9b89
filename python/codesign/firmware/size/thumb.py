# SPDX-License-Identifier: Apache-2.0
"""What a Thumb instruction does to SP, to registers that SP is restored from, and to the program counter.

Capstone decodes. Floating point, vectors and low-overhead loops are read here, from the Armv8-M Architecture Reference Manual,
chapter C2: Capstone 5 does not know the vector extension. What is still unknown is taken to write the registers that its
encoding could name as a destination, and to go on with the next instruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from codesign.firmware.disassembler import disassemble

SP, LR, PC = 13, 14, 15


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to one register.

    const: rd = value. add: rd = rn + value. reg: rd = rn + value·rm (value ±1). or: rd = rn | value. high: rd's upper half =
    value. align: rd = rn with the low bits `value` cleared. load: rd = word at address `value`. lost: rd = anything. compare:
    rd is compared with `value`.
    """

    kind: Literal["const", "add", "reg", "or", "high", "align", "load", "compare", "lost"]
    rd: int
    rn: int = 0
    rm: int = 0
    value: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of `size` bytes.

    `target` is where it branches to; `through` the register with the target of an indirect branch, PC for a jump that is
    computed inside a function; `table` the entry size of a jump table that follows it and `index` the register with the index.
    `link`: a call. `conditional`: may fall through although it branches. `ends`: never falls through. `covers`: how many
    following instructions an IT makes conditional.
    """

    size: int
    effects: tuple[Effect, ...] = ()
    target: int | None = None
    through: int | None = None
    table: int = 0
    index: int = 0
    link: bool = False
    conditional: bool = False
    ends: bool = False
    covers: int = 0


# Numbers of capstone.arm, which is imported only when something is decoded.
_REGISTER, _IMMEDIATE, _MEMORY = 1, 2, 3
_ALWAYS = 15
_NUMBERS = {f"r{n}": n for n in range(13)} | {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": SP, "lr": LR, "pc": PC}

_LOADS = frozenset(f"ldr{what}" for what in ("", "b", "h", "sb", "sh", "d", "t", "bt", "ht", "sbt", "sht"))
_STORES = frozenset(f"str{what}" for what in ("", "b", "h", "d", "t", "bt", "ht"))
_NOT_HERE = ("v", "sha", "aes")
"""Capstone reads some encodings that are free in the M profile as instructions of the A profile."""
_WITHOUT_RESULT = ("svc", "udf", "trap")


def decode(code: bytes, offset: int, address: int) -> Instruction:
    """The instruction at `code[offset:]`, which runs at `address`.

    Raises:
        IndexError: it is cut off by the end of `code`.
        ToolError: Capstone is not installed.
    """
    first = code[offset] | code[offset + 1] << 8
    if first & 0xFF00 == 0x4700:  # BX and BLX, those that leave the secure state too, which Capstone does not know
        return Instruction(2, through=first >> 3 & 15, link=bool(first & 0x80), ends=not first & 0x80)
    if first < 0xE800:
        found = disassemble(code[offset : offset + 2], address)
        return Instruction(2) if found is None else _known(found, address)
    second = code[offset + 2] | code[offset + 3] << 8
    if first & 0xEC00 == 0xEC00:
        return _coprocessor(first, second)
    if first & 0xF800 == 0xF000 and second & 0xD000 == 0xC000:  # loops: their bodies are reached by falling through
        return Instruction(4)
    found = disassemble(code[offset : offset + 4], address)
    if found is None or found.insn_name().startswith(_NOT_HERE):  # of an extension: none of these may write SP
        named = first & 15, first & 14, second >> 8 & 15, second >> 12
        return Instruction(4, _lost(*(register for register in named if register != SP)))
    if first & 0xFF80 == 0xFB80:  # long products and sums; Capstone's lists of what they write have gaps
        return Instruction(4, _lost(second >> 12, second >> 8 & 15))
    return _known(found, address)


def _lost(*registers: int) -> tuple[Effect, ...]:
    return tuple(Effect("lost", r) for r in dict.fromkeys(registers) if r != PC)


def _add(rd: int, rn: int, value: int) -> tuple[Effect, ...]:
    return (Effect("add", rd, rn, value=value),)


def _known(found: Any, address: int) -> Instruction:
    name = found.insn_name()
    if name in _LOADS or name in _STORES:
        return _load_or_store(found, name, address)
    if name.startswith(("ldm", "stm")) or name in ("push", "pop"):
        return _multiple(found, name)
    if name in ("b", "bl", "cbz", "cbnz", "tbb", "tbh"):
        return _branch(found, name)
    if name == "it":
        return Instruction(2, covers=len(found.mnemonic) - 1)
    if name in _WITHOUT_RESULT:
        return Instruction(found.size, ends=name != "svc")
    if name in ("tt", "tta", "ttt", "ttat"):  # Capstone says that they write nothing
        return Instruction(4, _lost(_register(found, 0)))
    if found.size == 2 and PC in _written(found):  # MOV PC, Rm; ADD PC, Rm
        return Instruction(2, through=_register(found, 1) if name == "mov" else PC, ends=True)
    return Instruction(found.size, _computed(found, name, address) or _lost(*_written(found)))


def _register(found: Any, index: int) -> int:
    return _number(found, found.operands[index].reg)


def _number(found: Any, register: int) -> int:
    return _NUMBERS.get(found.reg_name(register), -1)


def _written(found: Any) -> list[int]:
    """Core registers that it writes."""
    numbers = (_number(found, register) for register in found.regs_access()[1])
    return [number for number in numbers if number >= 0]


def _base(address: int) -> int:
    """What an instruction at `address` reads as PC where it addresses a literal: aligned to a word."""
    return (address + 4) & ~3


def _computed(found: Any, name: str, address: int) -> tuple[Effect, ...]:
    """What is known of the result of a computation; nothing for all that are not listed."""
    operands = found.operands
    if not operands or any(operand.shift.type for operand in operands):
        return ()
    kinds = [operand.type for operand in operands]
    registers = [_number(found, operand.reg) for operand in operands if operand.type == _REGISTER]
    value = operands[-1].imm & 0xFFFFFFFF if kinds[-1] == _IMMEDIATE else 0
    rd, rn = (registers[0], registers[-1]) if registers else (-1, -1)
    constant = kinds == [_REGISTER, _IMMEDIATE]
    match name:
        case "mov" | "movs" | "movw" if constant:
            return (Effect("const", rd, value=value),)
        case "mov" | "movs" if kinds == [_REGISTER, _REGISTER]:
            return _add(rd, rn, 0)
        case "mvn" if constant:
            return (Effect("const", rd, value=~value & 0xFFFFFFFF),)
        case "movt":
            return (Effect("high", rd, value=value),)
        case "adr" if constant:
            return (Effect("const", rd, value=_base(address) + operands[-1].imm),)
        case "add" | "addw" | "sub" | "subw":
            sign = 1 if name.startswith("add") else -1
            if kinds[-1] == _REGISTER:
                return (Effect("reg", rd, registers[-2], rn, sign),)  # two registers: rd is the first term, too
            return (Effect("const", rd, value=_base(address) + sign * value),) if rn == PC else _add(rd, rn, sign * value)
        case "orr" if kinds[-1] == _IMMEDIATE:
            return (Effect("or", rd, rn, value=value),)
        case "bic" if kinds[-1] == _IMMEDIATE and value & (value + 1) == 0:
            return (Effect("align", rd, rn, value=value),)
        case "bfc" if operands[1].imm == 0:
            return (Effect("align", rd, rd, value=(1 << operands[2].imm) - 1),)
        case "cmp" if constant:
            return (Effect("compare", rd, value=value),)
    return ()


def _multiple(found: Any, name: str) -> Instruction:
    """LDM, STM, PUSH, POP."""
    stack = name in ("push", "pop")
    listed = [_number(found, operand.reg) for operand in found.operands[0 if stack else 1 :]]
    base = SP if stack else _register(found, 0)
    effects: tuple[Effect, ...] = ()
    if stack or found.writeback:
        down = name == "push" or name.endswith("db")
        effects += _add(base, base, -4 * len(listed) if down else 4 * len(listed))
    loads = name == "pop" or name.startswith("ldm")
    return Instruction(found.size, effects + (_lost(*listed) if loads else ()), ends=loads and PC in listed)


def _branch(found: Any, name: str) -> Instruction:
    operand = found.operands[-1]
    if name in ("tbb", "tbh"):
        base, index = _number(found, operand.mem.base), _number(found, operand.mem.index)
        return Instruction(4, table=2 if name == "tbh" else 1, index=index, through=base, ends=True)
    link = name == "bl"
    conditional = name.startswith("cb") or found.cc != _ALWAYS
    return Instruction(
        found.size, target=operand.imm & 0xFFFFFFFF, link=link, conditional=conditional, ends=not (link or conditional)
    )


def _load_or_store(found: Any, name: str, address: int) -> Instruction:
    """Loads and stores of one register or two."""
    at = next(index for index, operand in enumerate(found.operands) if operand.type == _MEMORY)
    memory, base = found.operands[at].mem, _number(found, found.operands[at].mem.base)
    moved = [_register(found, index) for index in range(at)] if name in _LOADS else []
    if name == "ldr" and base == PC:
        where = _base(address) + memory.disp
        effects: tuple[Effect, ...] = (Effect("load", moved[0], value=where),)
        return Instruction(found.size, effects, through=PC, ends=True) if moved[0] == PC else Instruction(found.size, effects)
    effects = ()
    if found.writeback:
        offset = found.operands[-1]  # an offset that is added after the access stands alone
        step = memory.disp if offset.type == _MEMORY else -offset.imm if offset.subtracted else offset.imm
        effects = _add(base, base, step)
    if name == "ldr" and PC in moved:
        if base == SP:  # popped
            return Instruction(found.size, effects, ends=True)
        return Instruction(found.size, effects + _lost(base), through=PC if memory.index else base, ends=True)
    return Instruction(found.size, effects + _lost(*moved))


def _coprocessor(h: int, g: int) -> Instruction:
    """Floating point and vector instructions."""
    rn, coprocessor, vector = h & 15, g >> 8 & 15, g >> 9 & 7 == 7
    if h & 0xFFE0 == 0xEC40:  # VMOV between two core registers and a double
        return Instruction(4, _lost(g >> 12, rn) if h & 0x10 else ())
    if vector and h & 0xFFA0 == 0xEC00:  # VMOV between two core registers and two lanes
        return Instruction(4, _lost(g & 15, rn) if h & 0x10 else ())
    if h & 0x200 == 0:  # VPUSH, VPOP, VLDM, VSTM; vector loads and stores
        if not h & 0x20:
            return Instruction(4)
        size = (g & 0x7F) << (g >> 7 & 3) if vector else 4 * (g & 0xFF)
        known = vector or coprocessor in (10, 11)
        return Instruction(4, _add(rn, rn, size if h & 0x80 else -size) if known else _lost(rn))
    if vector:  # across-vector sums write an even and an odd register, never SP (Armv8-M ARM, VMLALDAV)
        odd = (h >> 3 & 14) | 1
        return Instruction(4, _lost(g >> 12 & 14, *((odd,) if odd != SP else ())))
    return Instruction(4, _lost(g >> 12) if h & 0x10 and g & 0x10 else ())
