"""The deepest stack that an image can use: its call graph with the depth at every call, read from the machine code."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.errors import InputError
from codesign.size.code import Code
from codesign.size.elf import read_elf
from codesign.size.flow import Flow, Site, follow
from codesign.size.stack_usage import FrameUsage, read_stack_usage


@dataclass(frozen=True)
class StackReport:
    """Worst case from `entry` on: `bytes` in all, and `path` with the bytes that each function adds.

    `unbounded` is the reason why there is no worst case (recursion, a frame of variable size), "" when there is one; `bytes`
    and `path` are then the deepest without it. Interrupts come on top: per nested level 32 bytes (104 with floating point) and
    the handler's own worst case.
    """

    entry: str
    bytes: int
    path: tuple[tuple[str, int], ...]
    unbounded: str = ""


def worst_stack(
    elf: Path,
    entry: str,
    stack_usage: Iterable[Path] = (),
    indirect: Mapping[str, Collection[str]] | None = None,
) -> StackReport:
    """The deepest stack of `entry` and everything it calls.

    Frames come from the code itself; where a compiler's .su file in `stack_usage` says more, it counts. A call through a
    pointer may reach every function whose address is taken, unless `indirect` names the functions that this caller reaches.

    Raises:
        InputError: not an Arm ELF, no function `entry`, or a .su file cannot be read.
    """
    code = Code(read_elf(elf))
    starts = code.functions_named(entry)
    if not starts:
        raise InputError(f"{elf} has no function {entry}", hint="name a function of the image; it must not be stripped")
    frames = read_stack_usage(stack_usage)
    chosen = {caller: _addresses(code, elf, names) for caller, names in (indirect or {}).items()}
    graph = _Graph(code, frames, chosen)
    graph.reach(starts[0])
    return graph.report(starts[0])


def _addresses(code: Code, elf: Path, names: Collection[str]) -> set[int]:
    found: set[int] = set()
    for name in names:
        if not (starts := code.functions_named(name)):
            raise InputError(f"{elf} has no function {name}", hint="correct the targets of indirect calls")
        found.update(starts)
    return found


class _Graph:
    def __init__(self, code: Code, frames: Mapping[tuple[str, str], FrameUsage], chosen: Mapping[str, set[int]]) -> None:
        self._code = code
        self._frames = frames
        self._chosen = chosen
        self._taken = code.addresses_in_data()
        self._flows: dict[int, Flow] = {}

    def reach(self, entry: int) -> None:
        """Follow every function that can be called from `entry`."""
        pending = [entry]
        while pending:
            while pending:
                address = pending.pop()
                if address in self._flows or (function := self._code.function(address)) is None:
                    continue
                flow = self._flows[address] = _with_usage(follow(self._code, function), self._frames)
                self._taken |= {n & ~1 for n in flow.numbers if self._code.is_function(n & ~1)}
                pending += [site.target for site in flow.sites if site.target is not None]
            # A function found through a pointer may take the address of another.
            pending = [t for flow in self._flows.values() for _, t in self._calls(flow) if t not in self._flows]
            pending = [t for t in dict.fromkeys(pending) if self._code.function(t) is not None]

    def _calls(self, flow: Flow) -> list[tuple[int, int]]:
        """(depth, target) of every call that `flow` can make, deepest first."""
        calls: dict[int, int] = {}
        for site in flow.sites:
            for target in self._targets(flow, site):
                calls[target] = max(site.depth, calls.get(target, 0))
        return sorted(((depth, target) for target, depth in calls.items()), key=lambda call: (-call[0], call[1]))

    def _targets(self, flow: Flow, site: Site) -> Collection[int]:
        if site.target is not None:
            return (site.target,)
        return self._chosen.get(flow.function.name, self._taken)

    def report(self, entry: int) -> StackReport:
        """Longest path from `entry`; calls back into the path are left out and reported."""
        worst: dict[int, int] = {}
        best: dict[int, tuple[int, int] | None] = {}
        reasons: list[str] = []
        path: list[tuple[int, list[tuple[int, int]]]] = [(entry, self._known_calls(entry))]
        active = {entry}
        while path:
            address, calls = path[-1]
            if calls:
                _, target = calls[-1]
                if target in worst or target in active:
                    if target in active:
                        reasons.append(self._recursion([a for a, _ in path], target))
                    calls.pop()
                else:
                    active.add(target)
                    path.append((target, self._known_calls(target)))
                continue
            flow = self._flows[address]
            if flow.problem:
                reasons.append(flow.problem)
            worst[address], best[address] = flow.frame, None
            for depth, target in self._known_calls(address):
                if target in worst and depth + worst[target] > worst[address]:
                    worst[address], best[address] = depth + worst[target], (depth, target)
            active.discard(address)
            path.pop()
        return StackReport(self._name(entry), worst[entry], self._path(entry, best), "; ".join(dict.fromkeys(reasons)))

    def _known_calls(self, address: int) -> list[tuple[int, int]]:
        return [call for call in self._calls(self._flows[address]) if call[1] in self._flows]

    def _path(self, entry: int, best: Mapping[int, tuple[int, int] | None]) -> tuple[tuple[str, int], ...]:
        path: list[tuple[str, int]] = []
        address = entry
        while (step := best[address]) is not None:
            path.append((self._name(address), step[0]))
            address = step[1]
        return (*path, (self._name(address), self._flows[address].frame))

    def _recursion(self, active: list[int], target: int) -> str:
        cycle = [*active[active.index(target) :], target]
        names = " → ".join(self._name(address) for address in cycle)
        direct = all(
            any(site.target == after for site in self._flows[before].sites) for before, after in itertools.pairwise(cycle)
        )
        return f"recursion {names}" + ("" if direct else " through a function pointer")

    def _name(self, address: int) -> str:
        return self._flows[address].function.name


def _with_usage(flow: Flow, frames: Mapping[tuple[str, str], FrameUsage]) -> Flow:
    """`flow` with what the compiler says about the function, which knows frames that the code does not show."""
    name = flow.function.name
    usage = frames.get((flow.function.file, name), frames.get(("", name)))
    if usage is None:
        return flow
    problem = "" if usage.bounded else f"{flow.function.name} has a frame of variable size"
    more = max(0, usage.bytes - flow.frame)
    sites = {Site(site.depth + more if site.depth or flow.problem else 0, site.target) for site in flow.sites}
    return Flow(flow.function, flow.frame + more, sites, flow.numbers, problem)
