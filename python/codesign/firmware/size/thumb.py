# SPDX-License-Identifier: Apache-2.0
"""Decoding Thumb-2 as far as stack depth and calls need it: what an instruction does to SP, to registers that SP is restored
from, and to the program counter. Encodings: Armv8-M Architecture Reference Manual, chapter C2.

Everything that is not recognised is taken to write the registers that its encoding could name as a destination, and to go on
with the next instruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


def decode(code: bytes, offset: int, address: int) -> Instruction:
    """The instruction at `code[offset:]`, which runs at `address`.

    Raises:
        IndexError: it is cut off by the end of `code`.
    """
    first = code[offset] | code[offset + 1] << 8
    if first < 0xE800:
        return _narrow(first, address)
    return _wide(first, code[offset + 2] | code[offset + 3] << 8, address)


def _lost(*registers: int) -> tuple[Effect, ...]:
    return tuple(Effect("lost", r) for r in dict.fromkeys(registers) if r != PC)


def _listed(mask: int) -> tuple[int, ...]:
    return tuple(r for r in range(16) if mask >> r & 1)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def _add(rd: int, rn: int, value: int) -> tuple[Effect, ...]:
    return (Effect("add", rd, rn, value=value),)


def _narrow(h: int, address: int) -> Instruction:
    low, high3, word_pc = h & 7, h >> 8 & 7, (address + 4) & ~3
    wide_rd, rm = h & 7 | h >> 4 & 8, h >> 3 & 15
    if h & 0xFFC0 == 0x0000:  # MOVS Rd, Rm
        return Instruction(2, _add(low, h >> 3 & 7, 0))
    if h & 0xFC00 == 0x1800:  # ADDS, SUBS Rd, Rn, Rm
        return Instruction(2, (Effect("reg", low, h >> 3 & 7, h >> 6 & 7, -1 if h & 0x200 else 1),))
    if h & 0xFC00 == 0x1C00:  # ADDS, SUBS Rd, Rn, #imm3
        return Instruction(2, _add(low, h >> 3 & 7, -(h >> 6 & 7) if h & 0x200 else h >> 6 & 7))
    if h & 0xE000 == 0x0000 or h & 0xFF00 in (0xB200, 0xBA00):  # shifts; extensions, REV
        return Instruction(2, _lost(low))
    if h & 0xF800 == 0x2000:  # MOVS Rd, #imm8
        return Instruction(2, (Effect("const", high3, value=h & 0xFF),))
    if h & 0xF800 == 0x2800:  # CMP Rd, #imm8
        return Instruction(2, (Effect("compare", high3, value=h & 0xFF),))
    if h & 0xF000 == 0x3000:  # ADDS, SUBS Rd, #imm8
        return Instruction(2, _add(high3, high3, -(h & 0xFF) if h & 0x800 else h & 0xFF))
    if h & 0xFC00 == 0x4000:  # data processing; TST, CMP and CMN write nothing
        return Instruction(2, () if h >> 6 & 15 in (8, 10, 11) else _lost(low))
    if h & 0xFD00 == 0x4400:  # ADD Rd, Rm and MOV Rd, Rm
        moves = bool(h & 0x200)
        if wide_rd == PC:
            return Instruction(2, through=rm if moves else PC, ends=True)
        return Instruction(2, _add(wide_rd, rm, 0) if moves else (Effect("reg", wide_rd, wide_rd, rm, 1),))
    if h & 0xFF00 == 0x4700:  # BX, BLX
        return Instruction(2, through=rm, link=bool(h & 0x80), ends=not h & 0x80)
    if h & 0xF800 == 0x4800:  # LDR Rd, literal
        return Instruction(2, (Effect("load", high3, value=word_pc + 4 * (h & 0xFF)),))
    if h & 0xF000 == 0x5000:  # loads and stores with register offset
        return Instruction(2, _lost(low) if h >> 9 & 7 >= 3 else ())
    if h & 0xE000 == 0x6000 or h & 0xF000 == 0x8000:  # with immediate offset
        return Instruction(2, _lost(low) if h & 0x800 else ())
    if h & 0xF000 == 0x9000:  # SP-relative
        return Instruction(2, _lost(high3) if h & 0x800 else ())
    if h & 0xF800 == 0xA000:  # ADR
        return Instruction(2, (Effect("const", high3, value=word_pc + 4 * (h & 0xFF)),))
    if h & 0xF800 == 0xA800:  # ADD Rd, SP, #imm
        return Instruction(2, _add(high3, SP, 4 * (h & 0xFF)))
    if h & 0xFF00 == 0xB000:  # ADD, SUB SP, #imm
        return Instruction(2, _add(SP, SP, 4 * (h & 0x7F) * (-1 if h & 0x80 else 1)))
    if h & 0xF500 == 0xB100:  # CBZ, CBNZ
        return Instruction(2, target=address + 4 + (h >> 3 & 0x40 | h >> 2 & 0x3E), conditional=True)
    if h & 0xFE00 == 0xB400:  # PUSH
        return Instruction(2, _add(SP, SP, -4 * (h & 0x1FF).bit_count()))
    if h & 0xFE00 == 0xBC00:  # POP
        effects = _add(SP, SP, 4 * (h & 0x1FF).bit_count()) + _lost(*_listed(h & 0xFF))
        return Instruction(2, effects, ends=bool(h & 0x100))
    if h & 0xFF00 == 0xBF00 and h & 15:  # IT
        return Instruction(2, covers=4 - ((h & -h & 15).bit_length() - 1))
    if h & 0xF000 == 0xC000:  # STM, LDM with writeback
        return Instruction(2, _lost(high3, *(_listed(h & 0xFF) if h & 0x800 else ())))
    if h & 0xFF00 == 0xDE00:  # UDF
        return Instruction(2, ends=True)
    if h & 0xF000 == 0xD000 and h & 0xFF00 != 0xDF00:  # B<cond>
        return Instruction(2, target=address + 4 + 2 * _signed(h & 0xFF, 8), conditional=True)
    if h & 0xF800 == 0xE000:  # B
        return Instruction(2, target=address + 4 + 2 * _signed(h & 0x7FF, 11), ends=True)
    return Instruction(2)  # CMP, SVC, BKPT, hints, CPS


def _wide(h: int, g: int, address: int) -> Instruction:
    if h & 0xFE40 == 0xE800:
        return _multiple(h, g)
    if h & 0xFE40 == 0xE840:
        return _dual(h, g)
    if h & 0xFE00 == 0xEA00:
        return _shifted_register(h, g)
    if h & 0xEC00 == 0xEC00:
        return _coprocessor(h, g)
    if h & 0xF800 == 0xF000:
        return _branch(h, g, address) if g & 0x8000 else _immediate(h, g, address)
    if h & 0xFE00 == 0xF800:
        return _single(h, g, address)
    return Instruction(4, _lost(g >> 8 & 15, *((g >> 12,) if h & 0xFF00 == 0xFB00 else ())))


def _multiple(h: int, g: int) -> Instruction:
    """LDM, STM, PUSH.W, POP.W."""
    rn, loads, count = h & 15, h & 0x10, g.bit_count()
    effects: tuple[Effect, ...] = ()
    if h & 0x20:
        effects += _add(rn, rn, 4 * count if h & 0x80 else -4 * count)
    if loads:
        effects += _lost(*_listed(g & 0x7FFF))
    return Instruction(4, effects, ends=bool(loads and g & 0x8000))


def _dual(h: int, g: int) -> Instruction:
    """LDRD, STRD, exclusive accesses, TBB, TBH, SG, TT."""
    rn, rt, rt2 = h & 15, g >> 12, g >> 8 & 15
    if (h, g) == (0xE97F, 0xE97F):  # SG
        return Instruction(4)
    if h & 0xFFF0 == 0xE8D0 and g & 0xFFE0 == 0xF000:
        return Instruction(4, table=2 if g & 0x10 else 1, index=g & 15, through=rn, ends=True)
    if not h & 0x120:
        return Instruction(4, _lost(rt, rt2, g & 15) if g & 15 != SP else _lost(rt, rt2))
    offset = 4 * (g & 0xFF) * (1 if h & 0x80 else -1)
    effects = _add(rn, rn, offset) if h & 0x20 else ()
    return Instruction(4, effects + (_lost(rt, rt2) if h & 0x10 else ()))


def _shifted_register(h: int, g: int) -> Instruction:
    operation, rn, rd, rm = h >> 5 & 15, h & 15, g >> 8 & 15, g & 15
    if rd == PC:  # TST, TEQ, CMP, CMN
        return Instruction(4)
    if not g & 0x70F0:  # not shifted
        if operation == 2 and rn == PC:
            return Instruction(4, _add(rd, rm, 0))
        if operation in (8, 13):
            return Instruction(4, (Effect("reg", rd, rn, rm, 1 if operation == 8 else -1),))
    return Instruction(4, _lost(rd))


def _immediate(h: int, g: int, address: int) -> Instruction:
    rn, rd = h & 15, g >> 8 & 15
    imm12 = h << 1 & 0x800 | g >> 4 & 0x700 | g & 0xFF
    if h & 0x200:
        return Instruction(4, _plain_immediate(h, rn, rd, imm12, g, address))
    operation, value = h >> 5 & 15, _expand(imm12)
    if rd == PC:  # TST, TEQ, CMN, CMP
        return Instruction(4, (Effect("compare", rn, value=value),) if operation == 13 else ())
    if operation in (2, 3) and rn == PC:  # MOV, MVN
        return Instruction(4, (Effect("const", rd, value=value if operation == 2 else ~value & 0xFFFFFFFF),))
    if operation == 2:
        return Instruction(4, (Effect("or", rd, rn, value=value),))
    if operation in (8, 13):
        return Instruction(4, _add(rd, rn, value if operation == 8 else -value))
    if operation == 1 and value & (value + 1) == 0:  # BIC with 2^n - 1
        return Instruction(4, (Effect("align", rd, rn, value=value),))
    return Instruction(4, _lost(rd))


def _plain_immediate(h: int, rn: int, rd: int, imm12: int, g: int, address: int) -> tuple[Effect, ...]:
    operation, imm16 = h >> 4 & 0x1F, (h & 15) << 12 | imm12
    if operation in (0x00, 0x0A):  # ADDW, SUBW, ADR
        value = imm12 if operation == 0 else -imm12
        return (Effect("const", rd, value=((address + 4) & ~3) + value),) if rn == PC else _add(rd, rn, value)
    if operation == 0x04:
        return (Effect("const", rd, value=imm16),)
    if operation == 0x0C:
        return (Effect("high", rd, value=imm16),)
    if operation == 0x16 and rn == PC and not g & 0x70C0:  # BFC Rd, #0, #n
        return (Effect("align", rd, rd, value=(1 << (g & 31) + 1) - 1),)
    return _lost(rd)


def _expand(imm12: int) -> int:
    """ThumbExpandImm."""
    byte, kind = imm12 & 0xFF, imm12 >> 8
    if kind < 4:
        return (byte, byte << 16 | byte, byte << 24 | byte << 8, byte * 0x01010101)[kind]
    rotation, value = imm12 >> 7, 0x80 | imm12 & 0x7F
    return (value >> rotation | value << 32 - rotation) & 0xFFFFFFFF


def _branch(h: int, g: int, address: int) -> Instruction:
    """BL, B.W, B<cond>.W, and the system instructions among them."""
    sign, j1, j2 = h >> 10 & 1, g >> 13 & 1, g >> 11 & 1
    if g & 0x1000:
        high = sign << 23 | (1 ^ j1 ^ sign) << 22 | (1 ^ j2 ^ sign) << 21
        offset = _signed(high | (h & 0x3FF) << 11 | g & 0x7FF, 24)
        link = bool(g & 0x4000)
        return Instruction(4, target=address + 4 + 2 * offset, link=link, ends=not link)
    if g & 0x4000:  # low-overhead loops: their bodies are reached by falling through
        return Instruction(4)
    if h >> 6 & 15 < 14:
        offset = _signed(sign << 19 | j2 << 18 | j1 << 17 | (h & 0x3F) << 11 | g & 0x7FF, 20)
        return Instruction(4, target=address + 4 + 2 * offset, conditional=True)
    if h & 0xFFE0 == 0xF3E0:  # MRS
        return Instruction(4, _lost(g >> 8 & 15))
    return Instruction(4, ends=h & 0xFFF0 == 0xF7F0 and g & 0xF000 == 0xA000)  # UDF.W; MSR, barriers, hints


def _single(h: int, g: int, address: int) -> Instruction:
    """Loads and stores of one register."""
    rn, rt, loads, is_word = h & 15, g >> 12, h & 0x10, h & 0x60 == 0x40
    if h & 0xFF7F == 0xF85F:  # LDR literal
        where = ((address + 4) & ~3) + (g & 0xFFF) * (1 if h & 0x80 else -1)
        effects: tuple[Effect, ...] = (Effect("load", rt, value=where),)
        return Instruction(4, effects, through=PC, ends=True) if rt == PC else Instruction(4, effects)
    effects = ()
    if not h & 0x80 and g & 0x900 == 0x900:
        effects = _add(rn, rn, g & 0xFF if g & 0x200 else -(g & 0xFF))
    if loads and rt == PC and is_word:
        if rn == SP:  # popped
            return Instruction(4, effects, ends=True)
        switches = not h & 0x80 and not g & 0xFC0  # LDR PC, [Rn, Rm, LSL #n]
        return Instruction(4, effects + _lost(rn), through=PC if switches else rn, ends=True)
    return Instruction(4, effects + (_lost(rt) if loads else ()))


def _coprocessor(h: int, g: int) -> Instruction:
    """Floating point and vector instructions."""
    rn, coprocessor, vector = h & 15, g >> 8 & 15, g >> 9 & 7 == 7
    if h & 0xFFE0 == 0xEC40:  # VMOV between two core registers and a double
        return Instruction(4, _lost(g >> 12, rn) if h & 0x10 else ())
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
