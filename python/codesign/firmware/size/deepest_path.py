# SPDX-License-Identifier: Apache-2.0
"""The most expensive way through a call graph on which no function occurs twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MAX_STEPS = 100_000
_MAX_GROUP = 64


@dataclass(frozen=True)
class CallSite:
    """A call at stack depth `depth`; `certain` unless it is only possible that a pointer leads to `target`."""

    depth: int
    target: int
    certain: bool


Calls = Mapping[int, Sequence[CallSite]]
Path = tuple[tuple[int, int], ...]  # (function, bytes that it adds)


def deepest_path(entry: int, frames: Mapping[int, int], calls: Calls) -> tuple[int, Path]:
    """Bytes and path of the deepest stack from `entry`, with no function active twice.

    Functions that can call each other are a group. Inside small groups every order of calls is tried; a large one, or one with
    too many orders, counts with all its functions at once, which is more than any order needs.
    """
    worst: dict[int, tuple[int, Path]] = {}
    for group in groups(entry, calls):  # called ones first
        members = set(group)
        search = _Search(frames, calls, worst, members)
        # All results of a group together: none may see another's.
        worst.update({node: search.result(node) for node in group})
    return worst[entry]


class _Search:
    def __init__(self, frames: Mapping[int, int], calls: Calls, worst: Mapping[int, tuple[int, Path]], group: set[int]) -> None:
        self._frames = frames
        self._calls = calls
        self._worst = worst
        self._group = group
        self._steps = 0

    def result(self, node: int) -> tuple[int, Path]:
        if len(self._group) > _MAX_GROUP:
            return self._all_at_once(node)
        self._steps = 0
        try:
            return self._deepest(node, {node})
        except _TooManySteps:
            return self._all_at_once(node)

    def _deepest(self, node: int, active: set[int]) -> tuple[int, Path]:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _TooManySteps
        best: tuple[int, Path] = (self._frames[node], ((node, self._frames[node]),))
        for call in self._calls[node]:
            if call.target not in self._group:
                below = self._worst[call.target]
            elif call.target in active:
                continue
            else:
                below = self._deepest(call.target, active | {call.target})
            if call.depth + below[0] > best[0]:
                best = (call.depth + below[0], ((node, call.depth), *below[1]))
        return best

    def _all_at_once(self, node: int) -> tuple[int, Path]:
        inside = {n: max((c.depth for c in self._calls[n] if c.target in self._group), default=0) for n in self._group}
        last: tuple[int, Path] = (0, ())
        for member in self._group:
            below: list[tuple[int, Path]] = [(self._frames[member], ((member, self._frames[member]),))]
            for call in self._calls[member]:
                if call.target not in self._group:
                    bytes_below, path = self._worst[call.target]
                    below.append((call.depth + bytes_below, ((member, call.depth), *path)))
            last = max(last, *below, key=lambda way: way[0])
        before = [node, *sorted(self._group - {node, last[1][0][0]})]
        path = (*((member, inside[member]) for member in before), *last[1])
        return sum(inside[member] for member in before) + last[0], path


class _TooManySteps(Exception):  # noqa: N818 - control flow
    pass


def groups(entry: int, calls: Calls) -> Iterator[list[int]]:
    """Strongly connected components of what `entry` reaches, called ones before their callers (Tarjan, without recursion)."""
    number: dict[int, int] = {entry: 0}
    low: dict[int, int] = {entry: 0}
    waiting, open_nodes = [entry], {entry}
    stack = [(entry, iter(calls[entry]))]
    while stack:
        node, remaining = stack[-1]
        for call in remaining:
            target = call.target
            if target not in number:
                number[target] = low[target] = len(number)
                waiting.append(target)
                open_nodes.add(target)
                stack.append((target, iter(calls[target])))
                break
            if target in open_nodes:
                low[node] = min(low[node], number[target])
        else:
            stack.pop()
            if stack:
                low[stack[-1][0]] = min(low[stack[-1][0]], low[node])
            if low[node] == number[node]:
                index = waiting.index(node)
                group, waiting[index:] = waiting[index:], []
                open_nodes.difference_update(group)
                yield group


def recursions(entry: int, calls: Calls) -> list[list[int]]:
    """One cycle, first function repeated at the end, of every group of functions that call each other and grow the stack."""
    found = []
    for group in groups(entry, calls):
        members = set(group)
        growing = [(n, c.target) for n in group for c in calls[n] if c.target in members and c.depth > 0]
        if growing:
            caller, target = growing[0]
            found.append([caller, *_way(target, caller, members, calls)])
    return found


def _way(start: int, goal: int, members: set[int], calls: Calls) -> list[int]:
    """Shortest way from `start` to `goal` inside `members`."""
    before: dict[int, int] = {start: start}
    queue = [start]
    for node in queue:
        if node == goal:
            break
        for call in calls[node]:
            if call.target in members and call.target not in before:
                before[call.target] = node
                queue.append(call.target)
    way = [goal]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]
