# SPDX-License-Identifier: Apache-2.0
"""Chains of every kind, and the smallest integer networks that fit into them."""

from __future__ import annotations

import numpy as np

from codesign.compiler.frontend import Chain
from codesign.compiler.frontend.presets import presets
from codesign.compiler.frontend.read import Entry, read_chain_keys
from codesign.compiler.layers import FullyConnected, Requantize, Value
from codesign.compiler.lower.network import Network


def chain_of(**keys: object) -> Chain:
    """The chain of these keys, with everything that follows from them."""
    return read_chain_keys({key: Entry(value, "test:") for key, value in keys.items()}, "test", lambda name: None).chain


def _ramp(n: int, low: float, high: float) -> list[float]:
    return np.linspace(low, high, n).tolist()


def compression(*, one: bool = False, **keys: object) -> dict[str, object]:
    """A compressor of three bands, or of `one`, for chains of 16 kHz."""
    rows = [[30, 25, 5, -10], [10, 20, 10, 0], [0, 0, 0, 3]]
    frequencies = [500, 1500, 4000]
    few = {"frequencies": frequencies[:1], "gains": rows[:1]} if one else {"frequencies": frequencies, "gains": rows}
    return {**few, "levels": [20, 50, 70, 100], "attack": 4, "release": 40} | keys


PROGRAMS = [
    {"name": "restaurant", "strength": 100, "limiter": -20, "limiter_rms": -30, "gains": [[10, 5, 0, 0]] * 3},
    {"name": "music", "strength": 0},
]
RNG = np.random.default_rng(7)
SMALL = {"window": 64, "n_fft": 64, "hop": 32}
CHAINS = {
    **{f"preset {name}": chain_of(preset=name) for name in presets()},
    "magnitude, power law, 3/4 overlap": chain_of(window=96, n_fft=96, hop=24, feature="magnitude", exponent=0.5),
    "log of an offset, int mean": chain_of(**SMALL, feature="power", compression="log", offset=1.0, mean=-1.5, deviation=2.5),
    "mean and deviation of each": chain_of(
        **{"window": 50, "n_fft": 60, "hop": 20, "feature": "magnitude", "compression": "log10", "floor": 1e-6},
        **{"mean": _ramp(31, -3, 1), "deviation": _ramp(31, 0.2, 2), "window_kind": "hamming"},
    ),
    "hop that does not divide": chain_of(window=70, n_fft=80, hop=32, window_kind="sqrt_hann", feature="mel_power", n_mels=9),
    "hop above half a window": chain_of(window=64, n_fft=90, hop=48, window_kind="sqrt_hamming", feature="magnitude"),
    "hop as long as the window": chain_of(window=48, n_fft=48, hop=48, window_kind="rectangular", feature="power"),
    "Slaney, floor, own windows": chain_of(
        **{"window": 120, "n_fft": 150, "hop": 60, "feature": "slaney_power", "n_mels": 16, "floor": 1e-3},
        **{"window_kind": "samples", "window_samples": _ramp(120, 0.2, 1), "synthesis_kind": "vorbis"},
    ),
    "ERB to bins": chain_of(**SMALL, feature="erb_magnitude", n_mels=7, gains="bins", compression="none", floor=0.01),
    "bins to a matrix": chain_of(**SMALL, feature="magnitude", gains_matrix=RNG.normal(0, 0.4, (33, 5)).tolist(), gain_min=0.1),
    "bands of a matrix with an empty row": chain_of(
        **SMALL, feature="matrix_magnitude", n_mels=3, bands_matrix=(RNG.normal(0, 1, (3, 33)) * [[1], [0], [1]]).tolist()
    ),
    "running mean of each": chain_of(
        **{"window": 64, "n_fft": 64, "hop": 32, "feature": "erb_power", "n_mels": 8, "compression": "log10"},
        **{"running": "mean", "running_start": _ramp(8, -6, -9), "running_smoothing": 0.97, "deviation": 4.0},
    ),
    "running mean of all": chain_of(**SMALL, feature="magnitude", running="mean", running_over="all", running_smoothing=0.9),
    "running deviation of each": chain_of(
        **{"window": 48, "n_fft": 64, "hop": 24, "feature": "frame", "output": "gains", "running": "mean_deviation"},
        **{"running_smoothing": 0.95, "running_floor": 1e-4},
    ),
    "running deviation of all": chain_of(
        **{"window": 64, "n_fft": 64, "hop": 32, "feature": "log10_power", "running": "mean_deviation", "running_over": "all"},
        **{"running_start": -3, "running_deviation": 2.5, "mean": 0.2},
    ),
    "running size of each bin": chain_of(
        **SMALL,
        feature="spectrum",
        output="mask",
        running="unit",
        running_start=_ramp(33, 0.001, 0.0001),
        running_smoothing=0.98,
    ),
    "running size of all bins in planes": chain_of(
        **{"window": 80, "n_fft": 80, "hop": 40, "feature": "spectrum", "output": "mask", "layout": "planes"},
        **{"running": "unit", "running_over": "all", "running_smoothing": 0.98, "deviation": 2.0},
    ),
    "complex mask": chain_of(**SMALL, feature="spectrum", output="mask"),
    "complex mask in planes, scaled": chain_of(
        **{"window": 80, "n_fft": 80, "hop": 40, "feature": "spectrum", "output": "mask", "layout": "planes", "deviation": 0.3}
    ),
    "spectrum in planes": chain_of(**SMALL, feature="spectrum", output="spectrum", layout="planes"),
    "frame to gains": chain_of(**SMALL, feature="frame", output="gains", mean=0.01),
    "magnitude to a frame": chain_of(**SMALL, feature="magnitude", output="frame", synthesis_kind="same"),
    "filter of bins": chain_of(**SMALL, feature="magnitude", path="filter", taps=16),
    "filter of bands, mixed transform": chain_of(
        **{"window": 80, "n_fft": 90, "hop": 40, "feature": "mel_power", "n_mels": 9, "gain_max": 1.5},
        **{"path": "filter", "taps": 88, "block": 10, "lag": 10},
    ),
    "filter longer than a hop, odd blocks": chain_of(
        **{"window": 128, "n_fft": 256, "hop": 21, "feature": "erb_magnitude", "n_mels": 7, "window_kind": "hann"},
        **{"path": "filter", "taps": 256, "block": 7},
    ),
    "limited attenuation, strength, limiter": chain_of(
        **SMALL, feature="magnitude", attenuation_limit=12, strength=70, limiter=-6, limiter_attack=2
    ),
    "filter, mixed and limited": chain_of(
        **SMALL, feature="magnitude", path="filter", taps=24, strength=0, limiter=-20, limiter_release=5
    ),
    "compression in bands": chain_of(**SMALL, feature="magnitude", compressor=compression(), limiter=-10, limiter_rms=-20),
    "compression after the network, with strength": chain_of(
        **{"window": 128, "n_fft": 128, "hop": 64, "feature": "mel_magnitude", "n_mels": 12},
        **{"compressor": compression(meter="after"), "strength": 80, "attenuation_limit": 20, "output_spl": 130},
    ),
    "compression of a complex mask, mixed": chain_of(
        **SMALL, feature="spectrum", output="mask", layout="planes", strength=50, compressor=compression(meter="after")
    ),
    "compression of a spectrum, mixed": chain_of(
        **SMALL, feature="spectrum", output="spectrum", layout="planes", strength=50, compressor=compression()
    ),
    "compression of a spectrum": chain_of(**SMALL, feature="spectrum", output="spectrum", compressor=compression(one=True)),
    "compression in the filter": chain_of(
        **SMALL, feature="magnitude", path="filter", taps=24, compressor=compression(), limiter_rms_spl=100, limiter_spl=112
    ),
    "compression in the filter, after it, with programs": chain_of(
        **{"window": 64, "n_fft": 80, "hop": 32, "feature": "magnitude", "path": "filter", "taps": 32, "strength": 60},
        **{"compressor": compression(meter="after"), "limiter": -8, "limiter_rms": -20, "programs": PROGRAMS, "program": 1},
    ),
    "compression with makeup, a quieter program": chain_of(
        **{"window": 128, "n_fft": 128, "hop": 64, "feature": "mel_magnitude", "n_mels": 12, "attenuation_limit": 6},
        **{"compressor": compression(meter="after", makeup=True), "speech_loss": (1.5,), "programs": PROGRAMS[1:]},
    ),
    "filter less late than half of its taps": chain_of(
        **{"window": 64, "n_fft": 128, "hop": 32, "feature": "magnitude", "path": "filter", "taps": 64, "filter_delay": 20},
    ),
    "filter in 16 bits less late than half of its taps": chain_of(
        **{"window": 64, "n_fft": 64, "hop": 32, "feature": "mel_magnitude", "n_mels": 12, "path": "filter", "taps": 44},
        **{"filter_delay": 12, "filter_type": "int16"},
    ),
    "programs without compression": chain_of(
        **SMALL,
        **{"feature": "magnitude", "strength": 60, "limiter": -8, "program": 2},
        programs=[{"name": "quiet", "limiter": -20}, {"name": "dry", "strength": 0}],
    ),
    "filter of minimum phase": chain_of(**SMALL, feature="magnitude", path="filter", taps=16, phase="minimum"),
    "filter of minimum phase in 16 bits, mixed": chain_of(
        **SMALL, feature="magnitude", path="filter", taps=32, phase="minimum", filter_type="int16", attenuation_limit=10
    ),
    "filter in 16 bits, odd blocks": chain_of(
        **{"window": 128, "n_fft": 256, "hop": 21, "feature": "erb_magnitude", "n_mels": 7},
        **{"window_kind": "asymmetric", "synthesis_length": 26, "path": "filter", "taps": 100, "block": 7},
        **{"filter_type": "int16", "gain_max": 1.5},
    ),
    "asymmetric window": chain_of(window=128, n_fft=128, hop=16, window_kind="asymmetric", feature="mel_magnitude", n_mels=12),
    "asymmetric window, long fall, mixed": chain_of(
        **{"window": 100, "n_fft": 120, "hop": 12, "window_kind": "asymmetric", "synthesis_length": 72},
        **{"feature": "spectrum", "output": "mask", "attenuation_limit": 12},
    ),
    "frame to frame of any length": chain_of(window=77, n_fft=77, hop=11, feature="frame", output="frame"),
}


def small_network(chain: Chain, features: str = "int16", outputs: str = "int16", seed: int = 1) -> Network:
    """A hidden layer of 8 between features and outputs of these types, whatever their sizes."""
    rng = np.random.default_rng(seed)
    count = chain.n_features
    values = [
        Value("features", count, "int8", 0.02, -7) if features == "int8" else Value("features", count, "int16", 2.0**-11),
        Value("narrow", count, "int8", 2.0**-6),
        Value("hidden", 8, "int8", 2.0**-6),
        Value("outputs", chain.n_outputs, "int8" if outputs == "int8" else "int16", 0.02 if outputs == "int8" else 2.0**-13),
    ]
    layers = [Requantize("narrowed", "features", "narrow", 1 << 30, -7, 0)] if features == "int16" else []
    layers.append(_dense(rng, "first", values[0].name if features == "int8" else "narrow", "hidden", 8, count, 8))
    layers.append(_dense(rng, "last", "hidden", "outputs", chain.n_outputs, 8, 8 if outputs == "int8" else 16))
    return Network("small", chain, {v.name: v for v in values}, (), "features", "outputs", tuple(layers))


def _dense(rng, name: str, source: str, output: str, rows: int, columns: int, bits: int) -> FullyConnected:
    low, high = (-127, 127) if bits == 8 else (-32767, 32767)
    shift = -7 if bits == 8 else 0
    return FullyConnected(
        *(name, source, output),
        weights=rng.integers(-127, 128, (rows, columns)).astype(np.int8),
        bias=rng.integers(-4000, 4000, rows).astype(np.int32),
        multiplier=np.full(rows, 1 << 30, np.int32),
        shift=np.full(rows, shift, np.int32),
        zero_point=3 if bits == 8 else 0,
        low=low,
        high=high,
    )
