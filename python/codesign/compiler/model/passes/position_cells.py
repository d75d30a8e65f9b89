# SPDX-License-Identifier: Apache-2.0
"""Cells of LSTMs and GRUs in parts, over many positions of one step → LSTM, GRU. Those of one position are found as terms."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx

from codesign.compiler.model.passes.draft import Draft
from codesign.compiler.model.passes.rolled import Round, cell_of_round, layer_nodes, needed

_VIEWS = ("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten")
_PRODUCTS = ("MatMul", "Gemm")
_PARTS = (*_VIEWS, *_PRODUCTS, "Add", "Slice", "Split")


def run(draft: Draft, pairs: Iterable[tuple[str, str]]) -> None:
    """Put a layer in the place of each cell; `pairs` are the states of the graph, input and output."""
    known = [pair for pair in sorted(pairs) if pair[0] in draft.dims and pair[1] in draft.outputs]
    done: set[str] = set()
    for state, result in known if draft.cell is not None else ():
        if state not in done:
            done |= _replaced(draft, known, state, result)


def _replaced(draft: Draft, pairs: list[tuple[str, str]], state: str, result: str) -> set[str]:
    """The states of the cell that `result` is the new hidden state of; none where it is none."""
    makers = draft.makers()
    value = _before(draft, makers, result)
    shape = draft.shape(value)
    if len(shape) != 2 or shape[0] < 2 or value not in makers:
        return set()
    ends = {old: _before(draft, makers, new) for old, new in pairs if draft.types[old].size == draft.types[state].size}
    given = {end: old for old in ends for end in _views_of(draft, old, shape)}
    slice_ = _slice(draft, makers, value, given)
    if slice_ is None:
        return set()
    nodes, source = slice_
    read = {name for node in nodes for name in node.input}
    names = [name for name in given if name in read]
    states = [given[name] for name in names]
    results = [ends[old] for old in states]
    if state not in states or len(set(states)) != len(names) or len(names) > 2 or any(end not in makers for end in results):
        return set()
    constants = {name: draft.constants[name] for name in read if name in draft.constants}
    for shaped in (name for node in nodes if node.op_type == "Reshape" for name in node.input[1:] if name in constants):
        constants[shaped] = np.where(constants[shaped] == shape[0], 1, constants[shaped])  # of one position
    body = Round(nodes, 1, names, names, results, results, [], source, source, known=constants)
    width, units = draft.shape(source)[-1], shape[-1]
    if any(draft.shape(end) != shape for end in results) or draft.shape(source)[:-1] not in ((shape[0],), (1, shape[0])):
        return set()
    cell = cell_of_round(draft, body, list(range(len(names))), width, units)
    if cell is None or given[cell.hidden] != state:
        return set()
    order = sorted(range(len(names)), key=lambda i: names[i] != cell.hidden)
    replaced = [makers[end] for end in results]
    layer = layer_nodes(draft, replaced[order[0]], body, cell, order, rank=len(draft.shape(source)))
    first = next(node for node in draft.nodes if any(node is old for old in replaced))
    draft.nodes[:] = [
        new
        for node in draft.nodes
        for new in (layer if node is first else [] if any(node is old for old in replaced) else [node])
    ]
    return set(states)


def _before(draft: Draft, makers: dict[str, onnx.NodeProto], name: str) -> str:
    """What a value is a view of, as far as that has two axes."""
    while len(draft.shape(name)) != 2 and name in makers and makers[name].op_type in _VIEWS:
        name = makers[name].input[0]
    while name in makers and makers[name].op_type == "Identity":
        name = makers[name].input[0]
    return name


def _views_of(draft: Draft, name: str, shape: tuple[int, ...]) -> list[str]:
    """Views of a graph's input that have a shape, itself included."""
    found, waiting = [], [name]
    while waiting:
        value = waiting.pop()
        if draft.shape(value) == shape:
            found.append(value)
            continue
        waiting += [n.output[0] for n in draft.nodes if n.op_type in _VIEWS and n.input[0] == value]
    return found


def _slice(
    draft: Draft, makers: dict[str, onnx.NodeProto], value: str, given: dict[str, str]
) -> tuple[list[onnx.NodeProto], str] | None:
    """The nodes from states and one more value to a new state, and that value."""
    depends: dict[str, bool] = {}
    for node in draft.nodes:
        reads = any(depends.get(name, name in given) for name in node.input)
        depends.update(dict.fromkeys(node.output, reads and not any(name in given for name in node.output)))
    sources: set[str] = set()
    inside: set[str] = set()
    waiting = [value]
    while waiting:
        name = waiting.pop()
        if name in inside or name in given or name in draft.constants or not name:
            continue
        node = makers.get(name)
        if node is None or (not depends.get(name, False) and node.op_type not in _PARTS):
            return None
        inside.update(node.output)
        if node.op_type in _PRODUCTS and not depends.get(node.input[0], node.input[0] in given):
            sources.add(node.input[0])
            waiting += list(node.input[1:])
        else:
            waiting += list(node.input)
    if len(sources) != 1:
        return None
    (source,) = sources
    return [node for node in needed(draft.nodes, {value}) if inside.intersection(node.output)], source
