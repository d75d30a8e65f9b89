# SPDX-License-Identifier: Apache-2.0
"""If, Loop and Scan that the file decides: the branch that is taken, the body as often as it runs."""

from __future__ import annotations

import numpy as np
import onnx

from codesign.compiler.model.limits import TOO_LARGE
from codesign.compiler.model.passes.draft import Draft, attribute, make, operand, title
from codesign.compiler.model.passes.rolled import rolled

MAX_ROUNDS = 256
"""Of a loop; what is unrolled is one time step."""
_HINT = "export the model without control flow, one time step"


def expand(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The nodes that an If, the loop of a recurrent layer or a round of a Loop stands for; a Loop with rounds left comes last.

    Raises:
        InputError: a condition or a number of rounds that is computed from the inputs, a Loop that collects values over more
            than one round, or a Scan.
    """
    if node.op_type == "If":
        condition = draft.constants.get(node.input[0])
        if condition is None or condition.size != 1:
            raise draft.refuse(node, "its condition is computed from the inputs", hint=_HINT)
        body = attribute(node, "then_branch" if bool(condition.ravel()[0]) else "else_branch")
        inner = _inlined(draft, node, body, {})
        names = [inner[1].get(o.name, o.name) for o in body.output]
        return [*inner[0], *_named(node, names, list(node.output))]
    layer = rolled(draft, node)
    if layer is not None:
        return layer
    if node.op_type == "Loop":
        return _round(draft, node)
    raise draft.refuse(node, "runs a graph of its own over a sequence", hint=_HINT)


def _round(draft: Draft, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """One round of a Loop, and the rest of it."""
    rounds, alive = operand(node, 0), operand(node, 1)
    limit = draft.constants.get(rounds) if rounds else None
    condition = draft.constants.get(alive) if alive else None
    if (rounds and limit is None) or (alive and condition is None) or (limit is None and condition is None):
        raise draft.refuse(node, "the number of its rounds is computed from the inputs", hint=_HINT)
    done = attribute(node, "codesign_round", 0)
    body, carried = attribute(node, "body"), len(node.input) - 2
    ends = (limit is not None and done >= int(limit.ravel()[0])) or (condition is not None and not bool(condition.ravel()[0]))
    states, scans = list(node.output[:carried]), list(node.output[carried:])
    if ends:
        if done == 0 and any(scans):
            raise draft.refuse(node, "runs no round", hint=_HINT)
        return _named(node, list(node.input[2:]), states)
    if done >= MAX_ROUNDS:
        raise draft.refuse(node, f"runs more than {MAX_ROUNDS} rounds", hint=TOO_LARGE)
    if len(body.input) != carried + 2 or len(body.output) < carried + 1:
        raise draft.refuse(node, f"its body has {len(body.input)} inputs and {len(body.output)} outputs", hint=_HINT)
    given = {
        body.input[0].name: draft.constant(np.asarray(done, np.int64), f"{title(node)}_round"),
        body.input[1].name: draft.constant(np.asarray(True), f"{title(node)}_going"),
        **{info.name: name for info, name in zip(body.input[2:], node.input[2:], strict=True)},
    }
    nodes, names = _inlined(draft, node, body, given)
    results = [names.get(o.name, o.name) for o in body.output]
    for scan, value in zip(scans, results[carried + 1 :], strict=False):
        if not scan:
            continue
        if done:
            raise draft.refuse(node, f"collects '{scan}' over more than one round", hint=_HINT)
        axes = draft.constant(np.asarray([0], np.int64), f"{title(node)}_axes")
        nodes.append(make("Unsqueeze", [value, axes], [scan], f"{title(node)}_{scan}"))
    rest = onnx.NodeProto()
    rest.CopyFrom(node)
    rest.input[1:] = [results[0] if alive else "", *results[1 : carried + 1]]
    rest.output[carried:] = [""] * len(scans)
    if any(scans):
        # a second round would have to append to what the first collected
        rest.output[carried:] = [draft.fresh(f"{title(node)}_more") for _ in scans]
    kept = [entry for entry in rest.attribute if entry.name != "codesign_round"]
    del rest.attribute[:]
    rest.attribute.extend([*kept, onnx.helper.make_attribute("codesign_round", done + 1)])
    return [*nodes, rest]


def hoist(draft: Draft, graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Move the constants of a graph inside of a node out of it, once: each round of a loop would copy them.

    `names` maps what is hoisted from graphs around it.
    """
    own = {i.name for i in graph.input} | {t.name for t in graph.initializer} | {n for c in graph.node for n in c.output}
    names = {old: new for old, new in names.items() if old not in own}
    for tensor in graph.initializer:
        names[tensor.name] = draft.constant(onnx.numpy_helper.to_array(tensor), tensor.name)
    del graph.initializer[:]
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant" and attribute(node, "value") is not None:
            names[node.output[0]] = draft.constant(onnx.numpy_helper.to_array(attribute(node, "value")), node.output[0])
            continue
        node.input[:] = [names.get(name, name) for name in node.input]
        for inner in graphs_of(node):
            hoist(draft, inner, names)
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    for info in graph.output:
        info.name = names.get(info.name, info.name)


def graphs_of(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Graphs inside of a node."""
    return [graph for entry in node.attribute for graph in ([entry.g] if entry.HasField("g") else entry.graphs)]


def _inlined(
    draft: Draft, owner: onnx.NodeProto, body: onnx.GraphProto, given: dict[str, str]
) -> tuple[list[onnx.NodeProto], dict[str, str]]:
    """Nodes of a body with names of their own, and body name → new name."""
    names, nodes = dict(given), []
    for inner in body.node:
        node = onnx.NodeProto()
        node.CopyFrom(inner)
        node.input[:] = [names.get(name, name) for name in inner.input]
        for name in inner.output:
            if name:
                names[name] = draft.fresh(f"{title(owner)}_{name}")
        node.output[:] = [names.get(name, name) for name in inner.output]
        _rename_captures(node, names)
        nodes.append(node)
    return nodes, names


def _rename_captures(node: onnx.NodeProto, names: dict[str, str]) -> None:
    """Let graphs inside of a node read the new names of what they take from outside."""
    for graph in graphs_of(node):
        own = {i.name for i in graph.input} | {n for inner in graph.node for n in inner.output}
        outer = {old: new for old, new in names.items() if old not in own}
        for inner in graph.node:
            inner.input[:] = [outer.get(name, name) for name in inner.input]
            _rename_captures(inner, outer)
        for info in graph.output:
            info.name = outer.get(info.name, info.name)


def _named(node: onnx.NodeProto, values: list[str], names: list[str]) -> list[onnx.NodeProto]:
    return [
        make("Identity", [value], [name], f"{title(node)}_{name}") for value, name in zip(values, names, strict=False) if name
    ]
