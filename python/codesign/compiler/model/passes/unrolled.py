# SPDX-License-Identifier: Apache-2.0
"""Cells of an LSTM or GRU that are written out place after place, and whose results are joined → LSTM, GRU along that axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from codesign.compiler.model.passes.draft import Array, CellWeights, Draft, attribute, make, operand, positive, title
from codesign.compiler.model.passes.reference import FAILURES
from codesign.compiler.model.passes.rolled import Round, cell_of_round, needed

_LEAST = 3
"""Places that are worth a layer."""
_VIEWS = ("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten")
_NEAR = 1e-5
Makers = Mapping[str, onnx.NodeProto]


def run(draft: Draft) -> bool:
    """Whether cells of a walked draft became a layer."""
    if draft.cell is None:
        return False
    new: dict[int, list[onnx.NodeProto]] = {}
    makers = draft.makers()
    for node in draft.nodes:
        if node.op_type == "Concat" and len(node.input) >= _LEAST and not any(name in draft.constants for name in node.input):
            layer = _layer(draft, makers, node)
            if layer:
                new[id(node)] = layer
    found = draft.substitute(new)
    if found:
        draft.drop_dead()
    return found


@dataclass(frozen=True)
class _Place:
    """What one place computes beside those before it: its nodes, the value that it reads of the source, the states that it
    goes on from.
    """

    nodes: list[onnx.NodeProto]
    read: str
    states: list[str]


def _layer(draft: Draft, makers: Makers, joined: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The nodes of a layer in the place of a Concat of hidden states; none where they are none."""
    hidden = [_bare(makers, name) for name in joined.input]
    if len(set(hidden)) < len(hidden) or any(name not in makers for name in hidden):
        return []
    past = _ancestors(makers, hidden[0])
    reverse = hidden[1] in past
    if reverse:
        hidden = hidden[::-1]
        past = _ancestors(makers, hidden[0])
    firsts, places = past, list[_Place]()
    for before, value in pairwise(hidden):
        beyond = _ancestors(makers, value)
        place = _place(draft, makers, before, beyond - past)
        if before not in beyond or place is None:
            return []
        places.append(place)
        past = past | beyond
    source = operand(makers[places[0].read], 0)
    axis = _axis(draft, makers, [place.read for place in places], source, len(hidden), reverse)
    if axis is None or not _in_order(draft, joined, draft.types[hidden[0]].size):
        return []
    states = [place.states for place in places] + [[hidden[-1]]]
    cell = _cell(draft, places[0], states[1], draft.shape(source)[-1])
    start = -1 if reverse else 0
    if cell is None or not _same_everywhere(draft, places, states):
        return []
    firsts = firsts - _ancestors(makers, source)
    own = [node for node in draft.nodes if firsts.intersection(node.output)]
    if not _starts_from_zero(draft, own, places[0], states, source, start, axis):
        return []
    draft.note(f"{len(hidden)} cells before '{title(joined)}' are one {cell.kind} along axis {axis} of '{source}'")
    return _nodes(draft, joined, cell, source, axis, reverse)


def _bare(makers: Makers, name: str) -> str:
    while name in makers and makers[name].op_type in _VIEWS:
        name = makers[name].input[0]
    return name


def _ancestors(makers: Makers, name: str) -> set[str]:
    """Values that a value is computed from, itself among them."""
    found, waiting = set[str](), [name]
    while waiting:
        value = waiting.pop()
        if value in makers and value not in found:
            found |= set(makers[value].output)
            waiting += list(makers[value].input)
    return found


def _place(draft: Draft, makers: Makers, before: str, fresh: set[str]) -> _Place | None:
    """What a place adds to those before it: it reads one value of a source, and the states."""
    nodes = [node for node in draft.nodes if fresh.intersection(node.output)]
    made = {name for node in nodes for name in node.output}
    given = {name for node in nodes for name in node.input if name and name not in made and name not in draft.constants}
    reads = [node for node in nodes if node.op_type in ("Slice", "Gather") and operand(node, 0) in given - {before}]
    split = [name for name in given if name in makers and makers[name].op_type == "Split"]
    if len(reads) == 1:
        read, others = reads[0].output[0], given - {operand(reads[0], 0)}
    elif len(split) == 1 and not reads:
        read, others = split[0], given - set(split)
    else:
        return None
    if before not in others or len(others) > 2:
        return None
    return _Place([node for node in nodes if node not in reads], read, [before, *(others - {before})])


def _axis(draft: Draft, makers: Makers, reads: list[str], source: str, count: int, reverse: bool) -> int | None:
    """The axis of the source of which place k reads element k, if all other axes but the last have one."""
    shape = draft.shape(source)
    axes = [axis for axis, size in enumerate(shape) if size == count]
    for axis in axes:
        if math.prod(shape) != count * shape[-1] or axis == len(shape) - 1:
            continue
        numbers = np.broadcast_to(np.arange(count).reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)
        for k, read in enumerate(reads, 1):
            wanted = count - 1 - k if reverse else k
            found = _computed(draft, [makers[read]], {source: numbers.astype(np.float32)}, [read])
            if found is None or not (found[0] == wanted).all():
                break
        else:
            return axis
    return None


def _cell(draft: Draft, place: _Place, after: list[str], width: int) -> CellWeights | None:
    """The cell of a place, whose states become those called `after`, the hidden one first in both."""
    units = draft.types[place.states[0]].size
    sizes = [draft.types[name].size for name in (*place.states, *after)]
    if len(after) != len(place.states) or set(sizes) != {units} or draft.types[place.read].size != width:
        return None
    known = {n: draft.constants[n] for node in place.nodes for n in node.input if n in draft.constants}
    body = Round(place.nodes, 1, place.states, place.states, after, after, [], place.read, place.read, known=known)
    cell = cell_of_round(draft, body, list(range(len(after))), width, units)
    return cell if cell is not None and cell.hidden == place.states[0] else None


def _same_everywhere(draft: Draft, places: list[_Place], states: list[list[str]]) -> bool:
    """Whether all places compute the same of the same numbers; `states` are what each reads, and what the last one gives."""
    rng, first = np.random.default_rng(1), places[0]
    given = [rng.normal(size=draft.shape(name)).astype(np.float32) for name in (first.read, *first.states)]
    wanted: list[Array] = []
    for place, after in zip(places, states[1:], strict=True):
        names = (place.read, *place.states)
        if len(names) != len(given) or any(draft.shape(a) != b.shape for a, b in zip(names, given, strict=True)):
            return False
        found = _computed(draft, place.nodes, dict(zip(names, given, strict=True)), after)
        if found is None or not _are_near(found, wanted or found):
            return False
        wanted = wanted or found
    return True


def _starts_from_zero(
    draft: Draft, own: list[onnx.NodeProto], place: _Place, states: list[list[str]], source: str, start: int, axis: int
) -> bool:
    """Whether the first place, the nodes `own`, does what the second one does of states of zero."""
    numbers = np.random.default_rng(2).normal(size=draft.shape(source)).astype(np.float32)
    found = _computed(draft, own, {source: numbers}, states[0])
    x = np.take(numbers, start, axis).reshape(draft.shape(place.read))
    zeros = {name: np.zeros(draft.shape(name), np.float32) for name in place.states}
    made = _computed(draft, place.nodes, {place.read: x, **zeros}, states[1])
    return found is not None and made is not None and _are_near(found, made)


def _are_near(ours: list[Array], theirs: list[Array]) -> bool:
    return all(a.size == b.size and np.allclose(a.ravel(), b.ravel(), atol=_NEAR) for a, b in zip(ours, theirs, strict=False))


def _computed(draft: Draft, nodes: list[onnx.NodeProto], feeds: Mapping[str, Array], wanted: list[str]) -> list[Array] | None:
    """Values by onnx's own evaluator; None where it cannot."""
    read = {name for node in nodes for name in node.input if name in draft.constants}
    graph = helper.make_graph(
        needed(nodes, set(wanted)),
        "places",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in feeds],
        [onnx.ValueInfoProto(name=name) for name in wanted],
        [onnx.numpy_helper.from_array(draft.constants[name], name) for name in read],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", draft.opset)])
    try:
        return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, dict(feeds))]
    except FAILURES:
        return None


def _in_order(draft: Draft, joined: onnx.NodeProto, units: int) -> bool:
    """Whether the joined value has place after place, the units of each side by side."""
    part = draft.shape(joined.input[0])
    axis = positive(int(attribute(joined, "axis", 0)), len(part))
    return math.prod(part) == units and math.prod(part[:axis]) == 1


def _nodes(
    draft: Draft, joined: onnx.NodeProto, cell: CellWeights, source: str, axis: int, reverse: bool
) -> list[onnx.NodeProto]:
    name, shape = title(joined), draft.shape(source)
    order = [axis, *(i for i in range(len(shape)) if i != axis)]
    turned, frames, y = (draft.fresh(f"{name}_{what}") for what in ("turned", "places", "Y"))
    sizes = draft.constant(np.asarray([shape[axis], 1, shape[-1]], np.int64), f"{name}_sizes")
    weights = [
        draft.constant(array.astype(np.float32)[None], f"{name}_{what}")
        for what, array in (("W", cell.input), ("R", cell.recurrent), ("B", cell.bias))
    ]
    options: dict[str, int | str] = {"linear_before_reset": int(cell.reset_after)} if cell.kind == "GRU" else {}
    options |= {"hidden_size": cell.recurrent.shape[1], "direction": "reverse" if reverse else "forward"}
    whole = draft.constant(np.asarray(draft.shape(joined.output[0]), np.int64), f"{name}_shape")
    return [
        make("Transpose", [source], [turned], turned, perm=order),
        make("Reshape", [turned, sizes], [frames], frames),
        make(cell.kind, [frames, *weights], [y], name, **options),
        make("Reshape", [y, whole], list(joined.output), f"{name}_joined"),
    ]
