# SPDX-License-Identifier: Apache-2.0
"""Networks in a row: several quantized graphs, each in its chain, become one network. One graph is a row of one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from codesign.base.errors import InputError
from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.chain import SHARED
from codesign.compiler.lower.graph import lower
from codesign.compiler.lower.hand_over import HandOver
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph, State
from codesign.compiler.names import identifier
from codesign.compiler.operators.skip_gate import SkipGate

_LABEL_CHARACTERS = 16


def lower_row(graphs: Sequence[Graph], name: str = "") -> Network:
    """The integer network of quantized graphs that follow each other, called `name` (by default as they are).

    Raises:
        InputError: as `lower`, or chains of different frames.
    """
    if len(graphs) == 1:
        network = lower(graphs[0])
        return replace(network, name=name) if name else network
    check_row([graph.frontend for graph in graphs])
    parts = tuple(lower(graph) for graph in graphs)
    labels = labels_of(graphs)
    named = [lower(_prefixed(graph, label)) for graph, label in zip(graphs, labels, strict=True)]
    taken = set(labels)
    hand_overs = tuple(
        HandOver(
            name=identifier(f"{before} to {after}", taken, limit=2 * _LABEL_CHARACTERS + 4),
            after=first.schedule[-1].name,
            first=first.frontend,
            second=second.frontend,
            source=first.output,
            output=second.input,
        )
        for (before, first), (after, second) in pairwise(zip(labels, named, strict=True))
    )
    shas = "".join(graph.sha256 for graph in graphs)
    return Network(
        name=name or " + ".join(graph.name for graph in graphs),
        frontend=graphs[0].frontend,
        values={key: value for network in named for key, value in network.values.items()},
        states=tuple(state for network in named for state in network.states),
        input=named[0].input,
        output=named[-1].output,
        layers=tuple(layer for network in named for layer in network.layers),
        licence=", ".join(dict.fromkeys(graph.licence for graph in graphs if graph.licence)),
        sha256=hashlib.sha256(shas.encode()).hexdigest() if shas else "",
        parts=parts,
        hand_overs=hand_overs,
    )


def check_row(chains: Sequence[Chain]) -> None:
    """Whether networks in these chains can follow each other.

    Raises:
        InputError: they take different frames.
    """
    for number, chain in enumerate(chains[1:], 2):
        for key in SHARED:
            here, before = getattr(chain, key), getattr(chains[0], key)
            if here != before:
                values = "" if isinstance(here, tuple) else f": {here} after {before}"
                raise InputError(
                    f"stage {number}: {key} differs from that of stage 1{values}",
                    hint=f"networks in a row share {', '.join(SHARED)}: give them in the first stage alone",
                )


def labels_of(graphs: Sequence[Graph]) -> list[str]:
    """What the layers of each graph are called after: none of them begins as another does."""
    taken: set[str] = set()
    labels = [identifier(graph.name, taken, "net", _LABEL_CHARACTERS) for graph in graphs]
    starts = [f"{label}_" for label in labels]
    if any(a != b and a.startswith(b) for a in starts for b in starts):
        return [f"net_{number}" for number in range(1, len(graphs) + 1)]
    return labels


def _prefixed(graph: Graph, label: str) -> Graph:
    """The graph with `label` before every name."""

    def value(name: str) -> str:
        return f"{label}/{name}"

    def layer(name: str) -> str:
        return f"{label}_{name}"

    ops = []
    for op in graph.ops:
        moved = op.wired(layer(op.name), list(map(value, op.sources)), list(map(value, op.outputs)))
        ops.append(replace(moved, layers=tuple(map(layer, moved.layers))) if isinstance(moved, SkipGate) else moved)
    return replace(
        graph,
        input=value(graph.input),
        output=value(graph.output),
        states=tuple(State(value(s.input), value(s.output), s.shape, s.initial) for s in graph.states),
        ops=tuple(ops),
        shapes={value(graph.input): graph.shapes[graph.input]},
        quants={value(name): quant for name, quant in graph.quants.items()},
        updates={value(state): value(name) for state, name in graph.updates.items()},
    )
