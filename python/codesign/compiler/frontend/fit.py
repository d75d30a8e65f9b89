# SPDX-License-Identifier: Apache-2.0
"""Which chains a network of these sizes could stand in: what to say where the one that was given does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codesign.compiler.frontend.chain import Chain
from codesign.compiler.frontend.fft_tables import MAX_N_FFT, is_fft_length
from codesign.compiler.frontend.presets import presets

_PRESET_KEYS = ("sample_rate", "n_fft", "window", "hop", "feature", "output", "gains", "n_mels", "gains_matrix", "bands_matrix")


def fitting(chain: Chain | None, n_features: int, n_outputs: int) -> list[str]:
    """Keys with which a chain gives `n_features` values and takes `n_outputs`, likely ones first; `chain` is what was said."""
    n_fft = chain.n_fft if chain is not None else 512
    found = [f'preset = "{name}"' for name in _presets(n_features, n_outputs)]
    for length in dict.fromkeys((n_fft, 2 * (n_features - 1), n_features - 2)):
        if is_fft_length(length):
            said = "" if chain is not None and length == n_fft else f"n_fft = {length}, "
            found += [f"{said}{inputs}, {outputs}" for inputs, outputs in _pairs(length // 2 + 1, n_features, n_outputs)]
    if n_features == n_outputs <= MAX_N_FFT:
        found.append(f'window = {n_features}, feature = "frame", output = "frame"')
    return found


def _presets(n_features: int, n_outputs: int) -> Iterator[str]:
    for name, keys in presets().items():
        sizes: dict[str, Any] = {key: keys[key] for key in _PRESET_KEYS if key in keys}
        matrices = {key: tuple(map(tuple, value)) for key, value in sizes.items() if key.endswith("matrix")}
        chain = Chain(**sizes | matrices)
        if (chain.n_features, chain.n_outputs) == (n_features, n_outputs):
            yield name


def _pairs(bins: int, n_features: int, n_outputs: int) -> Iterator[tuple[str, str]]:
    """(feature, output) of `bins` bins."""
    inputs = []
    if n_features == bins:
        inputs.append('feature = "magnitude"')
    if n_features == 2 * bins:
        inputs.append('feature = "spectrum"')
    if n_features < bins:
        inputs.append('feature = "mel_magnitude"')
    outputs = []
    if n_outputs == bins:
        outputs.append('gains = "bins"')
    if n_outputs == 2 * bins:
        outputs.append('output = "mask" or "spectrum"')
    if n_outputs == n_features < bins:
        outputs.append('gains = "bands"')
    yield from ((i, o) for i in inputs for o in outputs)
