"""Whole integer networks with random weights, small enough to run everywhere in a moment."""

from __future__ import annotations

import dataclasses

import numpy as np

from codesign.compiler.frontend import FrontEnd
from codesign.compiler.layers import Lookup16, SkipGate, StateValue, Value
from codesign.compiler.lower.network import Network
from integer_layers import fully_connected, lstm

SMALL = FrontEnd(n_fft=128, window=128, hop=64, n_mels=20)


def random_network(
    frontend: FrontEnd = SMALL, units: tuple[int, ...] = (12, 9), hidden: int = 10, skip: bool = False, seed: int = 1
) -> Network:
    """Features → LSTMs → fully connected (ReLU) → fully connected → sigmoid; with `skip`, a gate over all LSTMs."""
    rng = np.random.default_rng(seed)
    values = {"features": Value("features", frontend.n_mels, "int8", 6 / 254, -127)}
    states, layers = [], []
    source, width = "features", frontend.n_mels
    for index, size in enumerate(units):
        name = f"lstm_{index}"
        h, c = Value(f"h{index}", size, "int8", 2.0**-7), Value(f"c{index}", size, "int16", 2.0**-11)
        values |= {h.name: h, c.name: c}
        states += [StateValue(h), StateValue(c)]
        layer = lstm(rng, width, size)
        layers.append(dataclasses.replace(layer, name=name, source=source, hidden=h.name, cell=c.name))
        source, width = h.name, size
    if skip:
        values["gate"] = Value("gate", 1, "int16", 2.0**-15)
        values["delta"] = Value("delta", 1, "int16", 2.0**-15)
        values["gate_logit"] = Value("gate_logit", 1, "int16", 2.0**-12)
        states += [StateValue(values["gate"], 32767), StateValue(values["delta"])]
        logit = dataclasses.replace(
            _dense(rng, "gate_delta", source, "gate_logit", 1, width, 16), bias=np.full(1, -(2**12), np.int32)
        )
        layers.insert(0, SkipGate("gate", "gate", "delta", tuple(f"lstm_{i}" for i in range(len(units))), logit))
    values["relu"] = Value("relu", hidden, "int8", 0.02, -127)
    values["logit"] = Value("logit", frontend.n_mels, "int16", 2.0**-12)
    values["mask"] = Value("mask", frontend.n_mels, "int16", 2.0**-15)
    layers.append(_dense(rng, "fc_0", source, "relu", hidden, width, 8))
    layers.append(_dense(rng, "fc_1", "relu", "logit", frontend.n_mels, hidden, 16))
    layers.append(Lookup16("sigmoid", "logit", "mask", "sigmoid"))
    return Network("random", frontend, values, tuple(states), "features", "mask", tuple(layers))


def _dense(rng, name, source, output, rows, columns, bits):
    layer = fully_connected(rng, rows, columns, bits)
    shift = rng.integers(-9, -6, rows).astype(np.int32)
    bias = rng.integers(-(2**12), 2**12, rows).astype(np.int32)
    return dataclasses.replace(layer, name=name, source=source, output=output, shift=shift, bias=bias)
