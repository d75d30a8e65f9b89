# SPDX-License-Identifier: Apache-2.0
"""Where quantization puts its noise: every layer, float against int8, over the calibration data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Activation, Graph, Linear, LstmCell, Op, SkipGate
from codesign.compiler.quantize.float_run import Gates, Key, Real, compute, float_steps, rounded
from codesign.compiler.reference.frontend import quantize_features
from codesign.compiler.reference.network import NetworkState, Runner, initial_state


@dataclass(frozen=True)
class LayerReport:
    """Signal-to-noise ratios in dB, None where there is no noise or nothing to compare.

    `weights_db`: of the int8 weights; `alone_db`: of the layer's output when only this layer is quantized and all that it
    reads, its own states too, is the float network's; `network_db`: of its output in the integer network, which carries
    what came before.
    """

    name: str
    kind: str
    weights_db: float | None
    alone_db: float | None
    network_db: float | None


@dataclass
class _Layer:
    """Operators that are one layer, and the sums of squares so far."""

    name: str
    kind: str
    ops: tuple[Op, ...]
    output: str
    integer: str  # the name of its output in the integer network
    signal: float = 0.0
    alone: float = 0.0
    network: float = 0.0
    weights: tuple[float, float] = field(default=(0.0, 0.0))

    def report(self) -> LayerReport:
        return LayerReport(
            self.name, self.kind, _db(*self.weights), _db(self.signal, self.alone), _db(self.signal, self.network)
        )


def compare(
    graph: Graph,
    quantized: Graph,
    network: Network,
    features: Sequence[npt.NDArray[np.float32]],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> tuple[LayerReport, ...]:
    """The input and every layer in order: `graph` in float, `quantized` the same with quants, `network` the latter lowered.

    features: one float32 array (frames, n) a recording, each from the initial states.
    """
    layers = _layers(graph, quantized)
    runner = Runner(network)
    for done, rows in enumerate(features):
        progress("compare", done, len(features))
        states: Mapping[str, Real] = {state.input: np.full(state.size, state.initial) for state in graph.states}
        integers = initial_state(network)
        quant = quantized.quants[graph.input]
        inputs = quantize_features(rows, quant.scale, quant.zero_point)
        for row, values in zip(inputs, float_steps(graph, rows), strict=True):
            now = dict(integers.values)
            now[network.input] = row.astype(np.int64)
            runner.advance(now)
            integers = NetworkState({name: now[name] for name in integers.values})
            for layer in layers:
                exact = values[layer.output]
                value = network.values[layer.integer]
                ours = (now[layer.integer] - value.zero_point) * value.scale
                layer.signal += float(exact @ exact)
                layer.network += float(np.square(ours - exact).sum())
                layer.alone += float(np.square(_alone(layer, quantized, values, states) - exact).sum())
            states = _next_states(graph, values)
    return tuple(layer.report() for layer in layers)


def _alone(layer: _Layer, quantized: Graph, values: Mapping[Key, Real], states: Mapping[str, Real]) -> Real:
    """The layer's output from the float network's values; a layer that was skipped has none of its own."""
    if not layer.ops:
        return rounded(values[layer.output], quantized.quants.get(layer.output))
    if layer.kind == "lstm" and Gates(layer.name) not in values:
        return values[layer.output]
    made = dict(values)
    for op in layer.ops:
        made |= compute(op, made, states, quantized.quants)
    return made[layer.output]


def _next_states(graph: Graph, values: Mapping[Key, Real]) -> dict[str, Real]:
    """States of LSTMs after a step; those of skip gates are nothing that a layer reads."""
    cells = [op for op in graph.ops if isinstance(op, LstmCell)]
    return {op.hidden: values[op.output] for op in cells} | {op.cell: values[op.cell_output] for op in cells}


def _layers(graph: Graph, quantized: Graph) -> list[_Layer]:
    found = [_Layer(graph.input, "input", (), graph.input, graph.input)]
    taken: set[str] = set()
    for exact, op in zip(graph.ops, quantized.ops, strict=True):
        if op.name in taken or isinstance(op, SkipGate):
            continue
        if isinstance(op, LstmCell):
            found.append(_Layer(op.name, "lstm", (op,), op.output, op.hidden))
        elif isinstance(op, Linear):
            # An activation that is the only one to read a linear layer's output belongs to it, as in the firmware.
            readers = [other for other in quantized.ops if getattr(other, "source", None) == op.output]
            follower = readers[0] if len(readers) == 1 and isinstance(readers[0], Activation) else None
            ops = (op,) if follower is None else (op, follower)
            taken |= {other.name for other in ops}
            found.append(_Layer(op.name, "linear", ops, ops[-1].output, ops[-1].output))
        else:
            found.append(_Layer(op.name, op.kind, (op,), op.output, op.output))
        found[-1].weights = _weight_noise(exact, op)
    return found


def _weight_noise(exact: Op, ours: Op) -> tuple[float, float]:
    """Sums of squares of the weights and of what int8 makes them differ by."""
    signal = noise = 0.0
    for name in ("weight", "input_weight", "recurrent_weight"):
        if hasattr(exact, name):
            a, b = (getattr(op, name).values.astype(np.float64) for op in (exact, ours))
            signal += float(np.square(a).sum())
            noise += float(np.square(a - b).sum())
    return signal, noise


def _db(signal: float, noise: float) -> float | None:
    return 10.0 * math.log10(signal / noise) if signal > 0.0 and noise > 0.0 else None
