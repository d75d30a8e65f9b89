# SPDX-License-Identifier: Apache-2.0
"""What numbers a value can be, as far as the operators before it tell: of others a table need not know."""

from __future__ import annotations

import math

from codesign.compiler.model.graph import Graph

_DEPTH = 6
"""Operators that are looked back over."""


def reach_of(graph: Graph, value: str, depth: int = _DEPTH) -> tuple[float, float]:
    """The least and the largest number that a value can be in real numbers; infinite where nothing tells."""
    chain = graph.frontend
    if value == graph.input and chain.of_sizes and chain.compression in ("none", "power") and chain.running == "none":
        return (-math.inf if any(chain.mean) else 0.0), math.inf
    maker = graph.maker(value)
    if maker is None or value != maker.outputs[0]:
        return -math.inf, math.inf
    if not depth:
        return maker.bounds
    return maker.reach([reach_of(graph, source, depth - 1) for source in maker.sources])
