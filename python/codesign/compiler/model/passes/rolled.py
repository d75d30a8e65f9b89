# SPDX-License-Identifier: Apache-2.0
"""Loop and Scan that run the cell of an LSTM or GRU along an axis, as TensorFlow writes them → LSTM, GRU."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from codesign.compiler.model.passes.draft import Array, CellWeights, Draft, attribute, make, operand, title
from codesign.compiler.model.passes.reference import FAILURES

_MOST_ROUNDS = 4096
_COPIES = ("Identity", "Cast")


@dataclass
class Round:
    """One round of a loop: what each value carried on is at first, in the round, after it, and after the last."""

    nodes: list[onnx.NodeProto]
    rounds: int
    starts: list[str]
    names: list[str]
    results: list[str]
    ends: list[str]
    collected: list[tuple[str, str]]
    """Value of a round, and what all of them are called."""
    source: str
    read: str
    axis: int = 0
    direction: str = "forward"
    known: dict[str, Array] = field(default_factory=dict)
    """Constants that the round reads."""


def rolled(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """The nodes of a recurrent layer that does what a Loop or Scan does; None where it runs no such cell over all places of
    an axis.
    """
    if draft.cell is None:
        return None
    body = _of_loop(draft, node) if node.op_type == "Loop" else _of_scan(draft, node)
    if body is None or body.source not in draft.types or body.source in draft.constants:
        return None
    shape = draft.shape(body.source)
    makers = {name: inner for inner in body.nodes for name in inner.output}
    for index, result in enumerate(body.results):
        body.results[index] = _seen(makers, result)
    moving = [i for i, name in enumerate(body.names) if body.results[i] != name and body.starts[i] in draft.types]
    states = [i for i in moving if draft.types[body.starts[i]].kind == onnx.TensorProto.FLOAT]
    if len(shape) != 3 or shape[body.axis] != body.rounds or not 1 <= len(states) <= 2:
        return None
    units = draft.shape(body.starts[states[0]])[-1]
    batch = shape[1 - body.axis] if body.axis < 2 else 0
    if any(draft.shape(body.starts[i]) != (batch, units) for i in states):
        return None
    cell = cell_of_round(draft, body, states, shape[-1], units)
    hidden = None if cell is None else next((i for i in states if body.names[i] == cell.hidden), None)
    if cell is None or hidden is None or any(_seen(makers, value) != body.results[hidden] for value, _ in body.collected):
        return None
    order = [hidden, *(i for i in states if i != hidden)]
    if any(body.ends[i] for i in range(len(body.ends)) if i not in states and body.results[i] != body.names[i]):
        return None  # a counter that something reads
    return layer_nodes(draft, node, body, cell, order)


def _seen(makers: Mapping[str, onnx.NodeProto], name: str) -> str:
    while name in makers and makers[name].op_type in _COPIES:
        name = makers[name].input[0]
    return name


def _of_loop(draft: Draft, node: onnx.NodeProto) -> Round | None:
    """A Loop that reads place i of a value in round i."""
    body, carried = attribute(node, "body"), len(node.input) - 2
    limit = draft.constants.get(operand(node, 0))
    if attribute(node, "codesign_round", 0) or len(body.input) != carried + 2 or len(body.output) < carried + 1:
        return None
    names = [info.name for info in body.input]
    makers = {name: inner for inner in body.node for name in inner.output}
    counters = {names[0]} | {
        name
        for name, start, after in zip(names[2:], node.input[2:], body.output[1:], strict=False)
        if _counts(draft, makers, name, start, _seen(makers, after.name))
    }
    reads = [
        inner
        for inner in body.node
        if inner.op_type == "Gather" and _seen(makers, inner.input[1]) in counters and inner.input[0] not in (*makers, *names)
    ]
    if len(reads) != 1 or reads[0].input[0] not in draft.types:
        return None
    (read,) = reads
    source, axis = read.input[0], int(attribute(read, "axis", 0))
    rounds = draft.shape(source)[axis] if 0 <= axis < len(draft.shape(source)) else 0
    if not 1 <= rounds <= _MOST_ROUNDS or (limit is not None and int(limit.ravel()[0]) < rounds):
        return None
    ends = None if limit is None else int(limit.ravel()[0])
    known = _constants(draft, body, node)
    first = draft.constants.get(operand(node, 1))
    types = {info.name: info.type.tensor_type.elem_type for info in body.input}
    if (operand(node, 1) and (first is None or not first.all())) or not _goes_on(
        draft, list(body.node), body.output[0].name, names[1], types, counters, known, rounds, ends
    ):
        return None
    results = [info.name for info in body.output[1 : carried + 1]]
    collected = [(info.name, out) for info, out in zip(body.output[carried + 1 :], node.output[carried:], strict=False) if out]
    return Round(
        [inner for inner in body.node if inner is not read],
        rounds,
        list(node.input[2:]),
        names[2:],
        results,
        [*node.output[:carried], *[""] * (carried - len(node.output[:carried]))],
        collected,
        source,
        read.output[0],
        axis,
        known=known,
    )


def _of_scan(draft: Draft, node: onnx.NodeProto) -> Round | None:
    """A Scan over one value, forward or backward."""
    body, count = attribute(node, "body"), len(node.input) - 1
    if attribute(node, "num_scan_inputs", 0) != 1 or len(body.input) != count + 1 or len(body.output) < count:
        return None
    ways = {*attribute(node, "scan_input_directions", [0]), *attribute(node, "scan_output_directions", [0])}
    axes = {*attribute(node, "scan_input_axes", [0]), *attribute(node, "scan_output_axes", [0])}
    source = node.input[count]
    if axes != {0} or len(ways) != 1 or source not in draft.types or not draft.shape(source):
        return None
    names = [info.name for info in body.input]
    return Round(
        list(body.node),
        draft.shape(source)[0],
        list(node.input[:count]),
        names[:count],
        [info.name for info in body.output[:count]],
        list(node.output[:count]),
        [(info.name, out) for info, out in zip(body.output[count:], node.output[count:], strict=False) if out],
        source,
        names[count],
        direction="reverse" if ways == {1} else "forward",
        known=_constants(draft, body, node),
    )


def _counts(draft: Draft, makers: Mapping[str, onnx.NodeProto], name: str, start: str, after: str) -> bool:
    """Whether a carried number is the round's."""
    first, step = draft.constants.get(start), makers.get(after)
    if first is None or first.size != 1 or first.dtype.kind != "i" or first.any() or step is None or step.op_type != "Add":
        return False
    one = [draft.constants.get(other) for other in step.input if _seen(makers, other) != name]
    return len(one) == 1 and one[0] is not None and one[0].size == 1 and int(one[0].ravel()[0]) == 1


def _constants(draft: Draft, body: onnx.GraphProto, node: onnx.NodeProto) -> dict[str, Array]:
    """What a body reads of the graph around it, and of what it is given and hands on as it is."""
    read = {name for inner in body.node for name in inner.input}
    known = {name: draft.constants[name] for name in read if name in draft.constants}
    makers = {name: inner for inner in body.node for name in inner.output}
    first = 2 if node.op_type == "Loop" else 0
    results = body.output[1:] if node.op_type == "Loop" else body.output
    for info, start, after in zip(body.input[first:], node.input[first:], results, strict=False):
        if start in draft.constants and _seen(makers, after.name) == info.name:
            known[info.name] = draft.constants[start]
    return known


def _goes_on(
    draft: Draft,
    nodes: list[onnx.NodeProto],
    condition: str,
    going: str,
    types: Mapping[str, int],
    counters: set[str],
    known: Mapping[str, Array],
    rounds: int,
    limit: int | None,
) -> bool:
    """Whether a Loop runs as many rounds as there are places: what goes on in each is computed from the round alone."""
    parts = needed(nodes, {condition})
    if condition == going:
        return limit == rounds
    free = {name for inner in parts for name in inner.input if name} - {name for inner in parts for name in inner.output}
    if not free <= counters | set(known) | {going} or any(inner.op_type in ("If", "Loop", "Scan") for inner in parts):
        return False
    kinds = {n: helper.tensor_dtype_to_np_dtype(types.get(n) or onnx.TensorProto.INT64) for n in counters & free}
    kinds |= {n: np.dtype(np.bool_) for n in free & {going}}
    graph = helper.make_graph(
        parts,
        "condition",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), None) for name, kind in kinds.items()],
        [onnx.ValueInfoProto(name=condition)],
        [onnx.numpy_helper.from_array(known[name], name) for name in free & set(known)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", draft.opset)])
    try:
        evaluator = ReferenceEvaluator(model)
        for k in range(rounds):
            feeds = {name: np.asarray(k if name in counters else 1).astype(kind) for name, kind in kinds.items()}
            more = bool(np.ravel(np.asarray(evaluator.run(None, feeds)[0]))[0])
            if more != (k < rounds - 1) and not (k == rounds - 1 and limit == rounds):
                return False
    except FAILURES:
        return False
    return True


def needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """The nodes that values are computed by."""
    found = []
    for inner in reversed(nodes):
        if wanted.intersection(inner.output):
            found.append(inner)
            wanted = wanted | set(inner.input)
    return found[::-1]


def cell_of_round(draft: Draft, body: Round, states: list[int], width: int, units: int) -> CellWeights | None:
    """The cell that a round is, of a vector of `width` and of `states` by number; None where it is none."""
    sizes = {body.read: width, **{body.names[i]: units for i in states}}
    kept = needed(body.nodes, {body.results[i] for i in states})
    pairs = [(body.names[i], f"codesign_next_{i}") for i in states]
    copies = [(body.results[i], after) for i, (_, after) in zip(states, pairs, strict=True)]
    read = {name for inner in kept for name in inner.input}
    real = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [*kept, *(helper.make_node("Identity", [value], [after], name=after) for value, after in copies)],
        "cell",
        [helper.make_tensor_value_info(name, real, [1, size]) for name, size in sizes.items()],
        [helper.make_tensor_value_info(after, real, [1, units]) for _, after in pairs],
        [onnx.numpy_helper.from_array(array, name) for name, array in body.known.items() if name in read],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", draft.opset)], ir_version=10)
    helper.set_model_props(model, {"states": json.dumps(pairs)})
    return None if draft.cell is None else draft.cell(model)


def layer_nodes(
    draft: Draft, node: onnx.NodeProto, body: Round, cell: CellWeights, order: list[int], rank: int = 3
) -> list[onnx.NodeProto]:
    """The recurrent layer in the place of `node`, from what it reads, of two axes or three, to all that the loop gave; `order`
    has the numbers of its hidden and, of an LSTM, its cell state.
    """
    name, nodes = title(node), []

    def result(kind: str, inputs: list[str], wanted: str, **attributes: object) -> str:
        nodes.append(make(kind, inputs, [wanted], wanted, **attributes))
        return wanted

    source = body.source
    front, way = (draft.constant(np.asarray([axis], np.int64), f"{name}_axis") for axis in (0, 1))
    if rank == 2:
        source = result("Unsqueeze", [source, front], draft.fresh(f"{name}_frames"))
    elif body.axis:
        source = result("Transpose", [source], draft.fresh(f"{name}_frames"), perm=[1, 0, 2])
    starts = [result("Unsqueeze", [body.starts[i], front], draft.fresh(f"{name}_start")) for i in order]
    weights = [
        draft.constant(array.astype(np.float32)[None], f"{name}_{what}")
        for what, array in (("W", cell.input), ("R", cell.recurrent), ("B", cell.bias))
    ]
    attributes = {"hidden_size": cell.recurrent.shape[1], "direction": body.direction}
    if cell.kind == "GRU":
        attributes["linear_before_reset"] = int(cell.reset_after)
    outputs = [draft.fresh(f"{name}_{what}") for what in ("Y", "h", "c")[: 1 + len(order)]]
    nodes.append(make(cell.kind, [source, *weights, "", *starts], outputs, name, **attributes))
    for _, wanted in body.collected:
        result("Squeeze", [outputs[0], way], wanted)
    for output, i in zip(outputs[1:], order, strict=True):
        if body.ends[i]:
            result("Squeeze", [output, front], body.ends[i])
    for i, wanted in enumerate(body.ends):
        if wanted and i not in order:
            result("Identity", [body.starts[i]], wanted)
    return nodes
