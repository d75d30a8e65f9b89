# SPDX-License-Identifier: Apache-2.0
"""Scales moved between layers so that int8 fits both: the network stays what it is, its quantization gets finer.

Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019, section 4.1: with s > 0,
ReLU(W·x + b) followed by V is the same as ReLU((W·x + b) / s) followed by V·s, for every channel a factor of its own. They
make the ranges of W's rows and V's columns equal. Here rows of W have scales of their own and lose nothing by any s; what
shares one scale is the value in between, so its range takes the place of W's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from codesign.compiler.model.graph import Graph


@dataclass(frozen=True)
class Channels:
    """What the channels of one value did on calibration data, float64 (size,): largest magnitude and mean square."""

    largest: npt.NDArray[np.float64]
    power: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Balanced:
    """What happened between two layers: how many channels were scaled, and by how many dB the noise that int8 puts into the
    second layer's output is estimated to fall; 0 and 0 where nothing would have made it less.
    """

    first: str
    second: str
    channels: int
    gain_db: float


EXPONENTS = (0.25, 0.5, 0.75, 1.0)
"""How much of the unevenness goes from the value to the weights; the one with the least estimated noise is taken, or none."""

MOST_OCTAVES = 32
"""Of one factor: a channel that is smaller yet does nothing in int8, and float32 weights must stay finite."""


def balance(graph: Graph, seen: Mapping[str, Channels]) -> tuple[Graph, tuple[Balanced, ...]]:
    """A float graph that computes the same, and what was moved where; `seen` has every value of the graph.

    Factors are powers of two, so that float32 weights stay exact. What is balanced is an operator that can scale its output by
    its weights and one that can undo it by its own, with nothing in between but functions that let a factor through, such as
    a ReLU: an LSTM's sigmoid and tanh, and a limit at the top, are not the same function at another scale.
    """
    ops = list(graph.ops)
    done = []
    for first, between, second in _pairs(graph):
        a, b = ops[first], ops[second]
        assert b.columns is not None
        factors, gain = _factors(seen[between], b.columns.values.astype(np.float64))
        scaled = a.with_rows(1 / factors)
        assert scaled is not None
        ops[first], ops[second] = scaled, b.with_columns(factors)
        done.append(Balanced(a.name, b.name, int(np.count_nonzero(factors != 1.0)), gain))
    return replace(graph, ops=tuple(ops)), tuple(done)


def _pairs(graph: Graph) -> list[tuple[int, str, int]]:
    """Places of two operators between which factors can move, and the value that the second one reads."""
    found = []
    place_of = {op.name: place for place, op in enumerate(graph.ops)}
    for place, op in enumerate(graph.ops):
        value = op.outputs[0]
        if len(graph.shapes[value]) > 1 or op.with_rows(np.ones(graph.size(value))) is None:
            continue  # over positions a channel is not an element
        reader = graph.follower(value)
        while reader is not None and reader.homogeneous:
            value = reader.outputs[0]
            reader = graph.follower(value)
        if reader is not None and reader.columns is not None:
            found.append((place, value, place_of[reader.name]))
    return found


def _factors(value: Channels, weights: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """The factors with the least estimated noise, and how many dB less that is than without any."""
    columns = np.abs(weights).max(axis=0)
    alive = (value.largest > 0.0) & (columns > 0.0)
    none = np.ones(value.largest.size)
    if not alive.any():
        return none, 0.0
    candidates = [none]
    for exponent in EXPONENTS:
        octaves = np.zeros(none.size)
        octaves[alive] = exponent * np.log2(value.largest[alive] / value.largest.max())
        octaves[alive] -= (1 - exponent) * np.log2(columns[alive] / columns.max())
        candidates.append(np.exp2(np.clip(np.rint(octaves), -MOST_OCTAVES, MOST_OCTAVES)))
    noises = [estimated_noise(value, weights, factors) for factors in candidates]
    best = int(np.argmin(noises))
    return candidates[best], 10.0 * float(np.log10(noises[0] / noises[best])) if noises[best] > 0.0 else 0.0


def estimated_noise(value: Channels, weights: npt.NDArray[np.float64], factors: npt.NDArray[np.float64]) -> float:
    """Noise power in the output of `weights` (rows, size), up to a constant, with the value divided and the columns multiplied.

    Rounding noise is a twelfth of a squared step (Widrow 1961) and independent: one step for the value, of 254 to its largest
    channel, one for each row of weights, of 127 to its largest.
    """
    scaled = weights * factors
    value_step = float((value.largest / factors).max()) / 254
    row_steps = np.abs(scaled).max(axis=1) / 127
    of_value = value_step**2 * float(np.square(scaled).sum())
    of_weights = float(np.square(row_steps).sum()) * float((value.power / factors**2).sum())
    return of_value + of_weights
