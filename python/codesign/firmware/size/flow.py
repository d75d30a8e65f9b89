# SPDX-License-Identifier: Apache-2.0
"""Stack depth inside one function: its instructions are followed along every branch, with SP's distance from the entry."""

from __future__ import annotations

from dataclasses import dataclass, field

from codesign.firmware.size.code import Code, CodeRange
from codesign.firmware.size.thumb import LR, PC, SP, Effect, Instruction, decode

# ("sp", offset from SP at the entry), ("number", value), or ("inside", 0): a computed address in this function
Value = tuple[str, int]
Registers = dict[int, Value]  # values of registers, and at _BOUND + register what it was last compared with
_BOUND = 16

_MAX_VISITS = 64
_CALLER_SAVED = (0, 1, 2, 3, 12, LR)


@dataclass(frozen=True)
class Site:
    """A call (or jump out of the function) at stack depth `depth`; `target` None when it goes through a pointer."""

    depth: int
    target: int | None


@dataclass
class Flow:
    """What a function does to the stack. `problem` says why `frame` is not a bound, "" when it is one."""

    function: CodeRange
    frame: int = 0
    sites: set[Site] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)  # odd constants it computes: perhaps addresses of functions
    problem: str = ""


def follow(code: Code, function: CodeRange) -> Flow:
    """Follow `function` from its entry."""
    return _Walk(code, function).run()


class _Walk:
    def __init__(self, code: Code, function: CodeRange) -> None:
        self._code = code
        self._function = function
        section = code.section_at(function.start)
        assert section is not None, "functions lie in sections"
        assert section.data is not None
        self._data, self._base = section.data, section.run
        self._flow = Flow(function)
        self._seen: dict[int, Registers] = {}
        self._visits: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._open: list[tuple[int, Registers]] = []
        self._computed: Registers | None = None  # at jumps to computed addresses in this function

    def run(self) -> Flow:
        self._open.append((self._function.start, {SP: ("sp", 0)}))
        self._drain()
        # What no branch leads to comes after a jump that was not understood, or dead: taken to run at full depth.
        while (address := self._unreached()) is not None:
            self._open.append((address, (self._computed or {}) | {SP: ("sp", -self._flow.frame)}))
            self._drain()
        return self._flow

    def _drain(self) -> None:
        while self._open:
            address, registers = self._open.pop()
            self._straight(address, registers)

    def _straight(self, address: int, registers: Registers) -> None:
        """Follow instructions until one does not fall through or nothing new is learned."""
        conditional = 0
        while self._function.start <= address < self._function.end and not self._code.is_data(address):
            merged = self._merge(address, registers)
            if merged is None:
                return
            try:
                instruction = decode(self._data, address - self._base, address)
            except IndexError:
                return
            self._sizes[address] = instruction.size
            before, registers = merged, self._apply(dict(merged), instruction.effects)
            self._branches(address, instruction, registers)
            if instruction.link:
                for register in _CALLER_SAVED:
                    registers.pop(register, None)
                    registers.pop(_BOUND + register, None)
            if instruction.ends and not conditional:
                return
            if conditional:
                registers = before if instruction.ends else _meet(before, registers)
                conditional -= 1
            conditional = conditional or instruction.covers
            address += instruction.size

    def _merge(self, address: int, registers: Registers) -> Registers | None:
        """The state to go on with at `address`, None when it was there before with a state that includes this one."""
        known = self._seen.get(address)
        merged = dict(registers) if known is None else _meet(known, registers)
        if merged == known:
            return None
        self._visits[address] = self._visits.get(address, 0) + 1
        if self._visits[address] > _MAX_VISITS:
            self._problem(f"{self._function.name} takes more stack in each round of a loop")
            return None
        self._seen[address] = merged
        self._note_depth(merged)
        return merged

    def _note_depth(self, registers: Registers) -> None:
        kind, offset = registers.get(SP, ("", 0))
        if kind == "sp":
            self._flow.frame = max(self._flow.frame, -offset)
        else:
            self._problem(f"{self._function.name} moves the stack pointer by an amount that is not constant")

    def _problem(self, text: str) -> None:
        self._flow.problem = self._flow.problem or text

    def _depth(self, registers: Registers) -> int:
        kind, offset = registers.get(SP, ("", 0))
        return max(0, -offset) if kind == "sp" else self._flow.frame

    def _apply(self, registers: Registers, effects: tuple[Effect, ...]) -> Registers:
        for effect in effects:
            if effect.kind == "compare":
                registers[_BOUND + effect.rd] = ("number", effect.value)
                continue
            value = self._value(registers, effect)
            registers.pop(_BOUND + effect.rd, None)
            if value is None:
                registers.pop(effect.rd, None)
                continue
            if effect.rd == SP and value[0] == "number":
                value = ("sp", 0)  # start-up code and schedulers change to another stack
            if value[0] == "number" and value[1] & 1:
                self._flow.numbers.add(value[1])
            registers[effect.rd] = value
        self._note_depth(registers)
        return registers

    def _value(self, registers: Registers, effect: Effect) -> Value | None:
        if effect.kind == "const":
            return ("number", effect.value & 0xFFFFFFFF)
        if effect.kind == "load":
            word = self._code.word(effect.value)
            return None if word is None else ("number", word)
        if effect.kind == "lost":
            return None
        if effect.kind == "reg":
            return self._sum(registers.get(effect.rn), registers.get(effect.rm), effect.value)
        base = registers.get(effect.rd if effect.kind == "high" else effect.rn)
        if base is None:
            return None
        kind, value = base
        if effect.kind == "or":
            return None if kind == "sp" else (kind, value | effect.value if kind == "number" else 0)
        if effect.kind == "high":
            return ("number", effect.value << 16 | value & 0xFFFF) if kind == "number" else None
        if kind == "inside":
            return base
        if effect.kind == "align":  # how far SP moves is not known; at most this far
            return (kind, value - effect.value if kind == "sp" else value & ~effect.value)
        value += effect.value
        return (kind, value if kind == "sp" else value & 0xFFFFFFFF)

    def _sum(self, first: Value | None, second: Value | None, sign: int) -> Value | None:
        if first and second and second[0] == "number" and first[0] != "inside":
            amount = second[1] - (1 << 32) if second[1] >> 31 else second[1]
            value = first[1] + sign * amount
            return (first[0], value if first[0] == "sp" else value & 0xFFFFFFFF)
        for known in (first, second):  # an index added to the address of code in this function
            if known and (known[0] == "inside" or (known[0] == "number" and self._is_here(known[1]))):
                return ("inside", 0)
        return None

    def _is_here(self, address: int) -> bool:
        return self._function.start < address < self._function.end and not self._code.is_data(address)

    def _branches(self, address: int, instruction: Instruction, registers: Registers) -> None:
        if instruction.table:
            self._table(address, instruction, registers)
        elif instruction.target is not None:
            self._go(instruction.target, registers, link=instruction.link)
        elif instruction.through is not None and (instruction.through != LR or instruction.link):
            kind, value = registers.get(instruction.through, ("", 0))
            if kind == "number":
                self._go(value & ~1, registers, link=instruction.link)
            elif instruction.through != PC and kind != "inside":
                self._flow.sites.add(Site(self._depth(registers), None))
            else:
                self._computed = dict(registers) if self._computed is None else _meet(self._computed, registers)

    def _go(self, target: int, registers: Registers, *, link: bool) -> None:
        if not link and self._function.start <= target < self._function.end:
            self._open.append((target, dict(registers)))
        else:
            self._flow.sites.add(Site(self._depth(registers), target))

    def _table(self, address: int, instruction: Instruction, registers: Registers) -> None:
        """TBB and TBH: the table lies after the instruction and has as many entries as the index was compared with.

        Without a comparison it ends where its nearest target or, by $t symbols, the next code begins.
        """
        if instruction.through != PC:
            return
        base = entry = address + 4
        end = self._code.next_code(base, self._function.end) if self._code.is_data(base) else self._function.end
        _, bound = registers.get(_BOUND + instruction.index, ("", -1))
        if bound >= 0:
            end = min(end, base + (bound + 1) * instruction.table)
        while entry + instruction.table <= end:
            offset = entry - self._base
            target = base + 2 * int.from_bytes(self._data[offset : offset + instruction.table], "little")
            if target > base and target < self._function.end and not self._code.is_data(target):
                self._open.append((target, dict(registers)))
                end = min(end, target)
            entry += instruction.table

    def _unreached(self) -> int | None:
        """The first instruction of the function that was not followed yet; padding does not count."""
        if not self._code.has_marks(self._function.start):
            return None
        address, end = self._function.start, self._function.end
        while address + 2 <= end:
            if address in self._sizes:
                address += self._sizes[address]
            elif self._code.is_data(address):
                address = self._code.next_code(address, end)
            else:
                offset = address - self._base
                if self._data[offset : offset + 2] not in (b"\x00\x00", b"\x00\xbf") and address not in self._seen:
                    return address
                address += 2
        return None


def _meet(a: Registers, b: Registers) -> Registers:
    """What holds on both ways; of two stack depths the deeper one."""
    both = {register: value for register, value in a.items() if b.get(register) == value}
    first, second = a.get(SP), b.get(SP)
    if first and second and first[0] == second[0] == "sp":
        both[SP] = ("sp", min(first[1], second[1]))
    return both
