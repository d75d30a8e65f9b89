"""Worst-case stack: frames of all functions along the deepest path of the call graph, from the ELF's own code.

What is assumed: a call through a pointer that the code loads from offset n of a structure reaches the functions that constant
tables hold at offset n; a pointer loaded in some other way may reach every function whose address is stored anywhere. A function
that changes SP in several places is counted with the sum.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesign.elf import Elf, Symbol
from codesign.size.thumb import branch_target, decode, indirect_register, loads, stack_growth

DECLARED = ".stack_bytes"
"""Hand-written assembly declares its frame, and that it calls nothing, with an absolute symbol <function>.stack_bytes."""


@dataclass(frozen=True)
class StackReport:
    """Bytes of stack below `entry`'s caller, at most; `path` is the deepest chain of (function, its own bytes).

    `unbounded` says why there is no bound (recursion, a frame of variable size), and is empty otherwise.
    """

    entry: str
    bytes: int
    path: tuple[tuple[str, int], ...]
    unbounded: str = ""


def worst_stack(elf: Path, entry: str, stack_usage: Sequence[Path] = ()) -> StackReport:
    """Worst-case stack of the function `entry`. Frames come from .su files (-fstack-usage) where these name a function.

    Raises:
        InputError: no sound Arm ELF, or no such function.
    """
    image = Elf(elf)
    image.symbol(entry)
    program = _Program(image, _read_stack_usage(stack_usage))
    try:
        size, path = program.deepest(entry, ())
    except _UnboundedError as reason:
        return StackReport(entry, 0, (), str(reason))
    return StackReport(entry, size, path)


class _UnboundedError(Exception):
    """There is no bound; the message says why."""


class _Program:
    def __init__(self, image: Elf, frames: dict[str, int]) -> None:
        self._functions = sorted((s for s in image.symbols if s.is_function and s.size > 0), key=lambda s: s.address)
        self._starts = [function.address for function in self._functions]
        self._by_name = {function.name: function for function in self._functions}
        self._frames = frames
        self._declared = {
            s.name.removesuffix(DECLARED): s.address for s in image.symbols if s.name.endswith(DECLARED)
        }
        self._contents = image.contents()
        self._literals = _literal_pools(image)
        self._at_offset, self._taken = self._address_taken(image)
        self._known: dict[str, tuple[int, tuple[tuple[str, int], ...]]] = {}

    def deepest(self, name: str, chain: tuple[str, ...]) -> tuple[int, tuple[tuple[str, int], ...]]:
        """Bytes and path below and including `name`."""
        if name in self._known:
            return self._known[name]
        if name in chain:
            cycle = (*chain[chain.index(name) :], name)
            raise _UnboundedError(f"recursion: {' → '.join(cycle)}")
        frame, callees = self._analyse(self._by_name[name])
        best: tuple[int, tuple[tuple[str, int], ...]] = (0, ())
        for callee in sorted(callees):
            best = max(best, self.deepest(callee, (*chain, name)), key=lambda found: found[0])
        self._known[name] = (frame + best[0], ((name, frame), *best[1]))
        return self._known[name]

    def _analyse(self, function: Symbol) -> tuple[int, set[str]]:
        """Own frame in bytes, and the functions that it may call."""
        if function.name in self._declared:
            return self._declared[function.name], set()
        frame, callees = 0, set()
        loaded_from: dict[int, int] = {}
        for instruction in decode(self._code(function), function.address):
            if instruction.address in self._literals:
                continue
            growth = stack_growth(instruction)
            if growth is None and function.name not in self._frames:
                raise _UnboundedError(f"{function.name} has a frame of variable size")
            frame += growth or 0
            target = branch_target(instruction)
            if target is not None and not function.address <= target < function.address + function.size:
                callees.add(self._name_at(target))
            if target == function.address and instruction.second is not None:
                callees |= {function.name} if instruction.second & 0x5000 == 0x5000 else set()
            register = indirect_register(instruction)
            if register is not None:
                callees |= self._at_offset.get(loaded_from.get(register, -1), self._taken)
            loaded_from |= loads(instruction)
        return self._frames.get(function.name, frame), callees - {""}

    def _code(self, function: Symbol) -> bytes:
        for address, data in self._contents:
            if address <= function.address < address + len(data):
                start = function.address - address
                return data[start : start + function.size]
        return b""

    def _name_at(self, address: int) -> str:
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return ""
        function = self._functions[index]
        return function.name if address < function.address + function.size else ""

    def _address_taken(self, image: Elf) -> tuple[dict[int, set[str]], set[str]]:
        """Functions whose addresses constant objects hold, by the offset in the object; and all of them."""
        entries = {function.address | 1: function.name for function in self._functions}
        objects = [s for s in image.symbols if s.kind == "STT_OBJECT" and s.size > 0 and s.section != ".vectors"]
        at_offset: dict[int, set[str]] = defaultdict(set)
        for symbol in objects:
            for offset in range(0, symbol.size - 3, 4):
                name = entries.get(self._word(symbol.address + offset))
                if name:
                    at_offset[offset].add(name)
        taken = set().union(*at_offset.values()) if at_offset else set()
        for address in self._literals:
            name = entries.get(self._word(address))
            if name:
                taken.add(name)
        return at_offset, taken

    def _word(self, address: int) -> int:
        for start, data in self._contents:
            if start <= address and address + 4 <= start + len(data):
                return int.from_bytes(data[address - start : address - start + 4], "little")
        return 0


def _literal_pools(image: Elf) -> set[int]:
    """Addresses (every halfword) between mapping symbols $d and $t: data inside code (AAELF32 5.5.5)."""
    marks = sorted({(s.address, s.name[:2]) for s in image.symbols if re.match(r"\$[dt](\.|$)", s.name)})
    code = [(s.address, s.address + s.size) for s in image.sections if s.load is not None]
    result: set[int] = set()
    for index, (start, kind) in enumerate(marks):
        end = next((end for begin, end in code if begin <= start < end), start)
        stop = min(marks[index + 1][0], end) if index + 1 < len(marks) else end
        if kind == "$d" and stop - start < 65536:
            result.update(range(start & ~1, stop, 2))
    return result


def _read_stack_usage(files: Iterable[Path]) -> dict[str, int]:
    """{function: bytes} of the functions with a static or bounded frame that the files name once."""
    seen: dict[str, list[int]] = defaultdict(list)
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            place, size, qualifier = line.rsplit("\t", 2)
            if qualifier in ("static", "dynamic,bounded"):
                seen[place.rsplit(":", 1)[-1]].append(int(size))
    return {name: sizes[0] for name, sizes in seen.items() if len(sizes) == 1}
