# SPDX-License-Identifier: Apache-2.0
"""States that count, sum or average what went before: a running mean's, a cumulative normalization's. They are float32.

Integers of 16 bits hold neither a sum that grows for hours nor what a slow mean is moved by in one frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from codesign.compiler.model.graph import Graph, State
from codesign.compiler.operators import Activation, Binary, Layout, Mean, Operator

_KEEPS_KIND = frozenset(("abs", "clip", "neg", "relu"))
"""Functions that may stand between a state and its next value."""


@dataclass(frozen=True)
class FloatStates:
    """Operators by name, in order, that are computed in float32 for the states, and these states' inputs."""

    ops: tuple[str, ...]
    states: tuple[str, ...]


def float_states(graph: Graph, real: Callable[[str], bool]) -> tuple[FloatStates, ...]:
    """The groups of states that go together, each with what moves them on and what is made of them; `real` says which values
    are real numbers before, so that operators between these and the states need round nothing.
    """
    able = {state.input: cycle for state in graph.states if (cycle := _cycle(graph, state)) is not None}
    while True:
        counted = _counted(graph, able)
        kept = {name: cycle for name, cycle in able.items() if _is_linear(name, cycle, counted)}
        if len(kept) == len(able):
            break
        able = kept
    groups = [_Group({name}, {op.name for op in cycle}) for name, cycle in able.items() if name not in counted]
    while True:
        before = [(set(group.states), set(group.ops)) for group in groups]
        for group in groups:
            _grow(graph, group, counted, real)
        groups = _joined(graph, groups)
        if before == [(group.states, group.ops) for group in groups]:
            break
    groups = [group for group in groups if is_convex(graph, group.ops)]
    counters = _Group({name for name in able if name in counted}, set())
    counters.ops = {op.name for op in graph.schedule if counted.issuperset({*op.sources, *op.outputs}) and op.sources}
    readers = [group for group in groups if counted & group.reads(graph)]
    if len(readers) == 1:
        readers[0].states |= counters.states
        readers[0].ops |= counters.ops
    elif counters.states:
        groups.insert(0, counters)
    order = [op.name for op in graph.schedule]
    return tuple(FloatStates(tuple(n for n in order if n in group.ops), tuple(sorted(group.states))) for group in groups)


@dataclass
class _Group:
    """States and operators by name, as they grow."""

    states: set[str]
    ops: set[str]

    def reads(self, graph: Graph) -> set[str]:
        """What the operators read, the group's own values among it."""
        return {source for op in graph.ops if op.name in self.ops for source in op.sources}

    def gives(self, graph: Graph) -> set[str]:
        """The states, and what the operators make."""
        return self.states | {output for op in graph.ops if op.name in self.ops for output in op.outputs}


def is_convex(graph: Graph, ops: Iterable[str]) -> bool:
    """Whether nothing that the operators read is computed, by others, from what they make."""
    inside, tainted = set(ops), set[str]()
    for op in graph.schedule:
        if op.name in inside:
            if any(source in tainted for source in op.sources):
                return False
            continue
        made_inside = any((maker := graph.maker(source)) is not None and maker.name in inside for source in op.sources)
        if made_inside or any(source in tainted for source in op.sources):
            tainted |= set(op.outputs)
    return True


def _cycle(graph: Graph, state: State) -> tuple[Operator, ...] | None:
    """The operators between a state and its next value, if a float block can compute them all and one of them computes."""
    after = graph.next_value(state)
    if graph.state(after) is not None or any(graph.next_value(other) == state.input for other in graph.states):
        return None
    reached, ops = {state.input}, list[Operator]()
    for op in graph.schedule:
        if any(source in reached for source in op.sources):
            reached |= set(op.outputs)
            ops.append(op)
    wanted, cycle = {after}, list[Operator]()
    for op in reversed(ops):
        if any(output in wanted for output in op.outputs):
            wanted |= {source for source in op.sources if source in reached}
            cycle.insert(0, op)
    computes = any(not isinstance(op, Layout) for op in cycle)
    return tuple(cycle) if computes and all(op.has_float and not op.carried for op in cycle) else None


def _counted(graph: Graph, able: Mapping[str, tuple[Operator, ...]]) -> frozenset[str]:
    """Values that follow from constants and states alone, the features whatever they are: numbers of frames."""
    names = set(able)
    while True:
        known = set(names)
        for op in graph.schedule:
            if op.has_float and op.sources and all(source in known for source in op.sources):
                known |= set(op.outputs)
        kept = {name for name in names if (state := graph.state(name)) and graph.next_value(state) in known}
        if kept == names:
            return frozenset(known)
        names = kept


def _is_linear(name: str, cycle: tuple[Operator, ...], counted: frozenset[str]) -> bool:
    """Whether a state is moved on by sums, extremes and factors that no signal changes."""
    if name in counted:
        return True
    of_state = {name}
    for op in cycle:
        own = [source for source in op.sources if source in of_state]
        of_state |= set(op.outputs)
        if isinstance(op, Layout):
            continue
        if isinstance(op, Binary):
            others = [source for source in op.sources if source not in own]
            scaled = op.operation == "multiply"
            if scaled and (len(own) > 1 or any(source not in counted for source in others)):
                return False
            continue
        if not isinstance(op, Activation) or op.kind not in _KEEPS_KIND:
            return False
    return True


def _grow(graph: Graph, group: _Group, counted: frozenset[str], real: Callable[[str], bool]) -> None:
    """Add what else is computed beside the cycles: who reads the states, what follows of that and brings nothing new, and what
    alone leads there.
    """
    for op in graph.schedule:
        gives = group.gives(graph)
        if op.name in group.ops or not _is_elementwise(op) or not gives.intersection(op.sources):
            continue
        new = set(op.sources) - gives - counted - group.reads(graph)
        if not new or (group.states.intersection(op.sources) and is_convex(graph, {*group.ops, op.name})):
            group.ops.add(op.name)
    for op in reversed(graph.schedule):
        if op.name in group.ops or not op.has_float or op.carried or counted.issuperset(op.outputs):
            continue
        readers = {reader.name for output in op.outputs for reader in graph.readers(output)}
        if not readers & group.ops or any(graph.is_kept(output) for output in op.outputs):
            continue
        alone = readers <= group.ops and (isinstance(op, Binary | Mean | Layout) or op.compresses)
        if alone or (all(map(real, op.outputs)) and all(map(real, op.sources))):
            group.ops.add(op.name)


def _is_elementwise(op: Operator) -> bool:
    return op.has_float and isinstance(op, Binary | Activation) and op.clamp is None


def _joined(graph: Graph, groups: list[_Group]) -> list[_Group]:
    """Groups that share an operator, or hand values to each other, as one, where one layer can compute them."""
    found: list[_Group] = []
    for group in groups:
        for other in list(found):
            if _meet(graph, group, other) and is_convex(graph, group.ops | other.ops):
                found.remove(other)
                group = _Group(group.states | other.states, group.ops | other.ops)
        for other in found:
            group.ops -= other.ops  # one of them computes it
        found.append(group)
    return found


def _meet(graph: Graph, one: _Group, two: _Group) -> bool:
    """Whether groups share an operator, one reads what the other gives, or an operator reads what both give."""
    gives = one.gives(graph), two.gives(graph)
    if one.ops & two.ops or one.reads(graph) & gives[1] or two.reads(graph) & gives[0]:
        return True
    return any(_is_elementwise(op) and all(given.intersection(op.sources) for given in gives) for op in graph.ops)
