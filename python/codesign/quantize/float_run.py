"""A graph in floating point: what calibration observes, and what a quantized graph is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codesign.load.graph import Activation, Graph, Linear, LstmCell, Quant, SkipGate

Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """Values of every step: name → float64 (frames, size). An LSTM's gate pre-activations are `<layer>:gates`."""

    values: Mapping[str, Real]


def float_run(graph: Graph, features: npt.NDArray[np.float32], quants: Mapping[str, Quant] | None = None) -> Trace:
    """Run features float32 (frames, n) from the initial states.

    With `quants`, every value that has parameters there is rounded to them ("fake quantization"); weights are used as the graph
    has them.
    """
    history: dict[str, list[Real]] = {}
    for values in float_steps(graph, features, quants):
        for name, value in values.items():
            history.setdefault(name, []).append(value)
    return Trace({name: np.stack(rows) for name, rows in history.items()})


def float_steps(
    graph: Graph, features: npt.NDArray[np.float32], quants: Mapping[str, Quant] | None = None
) -> Iterator[dict[str, Real]]:
    """As `float_run`, one step after the other: name → float64 (size,)."""
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

    def step(self, features: Real) -> dict[str, Real]:
        """One step; all values by name."""
        values = {self._graph.input: self._rounded(self._graph.input, features)}
        open_gates = {gate.name: bool(self._states[gate.state][0] >= 0.5) for gate in self._gates}
        skipped = {layer for gate in self._gates if not open_gates[gate.name] for layer in gate.layers}
        for op in self._graph.ops:
            match op:
                case Linear():
                    self._set(values, op.output, op.weight.values.astype(np.float64) @ values[op.source] + op.bias)
                case Activation():
                    self._set(values, op.output, _function(op, values[op.source]))
                case LstmCell():
                    self._lstm(op, values, skipped=op.name in skipped)
                case SkipGate():
                    pass
        for gate in self._gates:
            logit = gate.weight.values.astype(np.float64) @ values[gate.source] + gate.bias
            delta = _sigmoid(logit)
            old = self._states[gate.state]
            new = delta if open_gates[gate.name] else np.minimum(old + delta, 1.0)
            self._states[gate.state] = self._rounded(gate.state, new)
        return values

    def _lstm(self, op: LstmCell, values: dict[str, Real], skipped: bool) -> None:
        h, c = self._states[op.hidden], self._states[op.cell]
        if skipped:
            values[op.output], values[op.cell_output] = h, c
            return
        w, r = op.input_weight.values.astype(np.float64), op.recurrent_weight.values.astype(np.float64)
        gates = w @ values[op.source] + r @ h + op.bias
        values[f"{op.name}:gates"] = gates
        i, f, g, o = np.split(gates, 4)
        self._set(values, op.cell_output, _sigmoid(f) * c + _sigmoid(i) * np.tanh(g))
        self._set(values, op.output, _sigmoid(o) * np.tanh(values[op.cell_output]))
        self._states[op.hidden], self._states[op.cell] = values[op.output], values[op.cell_output]

    def _set(self, values: dict[str, Real], name: str, x: Real) -> None:
        values[name] = self._rounded(name, x)

    def _rounded(self, name: str, x: Real) -> Real:
        return rounded(x, self._quants.get(name))


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
