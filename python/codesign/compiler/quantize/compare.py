# SPDX-License-Identifier: Apache-2.0
"""Where quantization puts its noise: every layer, float against int8, over the calibration data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codesign.compiler.layers import Value
from codesign.compiler.layers.arithmetic import Ints
from codesign.compiler.layers.value import reals_of
from codesign.compiler.lower.network import Network
from codesign.compiler.model.graph import Graph
from codesign.compiler.operators import Operator
from codesign.compiler.operators.operator import Real
from codesign.compiler.quantize.float_run import float_steps, grid_of, skipped_operators
from codesign.compiler.reference.frontend import quantize_features
from codesign.compiler.reference.network import NetworkState, Runner, given, initial_state


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
    ops: tuple[Operator, ...]
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
    layers = _layers(graph, quantized, network)
    runner = Runner(network)
    for done, rows in enumerate(features):
        progress("compare", done, len(features))
        integers = initial_state(network)
        feature = network.values[network.input]
        inputs = quantize_features(rows, feature.scale, feature.zero_point, feature.dtype)
        for row, values in zip(inputs, float_steps(graph, rows), strict=True):
            now = dict(integers.values)
            now[network.input] = given(row)
            runner.advance(now)
            integers = NetworkState({name: now[name] for name in integers.values})
            skipped = skipped_operators(graph, values)
            for layer in layers:
                exact = values[layer.output].ravel()
                value = network.values[layer.integer]
                ours = _real(value, now[layer.integer])
                layer.signal += float(exact @ exact)
                layer.network += float(np.square(ours - exact).sum())
                layer.alone += float(np.square(_alone(layer, quantized, values, skipped) - exact).sum())
    return tuple(layer.report() for layer in layers)


def _alone(layer: _Layer, quantized: Graph, values: Mapping[str, Real], skipped: frozenset[str]) -> Real:
    """The layer's output, (size,), from the float network's values; a layer that was skipped has none of its own."""
    grid = grid_of(quantized.quants)
    if not layer.ops:
        return grid(layer.output, values[layer.output]).ravel()
    made = dict(values)
    for op in layer.ops:
        if op.name not in skipped:
            made |= op.run(made, grid)
    return made[layer.output].ravel()


def _layers(graph: Graph, quantized: Graph, network: Network) -> list[_Layer]:
    found = [_Layer(graph.input, "input", (), graph.input, graph.input)]
    taken: set[str] = set()
    for exact, op in zip(graph.ops, quantized.ops, strict=True):
        if op.name in taken or op.guards:
            continue
        follower = quantized.follower(op.outputs[0])
        # A clamp or a table that is the only one to read a layer's output belongs to it, as in the firmware.
        joined = follower is not None and op.gives_int16 and (follower.clamp is not None or follower.table is not None)
        ops = (op, follower) if follower is not None and joined else (op,)
        taken |= {other.name for other in ops}
        output = ops[-1].outputs[0]
        found.append(_Layer(op.name, op.label, ops, output, _held_in(graph, network, output)))
        found[-1].weights = _weight_noise(exact, op)
    return [layer for layer in found if layer.integer]


def _held_in(graph: Graph, network: Network, value: str) -> str:
    """What the network calls a value of the graph after the step: a state's next value may be in the state's place."""
    if value in network.values:
        return value
    return next((s.input for s in graph.states if graph.next_value(s) == value and s.input in network.values), "")


def _weight_noise(exact: Operator, ours: Operator) -> tuple[float, float]:
    """Sums of squares of the weights and of what int8 makes them differ by."""
    signal = noise = 0.0
    for before, after in zip(exact.matrices, ours.matrices, strict=True):
        a, b = before.values.astype(np.float64), after.values.astype(np.float64)
        signal += float(np.square(a).sum())
        noise += float(np.square(a - b).sum())
    return signal, noise


def _real(value: Value, integers: Ints) -> Real:
    if value.dtype == "float32":
        return reals_of(value, integers).astype(np.float64)
    return np.asarray((integers - value.zero_point) * value.scale)


def _db(signal: float, noise: float) -> float | None:
    return 10.0 * math.log10(signal / noise) if signal > 0.0 and noise > 0.0 else None
