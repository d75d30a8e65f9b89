# SPDX-License-Identifier: Apache-2.0
"""A graph in floating point: what calibration observes, and what a quantized graph is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Activation, Graph, Linear, LstmCell, Op, Quant, SkipGate

Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gates:
    """Key of what no value of the graph is: the sums of the LSTM `layer` before its gates' functions."""

    layer: str


Key = str | Gates
"""Values of the graph go by their names."""


@dataclass(frozen=True)
class Trace:
    """Values of every step, float64 (frames, size)."""

    values: Mapping[Key, Real]


def float_run(graph: Graph, features: npt.NDArray[np.float32], quants: Mapping[str, Quant] | None = None) -> Trace:
    """Run features float32 (frames, n) from the initial states.

    With `quants`, every value that has parameters there is rounded to them ("fake quantization"); weights are used as the graph
    has them.
    """
    history: dict[Key, list[Real]] = {}
    for values in float_steps(graph, features, quants):
        for key, value in values.items():
            history.setdefault(key, []).append(value)
    return Trace({key: np.stack(rows) for key, rows in history.items()})


def float_steps(
    graph: Graph, features: npt.NDArray[np.float32], quants: Mapping[str, Quant] | None = None
) -> Iterator[dict[Key, Real]]:
    """As `float_run`, one step after the other: float64 (size,)."""
    run = _Run(graph, quants or {})
    for row in features:
        yield run.step(row.astype(np.float64))


def rounded(x: Real, quant: Quant | None) -> Real:
    """X on the grid of `quant`, saturated; int8 to −127 … 127."""
    if quant is None:
        return x
    low, high = (-127, 127) if quant.bits == 8 else (-32768, 32767)
    q = np.clip(np.rint(x / quant.scale) + quant.zero_point, low, high)
    return np.asarray((q - quant.zero_point) * quant.scale)


class _Run:
    def __init__(self, graph: Graph, quants: Mapping[str, Quant]) -> None:
        self._graph = graph
        self._quants = quants
        self._states = {state.input: np.full(state.size, state.initial) for state in graph.states}
        self._gates = [op for op in graph.ops if isinstance(op, SkipGate)]

    def step(self, features: Real) -> dict[Key, Real]:
        """One step; all values."""
        values: dict[Key, Real] = {self._graph.input: rounded(features, self._quants.get(self._graph.input))}
        open_gates = {gate.name: bool(self._states[gate.state][0] >= 0.5) for gate in self._gates}
        skipped = {layer for gate in self._gates if not open_gates[gate.name] for layer in gate.layers}
        for op in self._graph.ops:
            if isinstance(op, LstmCell) and op.name in skipped:
                values[op.output], values[op.cell_output] = self._states[op.hidden], self._states[op.cell]
            else:
                values |= compute(op, values, self._states, self._quants)
            if isinstance(op, LstmCell):
                self._states[op.hidden], self._states[op.cell] = values[op.output], values[op.cell_output]
        for gate in self._gates:
            logit = gate.weight.values.astype(np.float64) @ values[gate.source] + gate.bias
            delta = _sigmoid(logit)
            old = self._states[gate.state]
            new = delta if open_gates[gate.name] else np.minimum(old + delta, 1.0)
            self._states[gate.state] = rounded(new, self._quants.get(gate.state))
        return values


def compute(op: Op, values: Mapping[Key, Real], states: Mapping[str, Real], quants: Mapping[str, Quant]) -> dict[Key, Real]:
    """What one operator makes of `values` and `states` before the step, rounded where `quants` says so; nothing for a gate.

    An LSTM has a value beside its own, that of its `Gates`.
    """
    match op:
        case Linear():
            sums = op.weight.values.astype(np.float64) @ values[op.source] + op.bias
            return {op.output: rounded(sums, quants.get(op.output))}
        case Activation():
            return {op.output: rounded(_function(op, values[op.source]), quants.get(op.output))}
        case LstmCell():
            w, r = op.input_weight.values.astype(np.float64), op.recurrent_weight.values.astype(np.float64)
            gates = w @ values[op.source] + r @ states[op.hidden] + op.bias
            i, f, g, o = np.split(gates, 4)
            new_cell = _sigmoid(f) * states[op.cell] + _sigmoid(i) * np.tanh(g)
            cell = rounded(new_cell, quants.get(op.cell_output))
            hidden = rounded(_sigmoid(o) * np.tanh(cell), quants.get(op.output))
            return {Gates(op.name): gates, op.cell_output: cell, op.output: hidden}
        case SkipGate():
            return {}


def _function(op: Activation, x: Real) -> Real:
    match op.kind:
        case "sigmoid":
            return _sigmoid(x)
        case "tanh":
            return np.tanh(x)
        case "relu":
            return np.maximum(x, 0.0)
        case _:
            return np.clip(x, op.low, op.high)


def _sigmoid(x: Real) -> Real:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))
