# SPDX-License-Identifier: Apache-2.0
"""Whole integer networks with random weights, small enough to run everywhere in a moment."""

from __future__ import annotations

import dataclasses

import numpy as np

from codesign.compiler.frontend import Chain
from codesign.compiler.layers import Lookup8, Lookup16, Requantize, SkipGate, StateValue, Value
from codesign.compiler.lower.binary import Side, binary_of
from codesign.compiler.lower.gru import gru_of
from codesign.compiler.lower.network import Network
from codesign.compiler.lower.recurrent import lstm_of
from codesign.compiler.lower.reductions import normalize_of
from codesign.compiler.lower.rows import Rows
from codesign.compiler.lower.unary import rescale_of
from codesign.compiler.lower.wide_linear import fully_connected_of
from integer_layers import fully_connected, integers, lstm

SMALL = Chain(n_fft=128, window=128, hop=64, n_mels=20)


def random_network(
    frontend: Chain = SMALL, units: tuple[int, ...] = (12, 9), hidden: int = 10, skip: bool = False, seed: int = 1
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


def wide_network(frontend: Chain = SMALL, seed: int = 1) -> Network:
    """Features → GRU of int8 → int16 → GRU of int16 along positions → normalization → residual → LSTM of int16 → dense layer
    of int16 → sigmoid: layers of int16 values, one after the other.
    """
    rng, positions, units, bands = np.random.default_rng(seed), 3, 6, frontend.n_mels
    size = positions * units
    values = {
        "features": Value("features", bands, "int8", 6 / 254, -127),
        "h0": Value("h0", size, "int8", 2.0**-7),
        "c": Value("c", 8, "int16", 2.0**-11),
        **{name: Value(name, size, "int16", 2.0**-15) for name in ("wide", "along")},
        **{name: Value(name, size, "int16", 2.0**-12) for name in ("norm", "sum")},
        "h1": Value("h1", 8, "int16", 2.0**-15),
        "logit": Value("logit", bands, "int16", 2.0**-12),
        "mask": Value("mask", bands, "int16", 2.0**-15),
    }

    def rows(gates: int, of: int, columns: int) -> Rows:
        return Rows.of(rng.normal(0, 0.5, (gates * of, columns)), groups=gates)

    def biases(n: int) -> np.ndarray:
        return rng.normal(0, 0.3, n)

    v = values
    gru = (rows(3, size, bands), rows(3, size, size), biases(3 * size), biases(3 * size))
    inner = (rows(3, units, units), rows(3, units, units), biases(3 * units), biases(3 * units))
    shape = (positions, units)
    layers = (
        gru_of("gru", v["features"], v["h0"], *gru, reset_after=True),
        rescale_of("widen", v["h0"], v["wide"]),
        gru_of("scan", v["wide"], v["along"], *inner, reset_after=False, positions=positions, scan="reverse"),
        normalize_of("norm", v["along"], v["norm"], np.ones(units), biases(units), 1e-5),
        binary_of("residual", "add", Side(v["norm"], shape), Side(v["wide"], shape), v["sum"]),
        lstm_of("lstm", v["sum"], v["h1"], "c", 11, rows(4, 8, size), rows(4, 8, 8), biases(32)),
        fully_connected_of("dense", v["h1"], v["logit"], Rows.of(rng.normal(0, 2, (bands, 8))), biases(bands)),
        Lookup16("sigmoid", "logit", "mask", "sigmoid"),
    )
    states = tuple(StateValue(v[name]) for name in ("h0", "h1", "c"))
    return Network("wide", frontend, values, states, "features", "mask", layers)


def _dense(rng, name, source, output, rows, columns, bits):
    layer = fully_connected(rng, rows, columns, bits)
    shift = rng.integers(-9, -6, rows).astype(np.int32)
    bias = rng.integers(-(2**12), 2**12, rows).astype(np.int32)
    return dataclasses.replace(layer, name=name, source=source, output=output, shift=shift, bias=bias)


def drawn_network(seed: int) -> Network:
    """A network of any size, shape and front end: LSTMs, fully connected layers with int8 and int16 activations, odd sizes and
    sizes of one, weights at their limits, cells of all scales, perhaps a skip gate, a mask of int8 or int16.
    """
    rng = np.random.default_rng(seed)
    parts = _Parts(rng, _drawn_front_end(rng))
    for _ in range(int(rng.integers(0, 4))):
        parts.lstm()
    if parts.layers and rng.integers(0, 2):
        parts.gate()
    for _ in range(int(rng.integers(0, 4))):
        parts.hidden()
    return parts.finished(f"drawn {seed}")


def _drawn_front_end(rng: np.random.Generator) -> Chain:
    n_fft = 2 ** int(rng.integers(4, 11))
    parts = int(rng.integers(2, 5))
    hop = int(rng.integers(1, n_fft // parts + 1))
    rate = int(rng.choice([8000, 16000, 24000, 48000]))
    return Chain(
        sample_rate=rate,
        n_fft=n_fft,
        window=hop * parts,
        hop=hop,
        window_kind=str(rng.choice(["hann", "sqrt_hann"])),
        feature=str(rng.choice(["mel_magnitude", "mel_power"])),
        n_mels=int(rng.integers(1, min(n_fft // 2 + 1, 130) + 1)),
        f_max=rate / 2,
        exponent=float(rng.choice([0.1, 0.3, 0.5, 1.0])),
    )


class _Parts:
    """A network as it grows: each layer reads what the one before it gave."""

    def __init__(self, rng: np.random.Generator, frontend: Chain) -> None:
        self.rng, self.frontend = rng, frontend
        scale = float(2.0 ** -rng.integers(0, 8))
        self.last = Value("features", frontend.n_mels, "int8", scale, int(rng.choice([-127, 0, 15])))
        self.values = {"features": self.last}
        self.states: list[StateValue] = []
        self.layers: list = []

    def value(self, name: str, size: int, dtype: str, scale: float, zero_point: int = 0) -> Value:
        self.values[name] = Value(name, size, dtype, scale, zero_point)
        return self.values[name]

    def size(self) -> int:
        return int(self.rng.choice([1, 2, 3, 4, 5, 17, 32, 63, 64, 65, 100]))

    def kind(self) -> str:
        return str(self.rng.choice(["random", "random", "extreme", "maximum", "zero"]))

    def lstm(self) -> None:
        index, units, fraction = len(self.layers), self.size(), int(self.rng.integers(8, 16))
        layer = lstm(self.rng, self.last.size, units, fraction, self.kind(), int(self.rng.integers(18, 31)))
        h = self.value(f"h{index}", units, "int8", 2.0**-7, layer.hidden_zero_point)
        c = self.value(f"c{index}", units, "int16", 2.0**-fraction)
        starts = (int(self.rng.integers(-127, 128)), int(self.rng.integers(-32768, 32768)))
        self.states += [StateValue(value, start) for value, start in zip((h, c), starts, strict=True)]
        named = dataclasses.replace(layer, name=f"lstm_{index}", source=self.last.name, hidden=h.name, cell=c.name)
        self.layers.append(named)
        self.last = h

    def gate(self) -> None:
        gate, delta = (self.value(name, 1, "int16", 2.0**-15) for name in ("gate", "delta"))
        self.value("gate_logit", 1, "int16", 2.0**-12)
        self.states += [StateValue(gate, 32767), StateValue(delta)]
        logit = _dense(self.rng, "gate_delta", self.last.name, "gate_logit", 1, self.last.size, 16)
        self.layers.insert(0, SkipGate("gate", "gate", "delta", tuple(layer.name for layer in self.layers), logit))

    def dense(self, rows: int, bits: int) -> None:
        name = f"fc_{len(self.layers)}"
        source, self.last = self.last, self.value(f"{name}_out", rows, f"int{bits}", 2.0**-12 if bits == 16 else 0.02)
        layer = _dense(self.rng, name, source.name, self.last.name, rows, source.size, bits)
        weights = integers(self.rng, (rows, source.size), self.kind())
        self.layers.append(dataclasses.replace(layer, weights=weights))

    def hidden(self) -> None:
        self.dense(self.size(), 8)
        if self.rng.integers(0, 2):
            table = self.rng.integers(-127, 128, 256).astype(np.int8)
            name = f"table_{len(self.layers)}"
            source, self.last = self.last, self.value(f"{name}_out", self.last.size, "int8", 2.0**-7)
            self.layers.append(Lookup8(name, source.name, self.last.name, table))
        else:
            self.activation(narrow=True)

    def activation(self, narrow: bool) -> None:
        """Fully connected to int16, and sigmoid or tanh; back to int8 when `narrow`."""
        self.dense(self.last.size if narrow else self.frontend.n_mels, 16)
        name, logit = f"function_{len(self.layers)}", self.last
        self.last = self.value(f"{name}_out", logit.size, "int16", 2.0**-15)
        table = "tanh" if narrow and self.rng.integers(0, 2) else "sigmoid"
        self.layers.append(Lookup16(name, logit.name, self.last.name, table))
        if narrow:
            self.requantize()

    def requantize(self) -> None:
        name, source = f"narrow_{len(self.layers)}", self.last
        zero_point = int(self.rng.choice([-127, 0, 100]))
        self.last = self.value(f"{name}_out", source.size, "int8", 1 / 254, zero_point)
        constants = (int(self.rng.integers(2**30, 2**31)), int(self.rng.integers(-9, -6)), zero_point)
        self.layers.append(Requantize(name, source.name, self.last.name, *constants))

    def finished(self, name: str) -> Network:
        self.activation(narrow=False)
        if self.rng.integers(0, 2):
            self.requantize()
        return Network(name, self.frontend, self.values, tuple(self.states), "features", self.last.name, tuple(self.layers))
