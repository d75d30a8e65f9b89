# SPDX-License-Identifier: Apache-2.0
"""What integers do not hold is computed in float32: logarithms, small powers and reciprocals of a spectrum, and states that
count or average (float_states.py).

16 bits hold the loudest bin or the faintest one, not both: what a logarithm makes of the faint ones is lost before it is taken.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from codesign.compiler.frontend import Chain
from codesign.compiler.model.float_states import float_states, is_convex
from codesign.compiler.model.graph import Graph, Quant
from codesign.compiler.names import unused
from codesign.compiler.operators import FloatBlock, Layout, Linear, Mean, Operator, View


def with_float_entry(graph: Graph, said: str) -> Graph:
    """The graph with the operators between the features and their logarithms, and what else is made of these alone, as one
    FloatBlock, and those around states that count or average as others; the graph itself where there is nothing of the kind. A
    quantized graph has them where its file has `said` so.
    """
    if graph.tflite or (graph.quants and said != "entry"):
        return graph
    wide = _is_wide(graph.frontend)
    real = {graph.input: None, **_able(graph, ())} if wide else {}
    groups = float_states(graph, real.__contains__)
    entry = {op.name for op in _entry(graph, [state for group in groups for state in group.states])} if wide else set()
    apart, states = [], list[str]()
    for group in groups:
        reads = {source for op in graph.ops if op.name in group.ops for source in op.sources}
        both = {*entry, *group.ops}
        if wide and (graph.input in reads or entry & set(group.ops) or _touch(graph, entry, reads)) and is_convex(graph, both):
            entry, states = both, [*states, *group.states]
        else:
            apart.append(group)
    blocks = [(entry, states)] if entry else []
    blocks += [(set(group.ops), list(group.states)) for group in apart]
    shared = {name for names, _ in blocks for name in names}
    for names, kept in blocks:
        handed = {name for name in graph.shapes if (readers := graph.readers(name)) and _all_real(readers, shared - names)}
        graph = _with_block(graph, tuple(op for op in graph.schedule if op.name in names), kept, wide, handed)
    return graph


def _all_real(readers: Collection[Operator], others: Collection[str]) -> bool:
    """Whether operators are, or will be, parts of other blocks."""
    return all(op.name in others or isinstance(op, FloatBlock) for op in readers)


def _touch(graph: Graph, names: set[str], reads: set[str]) -> bool:
    return any(output in reads for op in graph.ops if op.name in names for output in op.outputs)


def _is_wide(chain: Chain) -> bool:
    """Whether features reach over the range of a spectrum."""
    return chain.feature in ("spectrum", "frame") or (chain.of_sizes and chain.compression == "none")


def _able(graph: Graph, states: Collection[str]) -> dict[str, Operator]:
    """What floats can be computed from the features, and these states, alone: value → its operator."""
    able: dict[str, Operator] = {}
    for op in graph.schedule:
        if op.has_float and all(source == graph.input or source in states or source in able for source in op.sources):
            able |= dict.fromkeys(op.outputs, op)
    return able


def _entry(graph: Graph, states: Collection[str]) -> tuple[Operator, ...]:
    """The operators of the entry, in order."""
    able = _able(graph, states)
    signal = {graph.input}
    for op in graph.schedule:
        signal |= set(op.outputs) if signal.intersection(op.sources) else set()
    waiting = [op for op in able.values() if op.compresses and signal.intersection(op.outputs)]  # of a count there is no signal
    needed: dict[str, Operator] = {}
    while waiting:
        op = waiting.pop()
        if op.name not in needed:
            needed[op.name] = op
            waiting += [able[source] for source in op.sources if source in able]
    if not needed:
        return ()
    small: set[str] = set()  # values of a small range
    plain = {graph.input}  # elements of the features
    for op in graph.schedule:
        if any(output not in able for output in op.outputs):
            continue
        if isinstance(op, Layout) and all(source in plain for source in op.sources):
            plain |= set(op.outputs)
            needed[op.name] = op
            continue
        inside = all(source in plain or any(source in each.outputs for each in needed.values()) for source in op.sources)
        after = any(source in small for source in op.sources)
        if op.name not in needed and inside and after and not isinstance(op, Layout | Linear | Mean):
            needed[op.name] = op
        if op.name in needed and (op.compresses or after):
            small |= set(op.outputs)
    return tuple(op for op in graph.schedule if op.name in needed)


def _with_block(graph: Graph, ops: tuple[Operator, ...], states: Collection[str], wide: bool, handed: Collection[str]) -> Graph:
    """The graph with the operators as one block, which keeps `states`; `handed` values are read by other blocks alone."""
    inside = {op.name for op in ops}
    others = [op for op in graph.ops if op.name not in inside]
    made = {name for op in ops for name in op.outputs}
    given = tuple(dict.fromkeys(source for op in ops for source in op.sources if source not in made))
    wanted = {source for op in others for source in op.sources}
    kept = {graph.next_value(state) for state in graph.states if state.input not in states} | {graph.output}
    outputs = [name for op in reversed(ops) for name in op.outputs if name in wanted or name in kept]
    quants, renamed, updates = dict(graph.quants), dict[str, str](), dict(graph.updates)
    before = {name for op in graph.ops if isinstance(op, FloatBlock) for name in op.float_outputs}
    real = [name for name in given if name in states or name in before or (wide and name == graph.input)]
    for name in [name for name in real if name not in before]:  # who reads the numbers themselves reads integers
        if name in wanted | kept:
            renamed[name] = unused(f"{name}_integers", {*graph.shapes})
            label = "features" if name == graph.input else name
            taken = {op.name for op in (*graph.ops, *ops)}
            ops = (*ops, View(unused(f"{label}_integers", taken), name, renamed[name], graph.shapes[name]))
            outputs.append(renamed[name])
            if name in quants:
                quants[renamed[name]] = quants.pop(name)
    pairs = []
    for state in [state for state in graph.states if state.input in states]:
        after = unused(f"{state.output}_kept", {*graph.shapes, *outputs})
        taken = {op.name for op in (*graph.ops, *ops)}
        ops = (*ops, View(unused(f"{state.input}_kept", taken), graph.next_value(state), after, state.shape))
        pairs.append((given.index(state.input), len(outputs)))
        outputs.append(after)
        updates[state.input] = after
    _drop_inner(quants, ops, outputs)
    computing = [op for op in reversed(ops) if not isinstance(op, Layout)]
    named = [op.name for op in computing if op.compresses] or [op.name for op in computing]
    results = tuple(outputs)
    plain = tuple(i for i, name in enumerate(outputs) if name in handed and name not in kept)
    real_ones = tuple(name in real for name in given)
    block = FloatBlock(named[0], ops, given, results, given, results, real_ones, tuple(pairs), plain)
    rest = [op.wired(op.name, [renamed.get(s, s) for s in op.sources], op.outputs) for op in others]
    updates = {state: renamed.get(value, value) for state, value in updates.items()}
    return replace(
        graph,
        ops=_ordered(rest, block),
        shapes={graph.input: graph.shapes[graph.input]},
        quants=quants,
        updates=updates,
        notes=(*graph.notes, _note(named[0], len(inside), states)),
    )


def _ordered(rest: list[Operator], block: FloatBlock) -> tuple[Operator, ...]:
    """The operators with the block as early as what it reads allows."""
    needed, before = set(block.given), set[str]()
    for op in reversed(rest):
        if any(output in needed for output in op.outputs):
            needed |= set(op.sources)
            before.add(op.name)
    return (*(op for op in rest if op.name in before), block, *(op for op in rest if op.name not in before))


def _note(name: str, count: int, states: Collection[str]) -> str:
    if not states:
        return f"{count} operators up to '{name}' are computed in float32: 16 bits do not hold their range"
    shown = ", ".join(f"'{state}'" for state in sorted(states))
    return f"{count} operators up to '{name}' are computed in float32, with the states {shown}: they count or average"


def _drop_inner(quants: dict[str, Quant], ops: tuple[Operator, ...], outputs: list[str]) -> None:
    for name in {output for op in ops for output in op.outputs} - set(outputs):
        quants.pop(name, None)
