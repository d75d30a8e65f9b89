# SPDX-License-Identifier: Apache-2.0
"""Where a network takes logarithms, small powers or reciprocals of a spectrum: that part of it is computed in float32.

16 bits hold the loudest bin or the faintest one, not both: what a logarithm makes of the faint ones is lost before it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codesign.compiler.frontend import Chain
from codesign.compiler.model.graph import Graph, Quant
from codesign.compiler.operators import FloatBlock, Layout, Linear, Operator, View


def with_float_entry(graph: Graph, said: str) -> Graph:
    """The graph with the operators between the features and their logarithms, and what else is made of these alone, as one
    FloatBlock; the graph itself where there is nothing of the kind. A quantized graph has one where its file has `said` so.
    """
    if graph.tflite or (graph.quants and said != "entry") or not _is_wide(graph.frontend):
        return graph
    ops = _entry(graph)
    return graph if not ops else _with_block(graph, ops)


def _is_wide(chain: Chain) -> bool:
    """Whether features reach over the range of a spectrum."""
    return chain.feature in ("spectrum", "frame") or (chain.of_sizes and chain.compression == "none")


def _entry(graph: Graph) -> tuple[Operator, ...]:
    """The operators of the entry, in order."""
    able: dict[str, Operator] = {}
    for op in graph.schedule:
        if op.has_float and all(source == graph.input or source in able for source in op.sources):
            able |= dict.fromkeys(op.outputs, op)
    waiting = [op for op in able.values() if op.compresses]
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
        if op.name not in needed and inside and after and not isinstance(op, Layout | Linear):
            needed[op.name] = op
        if op.name in needed and (op.compresses or after):
            small |= set(op.outputs)
    return tuple(op for op in graph.schedule if op.name in needed)


def _with_block(graph: Graph, ops: tuple[Operator, ...]) -> Graph:
    inside = {op.name for op in ops}
    others = [op for op in graph.ops if op.name not in inside]
    wanted = {source for op in others for source in op.sources}
    kept = {graph.next_value(state) for state in graph.states} | {graph.output}
    results = [name for op in reversed(ops) for name in op.outputs if name in wanted or name in kept]
    outputs = list(results)
    quants = dict(graph.quants)
    renamed: dict[str, str] = {}
    if graph.input in wanted | kept:  # who reads the features themselves reads integers
        renamed[graph.input] = _name(f"{graph.input}_integers", {*graph.shapes})
        same = View(
            _name("features_integers", {op.name for op in graph.ops}),
            graph.input,
            renamed[graph.input],
            graph.shapes[graph.input],
        )
        ops = (*ops, same)
        results.append(renamed[graph.input])
        outputs.append(renamed[graph.input])
        if graph.input in quants:
            quants[renamed[graph.input]] = quants.pop(graph.input)
    _drop_inner(quants, ops, outputs)
    name = next(op.name for op in reversed(ops) if op.compresses)
    block = FloatBlock(name, ops, (graph.input,), tuple(results), (graph.input,), tuple(outputs))
    rest = [op.wired(op.name, [renamed.get(s, s) for s in op.sources], op.outputs) for op in others]
    updates = {state: renamed.get(value, value) for state, value in graph.updates.items()}
    return replace(
        graph,
        ops=(block, *rest),
        shapes={graph.input: graph.shapes[graph.input]},
        quants=quants,
        updates=updates,
        notes=(*graph.notes, f"{len(ops)} operators up to '{name}' are computed in float32: 16 bits do not hold their range"),
    )


def _drop_inner(quants: dict[str, Quant], ops: tuple[Operator, ...], outputs: list[str]) -> None:
    for name in {output for op in ops for output in op.outputs} - set(outputs):
        quants.pop(name, None)


def _name(wanted: str, taken: Mapping[str, object] | set[str]) -> str:
    name, n = wanted, 2
    while name in taken:
        name, n = f"{wanted}_{n}", n + 1
    return name
