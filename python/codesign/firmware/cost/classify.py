# SPDX-License-Identifier: Apache-2.0
"""Thumb instructions to timing classes with the registers that they read and write. Scalars are decoded by Capstone; the vector
and loop instructions of Armv8.1-M, which it does not know, by `vectors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from codesign.firmware.cost.operation import Classified
from codesign.firmware.cost.vectors import vector_operation
from codesign.firmware.disassembler import disassemble

_MAC = ("mla", "mls", "smla", "smls", "smmla", "smmls", "umla", "umaal")
_MULTIPLY = ("mul", "smul", "umull", "smmul", "smua", "smus")
_BITFIELD = ("bfi", "bfc", "ubfx", "sbfx", "clz", "rev", "rbit", "sxtb", "sxth", "uxtb", "uxth")
_EXTEND_ADD = ("sxta", "uxta", "pkh")
_DSP = ("sxtb16", "uxtb16", "ssat", "usat", "sel", "usad", "qadd", "qsub", "qdadd", "qdsub", "sadd")
_DSP_ARITHMETIC = ("ssub", "uadd", "usub", "shadd", "shsub", "uhadd", "uhsub", "uqadd", "uqsub", "sasx", "ssax", "uasx", "usax")
_LOAD_MULTIPLES = ("ldm", "ldmdb", "pop", "ldrd", "vldmia", "vldmdb", "vpop")
_STORE_MULTIPLES = ("stm", "stmdb", "push", "strd", "vstmia", "vstmdb", "vpush")
_REGISTER, _MEMORY = 1, 3  # Capstone's ARM_OP_REG and ARM_OP_MEM
_BRANCH = ("b", "bl", "bx", "blx", "bxns", "blxns", "cbz", "cbnz", "tbb", "tbh")


def operations(code: bytes, address: int) -> Iterator[Classified]:
    """The instructions of `code`, which runs at `address`."""
    position = 0
    while position + 2 <= len(code):
        wide = code[position + 1] >= 0xE8
        yield _operation(code[position : position + (4 if wide else 2)], address + position)
        position += 4 if wide else 2


@cache
def _operation(code: bytes, address: int) -> Classified:
    if len(code) == 4 and (vector := vector_operation(code[0] | code[1] << 8, code[2] | code[3] << 8)):
        return vector
    decoded = disassemble(code, address)
    if decoded is None:
        return Classified("alu")
    return _scalar(decoded, decoded.insn_name())


def _scalar(decoded: Any, name: str) -> Classified:
    reads, writes = ([decoded.reg_name(r) for r in group] for group in decoded.regs_access())
    listed = [decoded.reg_name(op.reg) for op in decoded.operands if op.type == _REGISTER]
    if name in _LOAD_MULTIPLES or name in _STORE_MULTIPLES:
        return _multiple(decoded, name, listed, reads)
    kind = _kind(name, decoded)
    accumulator = listed[-1] if kind == "mac" and len(listed) == 4 else ""
    if name in ("smlal", "umlal", "smlald", "smlalbb", "smlalbt", "smlaltb", "smlaltt") and len(listed) == 4:
        reads, accumulator = [*reads, *listed[:2]], listed[0]
    if kind == "extend_add":  # Capstone leaves the second operand out
        reads = listed[1:]
    bank = ""
    if kind in ("load", "fp_load"):
        memory = next((op.mem for op in decoded.operands if op.type == _MEMORY), None)
        if memory is not None and memory.index == 0:
            bank = f"{decoded.reg_name(memory.base)}:{memory.disp >> 2 & 1}"
    updated = _base(decoded) if decoded.writeback else ""
    targets = tuple(register for register in writes if register not in ("pc", updated))
    return Classified(kind, tuple(reads), targets, accumulator, updated, 1, bank)


def _multiple(decoded: Any, name: str, listed: list[str], reads: list[str]) -> Classified:
    stack, pair = name in ("pop", "push", "vpop", "vpush"), name in ("ldrd", "strd")
    moved = listed if stack or pair else listed[1:]
    floating, loads = name.startswith("v"), name in _LOAD_MULTIPLES
    kind = f"{'fp_' if floating else ''}{'load' if loads else 'store'}_multiple"
    words = sum(2 if register.startswith("d") else 1 for register in moved)
    targets = tuple(register for register in moved if register != "pc") if loads else ()
    updated = "sp" if stack else (_base(decoded) if pair else listed[0]) if decoded.writeback else ""
    sources = (*reads, *(() if loads else moved))
    return Classified(kind, sources, targets, "", updated, words)


def _base(decoded: Any) -> str:
    """Base register of a load or store of one register or a pair."""
    return next((str(decoded.reg_name(op.mem.base)) for op in decoded.operands if op.type == _MEMORY), "")


def _kind(name: str, decoded: Any) -> str:
    if name.startswith("v"):
        return _floating(name, decoded)
    if name in _BRANCH:
        return "branch"
    if name.startswith(("ldr", "lda")):
        return "load"
    if name.startswith(("str", "stl")):
        return "store"
    if name in ("sdiv", "udiv"):
        return "divide"
    if name.startswith("it"):
        return "it"
    if name.startswith(_MAC):
        return "mac"
    if name.startswith(_MULTIPLY):
        return "multiply"
    if name.startswith(_EXTEND_ADD):
        return "extend_add"
    if name.startswith(_DSP + _DSP_ARITHMETIC):
        return "dsp"
    if name.startswith(_BITFIELD):
        return "bitfield"
    moves = name in ("lsl", "lsr", "asr", "ror", "mov", "mvn")
    return "shifted" if not moves and any(op.shift.type for op in decoded.operands) else "alu"


def _floating(name: str, decoded: Any) -> str:
    if name == "vldr":
        return "fp_load"
    if name == "vstr":
        return "fp_store"
    if name.startswith(("vmla", "vmls", "vfma", "vfms", "vnmla", "vnmls", "vfnm")):
        return "fp_mac"
    if name in ("vdiv", "vsqrt"):
        return "fp_divide"
    core = any(op.type == _REGISTER and decoded.reg_name(op.reg)[0] in "rli" for op in decoded.operands)
    return "fp_move" if name in ("vmrs", "vmsr") or (name == "vmov" and core) else "fp_arithmetic"
