# SPDX-License-Identifier: Apache-2.0
"""States that several layers share, stacked in one input and one output (h and c of all layers), become one state a layer.

Every element of the input is followed by its number through slices and views to what reads it, and every element of the output
back to what makes it: where a reader's elements are those of one whole result, in order, they are a state of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx

from codesign.base.words import counted
from codesign.compiler.model.passes.draft import Array, Draft, attribute, make, operand, title
from codesign.compiler.model.passes.families import VIEWS

_MOVES = (VIEWS - {"Expand", "Tile"}) | {"Slice", "Identity"}


def split_states(draft: Draft, pairs: Iterable[tuple[str, str]]) -> None:
    """Split those of the pairs (input, output) that are stacks."""
    for source, result in pairs:
        if source in draft.dims and result in draft.outputs and draft.shape(source) == draft.shape(result):
            _split(draft, source, result)


def _split(draft: Draft, source: str, result: str) -> None:
    pieces = _pieces(draft, source)
    if not pieces or len({places.tobytes() for places in pieces.values()}) < 2:
        return
    apart = {places.tobytes(): places.ravel() for places in pieces.values()}
    if sorted(np.concatenate(list(apart.values())).tolist()) != list(range(draft.types[source].size)):
        return
    for through in (_MOVES - {"Slice"}, _MOVES):
        makers = _whole_makers(draft, source, apart, _origins(draft, result, through))
        if makers is not None:
            _apart(draft, source, result, pieces, makers)
            return


def _whole_makers(
    draft: Draft, source: str, apart: dict[bytes, Array], origins: tuple[list[str], Array, Array] | None
) -> dict[bytes, str] | None:
    """Piece → the value that makes all of it, in order; None if one has none."""
    if origins is None:
        return None
    names, makers, numbers = origins
    makers_of: dict[bytes, str] = {}
    for key, places in apart.items():
        own = names[int(makers.ravel()[places[0]])]
        whole = own != source and draft.types[own].size == len(places) and own not in draft.constants
        if not whole or (makers.ravel()[places] != makers.ravel()[places[0]]).any():
            return None
        if (numbers.ravel()[places] != np.arange(len(places))).any():
            return None
        makers_of[key] = own
    return makers_of


def _pieces(draft: Draft, source: str) -> dict[str, Array]:
    """What operators read of a state: value → the numbers of its elements, empty if one reads it whole or in no known way."""
    places: dict[str, Array] = {source: np.arange(draft.types[source].size).reshape(draft.shape(source))}
    pieces: dict[str, Array] = {}
    for node in draft.nodes:
        for name in node.input:
            if name not in places:
                continue
            moved = _moved(draft, node, places[name]) if node.op_type in _MOVES and name == node.input[0] else None
            if moved is not None and node.output[0] not in draft.outputs:
                places[node.output[0]] = moved
            elif name == source:
                return {}
            else:
                pieces[name] = places[name]
    return {} if any(name in draft.outputs for name in places) else pieces


def _moved(draft: Draft, node: onnx.NodeProto, array: Array) -> Array | None:
    """What a view or slice does to an array, None if it is not known."""
    shape = draft.shape(node.output[0])
    if node.op_type == "Transpose":
        return np.transpose(array, attribute(node, "perm", range(array.ndim)[::-1]))
    if node.op_type != "Slice":
        return array.reshape(shape)
    numbers = [draft.constants.get(operand(node, index)) for index in range(1, 5)]
    starts, ends, axes, steps = numbers
    if starts is None or ends is None or (operand(node, 3) and axes is None) or (operand(node, 4) and steps is None):
        return None
    chosen = range(starts.size) if axes is None else axes.ravel().tolist()
    cut = [slice(None)] * array.ndim
    for i, axis in enumerate(chosen):
        step = 1 if steps is None else int(steps.ravel()[i])
        if step < 1:
            return None
        cut[axis] = slice(int(starts.ravel()[i]), int(ends.ravel()[i]), step)
    return array[tuple(cut)]


def _origins(draft: Draft, result: str, moves: frozenset[str]) -> tuple[list[str], Array, Array] | None:
    """Of each element of an output: the number of the value that makes it, and its place there; and the values' names."""
    names: list[str] = []
    makers = draft.makers()
    known: dict[str, tuple[Array, Array]] = {}
    waiting = [result]
    while waiting:
        name = waiting[-1]
        node = makers.get(name)
        if name in known:
            waiting.pop()
            continue
        through = node is not None and (node.op_type in moves or node.op_type == "Concat")
        if node is None or not through:
            shape = draft.shape(name)
            known[name] = np.full(shape, len(names)), np.arange(draft.types[name].size).reshape(shape)
            names.append(name)
            continue
        inputs = list(node.input) if node.op_type == "Concat" else [node.input[0]]
        missing = [source for source in inputs if source not in known]
        if missing:
            waiting += missing
            continue
        if node.op_type == "Concat":
            axis = int(attribute(node, "axis", 0))
            joined = [np.concatenate([known[source][part] for source in inputs], axis) for part in (0, 1)]
            known[name] = joined[0], joined[1]
        else:
            moved = [_moved(draft, node, known[node.input[0]][part]) for part in (0, 1)]
            if moved[0] is None or moved[1] is None:
                return None
            known[name] = moved[0], moved[1]
    return names, *known[result]


def _apart(draft: Draft, source: str, result: str, pieces: dict[str, Array], makers_of: dict[bytes, str]) -> None:
    """Put the states in place of the stack."""
    inputs: dict[bytes, str] = {}
    tail: list[onnx.NodeProto] = []
    head: list[onnx.NodeProto] = []
    makers = draft.makers()
    for name, places in pieces.items():
        key, shape = places.tobytes(), places.shape
        maker = makers[name]
        draft.nodes[:] = [node for node in draft.nodes if node is not maker]
        if key not in inputs:
            number = len(inputs)
            inputs[key] = draft.fresh(f"{source}_{number}_in")
            draft.dims[inputs[key]], draft.kinds[inputs[key]] = list(shape), draft.kinds[source]
            later = draft.fresh(f"{source}_{number}_out")
            sizes = draft.constant(np.asarray(shape, np.int64), f"{later}_shape")
            tail.append(make("Reshape", [makers_of[key], sizes], [later], later))
            draft.outputs.append(later)
            draft.states.append((inputs[key], later))
            draft.split[inputs[key]] = source
        sizes = draft.constant(np.asarray(shape, np.int64), f"{name}_shape")
        head.append(make("Reshape", [inputs[key], sizes], [name], title(maker)))
    draft.nodes[:] = [*head, *draft.nodes, *tail]
    del draft.dims[source], draft.kinds[source]
    draft.outputs.remove(result)
    draft.states[:] = [pair for pair in draft.states if pair[0] != source]  # it was noted when pairs were found
    draft.note(f"state '{source}' is a stack of {counted(len(inputs), 'state')}: {', '.join(sorted(inputs.values()))}")
