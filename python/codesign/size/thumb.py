"""The few Thumb-2 instructions that stack analysis needs: calls, jumps, loads of pointers, changes of SP.

Encodings from the Armv7-M Architecture Reference Manual, chapter A7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """`first` is the first halfword, `second` that of a 32-bit instruction, else None."""

    address: int
    first: int
    second: int | None

    @property
    def size(self) -> int:
        return 2 if self.second is None else 4


def decode(code: bytes, address: int) -> Iterator[Instruction]:
    """Instructions of straight code."""
    position = 0
    while position + 2 <= len(code):
        first = int.from_bytes(code[position : position + 2], "little")
        if first >= 0xE800 and position + 4 <= len(code):
            second = int.from_bytes(code[position + 2 : position + 4], "little")
            yield Instruction(address + position, first, second)
            position += 4
        else:
            yield Instruction(address + position, first, None)
            position += 2


def branch_target(i: Instruction) -> int | None:
    """Target of B, B<cond> or BL, else None."""
    if i.second is None:
        if i.first >> 11 == 0b11100:  # B T2
            return i.address + 4 + _signed(i.first & 0x7FF, 11) * 2
        if i.first >> 12 == 0b1101 and (i.first >> 8) & 0xF < 0xE:  # B<cond> T1
            return i.address + 4 + _signed(i.first & 0xFF, 8) * 2
        return None
    if i.first >> 11 != 0b11110 or not i.second & 0x8000:
        return None
    sign = (i.first >> 10) & 1
    j1, j2 = (i.second >> 13) & 1, (i.second >> 11) & 1
    low = i.second & 0x7FF
    if i.second & 0x5000 in (0x5000, 0x1000):  # BL T1, B T4
        i1, i2 = 1 - (j1 ^ sign), 1 - (j2 ^ sign)
        offset = (sign << 23) | (i1 << 22) | (i2 << 21) | ((i.first & 0x3FF) << 11) | low
        return i.address + 4 + _signed(offset, 24) * 2
    if i.second & 0x5000 == 0 and (i.first >> 7) & 0x7 != 0x7:  # B<cond> T3
        offset = (sign << 19) | (j2 << 18) | (j1 << 17) | ((i.first & 0x3F) << 11) | low
        return i.address + 4 + _signed(offset, 20) * 2
    return None


def indirect_register(i: Instruction) -> int | None:
    """Register of BLX or BX to anything but LR, else None."""
    if i.second is None and i.first & 0xFF07 == 0x4700:
        register = (i.first >> 3) & 0xF
        return None if register == 14 and not i.first & 0x80 else register
    return None


def loads(i: Instruction) -> dict[int, int]:
    """{register: offset} of LDR Rt, [Rn, #offset] and LDRD."""
    if i.second is None:
        if i.first >> 11 == 0b01101:  # LDR T1
            return {i.first & 7: ((i.first >> 6) & 0x1F) * 4}
        return {}
    if i.first & 0xFFF0 == 0xF8D0:  # LDR T3
        return {i.second >> 12: i.second & 0xFFF}
    if i.first & 0xFF70 == 0xE950:  # LDRD, pre-indexed or offset, either sign
        if not i.first & 0x80:
            return {}
        offset = (i.second & 0xFF) * 4
        return {i.second >> 12: offset, (i.second >> 8) & 0xF: offset + 4}
    return {}


def stack_growth(i: Instruction) -> int | None:
    """Bytes by which an instruction lowers SP, 0 for none, None when the amount is not in the code."""
    if i.second is None:
        if i.first & 0xFE00 == 0xB400:  # PUSH T1
            return 4 * (i.first & 0x1FF).bit_count()
        if i.first & 0xFF80 == 0xB080:  # SUB SP, #imm7
            return 4 * (i.first & 0x7F)
        return 0
    if i.first == 0xE92D:  # PUSH T2
        return 4 * i.second.bit_count()
    if i.first & 0xFFBF == 0xED2D and i.second & 0x0E00 == 0x0A00:  # VPUSH: imm8 counts words
        return 4 * (i.second & 0xFF)
    if i.first & 0xFBFF == 0xF1AD and i.second & 0x8F00 == 0x0D00:  # SUB.W SP, SP, #const
        return _expanded(((i.first >> 10) & 1) << 11 | (i.second >> 4) & 0x700 | i.second & 0xFF)
    if i.first & 0xFBFF == 0xF2AD and i.second & 0x8F00 == 0x0D00:  # SUBW SP, SP, #imm12
        return ((i.first >> 10) & 1) << 11 | (i.second >> 4) & 0x700 | i.second & 0xFF
    if i.first == 0xF84D and i.second & 0x0F00 == 0x0D00:  # STR Rt, [SP, #-imm8]!
        return i.second & 0xFF
    if i.first & 0xFFFF == 0xE96D:  # STRD Rt, Rt2, [SP, #-imm8]!
        return 4 * (i.second & 0xFF)
    if i.first & 0xFFEF == 0xEBAD and i.second & 0x0F00 == 0x0D00:  # SUB.W SP, SP, Rm
        return None
    return 0


def _expanded(imm12: int) -> int:
    """ThumbExpandImm (A5.3.2)."""
    if imm12 >> 10 == 0:
        byte = imm12 & 0xFF
        return (byte, byte * 0x00010001, byte * 0x01000100, byte * 0x01010101)[imm12 >> 8]
    value, rotation = 0x80 | imm12 & 0x7F, imm12 >> 7
    return (value >> rotation | value << (32 - rotation)) & 0xFFFFFFFF


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
