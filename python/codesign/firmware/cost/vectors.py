# SPDX-License-Identifier: Apache-2.0
"""Vector and loop instructions of Armv8.1-M to timing classes with their registers, by their encodings.

Those are in the Armv8-M ARM, C2.2 and C2.4.

Products and floats are `vector_mac`; sums of products to a core register `vector_sum`; shifts that round, narrow or widen
`vector_shift`; all other arithmetic `vector_alu`. Predicates are no registers here.
"""

from __future__ import annotations

from codesign.firmware.cost.operation import Classified

_CORE = ("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "sb", "sl", "fp", "ip", "sp", "lr", "pc")


def vector_operation(h: int, g: int) -> Classified | None:
    """One instruction of two halfwords, None for what is neither of vectors nor of loops."""
    if h & 0xFF80 == 0xF000 and (g & 0xF001 == 0xC001 or g & 0xF801 == 0xE001):  # LE, WLS; DLS
        return Classified("loop")
    if h & 0xFFC0 == 0xF000 and g & 0xF801 == 0xE801:  # VCTP
        return Classified("vector_alu", (_CORE[h & 15],))
    if h & 0xEF80 == 0xEF00:
        return Classified(_kind_of_three(g), (_n(h), _m(g)), (_d(g),))
    if h & 0xEF80 == 0xEF80:
        constant = g & 0x10 != 0 and h & 0x38 == 0  # VMOV, VBIC and their like of a number
        return Classified(_kind_of_two(h, g, constant), () if constant else (_m(g),), (_d(g),))
    if h & 0xFFB1 == 0xEEA0 and g & 0x0F5F == 0x0B10:  # VDUP
        return Classified("vector_alu", (_CORE[g >> 12],), (_n(h),))
    if h & 0xFE00 == 0xFC00 and g & 0x0F50 == 0x0840:  # VCADD and VCMLA of floats
        return Classified("vector_mac", (_n(h), _m(g)), (_d(g),))
    if h & 0xEC00 != 0xEC00 or g >> 9 & 7 != 7:  # not in the space of coprocessors 14 and 15
        return None
    if h & 0xFFA0 == 0xEC00:  # VMOV between two core registers and two lanes
        pair, lanes = (_CORE[g & 15], _CORE[h & 15]), (_d(g),)
        return Classified("vector_alu", pair, lanes) if h & 0x10 else Classified("vector_alu", lanes, pair)
    if h & 0xEE00 == 0xEC00:
        return _transfer(h, g)
    return _sum_or_width(h, g) if h & 0x80 else _product_or_scalar(h, g)


def _transfer(h: int, g: int) -> Classified:
    """Loads and stores: of places that follow one another, of interleaved ones, of those that a vector names."""
    by_vector = h & 0xFF00 == 0xFD00
    apart = h & 0xFF00 == 0xFC00 or (h & 0xFE00 == 0xEC00 and h & 0x0020 == 0 and h & 0x0100 == 0)
    interleaved = apart and g & 0x1000 != 0
    base = _CORE[h & (15 if apart or g & 0x1000 else 7)]  # where lanes are wider than in memory, it is one of eight registers
    places = (_n(h),) if by_vector else (base, _m(g)) if apart and not interleaved else (base,)
    if h & 0x0010 == 0:
        return Classified("vector_store", (*places, _d(g)))
    return Classified("vector_gather" if apart or by_vector else "vector_load", places, (_d(g),))


def _kind_of_three(g: int) -> str:
    """Two vectors to a third of the same width."""
    operation, second = g >> 8 & 15, g & 0x10 != 0
    if operation in (12, 13, 15) or (operation, second) in ((9, True), (11, False)):
        return "vector_mac"
    return "vector_shift" if operation == 5 else "vector_alu"


def _kind_of_two(h: int, g: int, constant: bool) -> str:
    """One vector to another: shifts by a number, conversions, what is done to a lane alone."""
    operation = g >> 8 & 15
    if g & 0x10:
        rounds = operation == 2
        return "vector_mac" if operation >= 12 and not constant else "vector_shift" if rounds and not constant else "vector_alu"
    converts = h & 3 == 3 and operation in (0, 1, 2, 3, 6, 7)
    to_whole = h & 3 == 2 and operation in (4, 5)
    return "vector_mac" if h & 0x1000 and (converts or to_whole) else "vector_alu"


def _sum_or_width(h: int, g: int) -> Classified:
    """What goes from a whole vector to a core register, and between widths."""
    if g >> 8 & 15 == 14 or (g >> 8 & 15 == 15 and h & 0xEFF1 == 0xEEF0):  # bytes have an encoding of their own
        total = _CORE[g >> 12 & 14]
        added = total if g & 0x20 else ""
        return Classified("vector_sum", (_n(h), _m(g), *((added,) if added else ())), (total,), added)
    if h & 0xEFE0 == 0xEEE0 and g & 0x0F51 == 0x0F00:  # VADDV, VMAXV
        return Classified("vector_alu", (_m(g),), (_CORE[g >> 12 & 14],))
    return Classified("vector_shift", (_m(g),), (_d(g),))


def _product_or_scalar(h: int, g: int) -> Classified:
    """Products, comparisons, narrowing moves, and what has a core register for an operand."""
    operation, three, odd, scalar = g >> 8 & 15, h & 0x30 == 0x30, h & 1 != 0, g & 0x40 != 0
    sources = (_n(h), *(() if g & 15 == 15 else (_CORE[g & 15],))) if scalar else (_n(h), _m(g))
    if operation == 14:
        if three and odd and not scalar:  # VQMOVN
            return Classified("vector_shift", (_m(g),), (_d(g),))
        if three and scalar and g & 0x1000:  # VSHL
            return Classified("vector_shift" if h & 2 else "vector_alu", (_d(g), _CORE[g & 15]), (_d(g),))
        if not three and h & 0x1000 and g & 0x1060 == 0x1060:  # VBRSR
            return Classified("vector_alu", sources, (_d(g),))
        return Classified("vector_mac", (*sources, _d(g)) if g & 0x60 == 0x40 else sources, (_d(g),))  # VMLA adds to its result
    if three and not odd:  # VQDMULL, VADD of floats
        return Classified("vector_mac", sources, (_d(g),))
    if h & 0xFF31 == 0xFE31 and g & 0x1F5F == 0x0F4D:  # VPST, VPNOT
        return Classified("vector_alu")
    if odd and three == (h & 0x1000 == 0):  # VCMP, VPT
        return Classified("vector_alu", sources)
    if odd and not three and g & 0x60 == 0x60:  # VIDUP
        start = _CORE[h & 14]
        return Classified("vector_alu", (start,), (_d(g),), updated=start)
    return Classified("vector_alu", sources, (_d(g),))


def _d(g: int) -> str:
    return f"q{g >> 13 & 7}"


def _n(h: int) -> str:
    return f"q{h >> 1 & 7}"


def _m(g: int) -> str:
    return f"q{g >> 1 & 7}"
