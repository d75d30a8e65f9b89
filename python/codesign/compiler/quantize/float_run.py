# SPDX-License-Identifier: Apache-2.0
"""A graph in floating point: what calibration observes, and what a quantized graph is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Graph, Quant
from codesign.compiler.operators.operator import Grid, Real
from codesign.compiler.operators.rounding import rounded


@dataclass(frozen=True)
class Trace:
    """Values of every step, float64 (frames, *shape); states as they were before the step."""

    values: Mapping[str, Real]


def float_run(graph: Graph, features: npt.NDArray[np.float32], quants: Mapping[str, Quant] | None = None) -> Trace:
    """Run features float32 (frames, n) from the initial states.

    With `quants`, every value that has parameters there is rounded to them ("fake quantization"); weights are used as the graph
    has them.
    """
    history: dict[str, list[Real]] = {}
    for values in float_steps(graph, features, quants):
        for key, value in values.items():
            history.setdefault(key, []).append(value)
    return Trace({key: np.stack(rows) for key, rows in history.items()})


def float_steps(
    graph: Graph, features: npt.NDArray[np.float32], quants: Mapping[str, Quant] | None = None
) -> Iterator[dict[str, Real]]:
    """As `float_run`, one step after the other: float64 of each value's shape."""
    grid = grid_of(quants or {})
    states = {state.input: grid(state.input, state.start) for state in graph.states}
    for row in features:
        values = {graph.input: grid(graph.input, row.astype(np.float64).reshape(graph.shapes[graph.input])), **states}
        skipped = skipped_operators(graph, values)
        for op in graph.schedule:
            if op.name in skipped:
                values |= {output: values[state] for state, output in op.carried.items()}
            else:
                values |= op.run(values, grid)
        states = {state.input: grid(state.input, values[graph.next_value(state)]) for state in graph.states}
        yield values


def grid_of(quants: Mapping[str, Quant]) -> Grid:
    """Rounding of every value to the parameters that it has in `quants`."""
    return lambda name, x: rounded(x, quants.get(name))


def skipped_operators(graph: Graph, values: Mapping[str, Real]) -> frozenset[str]:
    """Operators that the step does not compute, from the states in `values`."""
    return frozenset(name for op in graph.ops if op.guards and not op.is_open(values) for name in op.guards)
