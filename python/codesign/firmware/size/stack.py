# SPDX-License-Identifier: Apache-2.0
"""The deepest stack that an image can use: its call graph with the depth at every call, read from the machine code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codesign.base.errors import InputError
from codesign.firmware.elf import read_elf
from codesign.firmware.size.code import Code
from codesign.firmware.size.deepest_path import CallSite, deepest_path, recursions
from codesign.firmware.size.flow import Flow, Site, follow
from codesign.firmware.size.stack_usage import FrameUsage, read_stack_usage, usage_of

_ROOT = -1


@dataclass(frozen=True)
class StackReport:
    """Worst case from `entry` on: `bytes` in all, and `path` with the bytes that each function adds.

    `unbounded` is the reason why there is no worst case (recursion, a frame of variable size), "" when there is one; `bytes`
    and `path` are then the deepest without it. `assumption` is what `bytes` rests on when calls through pointers could, as far
    as the code shows, enter a function that is already active. Interrupts come on top: per nested level 32 bytes (104 with
    floating point) and the handler's own worst case.
    """

    entry: str
    bytes: int
    path: tuple[tuple[str, int], ...]
    unbounded: str = ""
    assumption: str = ""


def worst_stack(
    elf: Path,
    entry: str,
    stack_usage: Iterable[Path] = (),
    indirect: Mapping[str, Collection[str]] | None = None,
) -> StackReport:
    """The deepest stack of `entry` and everything it calls.

    Frames come from the code itself; where a compiler's .su file in `stack_usage` says more, it counts. A call through a
    pointer may reach every function whose address is taken, unless `indirect` names the functions that this caller reaches.
    No function is taken to be entered again through a pointer while it is active; `assumption` says where that matters.

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
            pending = [c.target for flow in self._flows.values() for c in self._calls(flow) if c.target not in self._flows]
            pending = [t for t in dict.fromkeys(pending) if self._code.function(t) is not None]

    def _calls(self, flow: Flow) -> list[CallSite]:
        """Every call that `flow` can make: the deepest to each target."""
        calls: dict[int, CallSite] = {}
        for site in sorted(flow.sites, key=lambda s: (s.depth, s.target or 0)):
            certain = site.target is not None or flow.function.name in self._chosen
            for target in sorted(self._targets(flow, site)):
                known = calls.get(target)
                calls[target] = CallSite(site.depth, target, certain or (known is not None and known.certain))
        return list(calls.values())

    def _targets(self, flow: Flow, site: Site) -> Collection[int]:
        if site.target is not None:
            return (site.target,)
        return self._chosen.get(flow.function.name, self._taken)

    def report(self, entry: int) -> StackReport:
        """The deepest stack from `entry`, what makes it unbounded and what it rests on."""
        known = {node: [c for c in self._calls(flow) if c.target in self._flows] for node, flow in self._flows.items()}
        certain = {node: [c for c in calls if c.certain] for node, calls in known.items()}
        reasons = [flow.problem for flow in self._flows.values() if flow.problem]
        # By certain calls alone `entry` does not lead everywhere.
        everywhere = certain | {_ROOT: [CallSite(0, node, certain=True) for node in certain]}
        reasons += [f"recursion {self._names(cycle)}" for cycle in recursions(_ROOT, everywhere)]
        possible = [] if reasons else recursions(entry, known)
        frames = {node: flow.frame for node, flow in self._flows.items()}
        total, path = deepest_path(entry, frames, known)
        return StackReport(
            entry=self._name(entry),
            bytes=total,
            path=tuple((self._name(node), size) for node, size in path),
            unbounded="; ".join(dict.fromkeys(reasons)),
            assumption="; ".join(f"pointers do not lead to {self._names(cycle)}" for cycle in possible),
        )

    def _names(self, cycle: list[int]) -> str:
        return " → ".join(self._name(node) for node in cycle)

    def _name(self, address: int) -> str:
        return self._flows[address].function.name


def _with_usage(flow: Flow, frames: Mapping[tuple[str, str], FrameUsage]) -> Flow:
    """`flow` with what the compiler says about the function, which knows frames that the code does not show."""
    usage = usage_of(frames, flow.function.file, flow.function.name)
    if usage is None:
        return flow
    problem = "" if usage.bounded else f"{flow.function.name} has a frame of variable size"
    more = max(0, usage.bytes - flow.frame)
    sites = {Site(site.depth + more if site.depth or flow.problem else 0, site.target) for site in flow.sites}
    return Flow(flow.function, flow.frame + more, sites, flow.numbers, problem)
