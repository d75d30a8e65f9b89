# SPDX-License-Identifier: Apache-2.0
"""Which code runs a chain: one of the runtime's two whole frames, or a frame of the model's own, made of pieces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.frontend import Arithmetic, Chain, analysis_window, synthesis_window
from codesign.compiler.frontend.chain import FLOOR
from codesign.compiler.frontend.fft_tables import is_power_of_two
from codesign.compiler.frontend.windows import ASYMMETRIC
from codesign.compiler.layers import Value
from codesign.compiler.lower.network import Network


def has_own_frame(network: Network, arithmetic: Arithmetic) -> bool:
    """Whether the model brings a frame function, as for the filter path; else its frame is cs_frame_float32 or cs_frame_q31.

    Raises:
        InputError: the network does not fit its chain, or the Q31 front end does not have what the chain needs.
    """
    for part in network.row:
        _check_sizes(part)
    chain, features = network.frontend, network.values[network.input]
    if arithmetic == "q31":
        _check_q31(network, chain, features)
        return chain.filters
    if chain.filters:
        return True
    return not (is_power_of_two(chain.n_fft) and _is_band_gains(chain) and features.dtype == "int8") or bool(network.parts)


def _check_sizes(network: Network) -> None:
    chain, features, outputs = network.frontend, network.values[network.input], network.values[network.output]
    for what, value, wanted in (("feature", features, chain.n_features), ("output", outputs, chain.n_outputs)):
        if value.size != wanted:
            kind = getattr(chain, what)
            raise InputError(f"{network.name}: {what} '{kind}' has {wanted} values, the network {value.size}")
    if features.dtype == "int16" and features.zero_point != 0:
        raise InputError(
            f"{network.name}: int16 features have zero point {features.zero_point}", hint="int16 values are symmetric: 0"
        )


def _is_band_gains(chain: Chain) -> bool:
    """What the runtime's own frame computes: a power of bands, and gains of the same bands, in frames."""
    return chain.has_bands and chain.gains == "bands" and not any(missing for missing, _ in _not_q31(chain))


def _check_q31(network: Network, chain: Chain, features: Value) -> None:
    reasons = [
        (bool(network.parts), f"{len(network.parts)} networks in a row"),
        *_not_q31(chain),
        (chain.bands == "matrix", "bands of a matrix"),
        (not is_power_of_two(chain.n_fft), f"n_fft {chain.n_fft}, no power of two"),
        (chain.window % chain.hop != 0 or chain.window < 2 * chain.hop, f"hop {chain.hop} for window {chain.window}"),
        (features.dtype != "int8", f"{features.dtype} features"),
        (chain.filters and chain.phase != "linear", f"phase '{chain.phase}'"),
    ]
    reasons += [
        (bool(np.abs(analysis_window(chain)).max() > 1.0), "a window above 1"),
        (bool(np.abs(synthesis_window(chain)).max() >= 2.0), "a synthesis window of 2 or more"),
    ]
    missing = [reason for is_missing, reason in reasons if is_missing]
    if missing:
        raise InputError(
            f"{network.name}: the Q31 front end has no {missing[0]}", hint="take --front-end float32, or another chain"
        )


def _not_q31(chain: Chain) -> Iterator[tuple[bool, str]]:
    """What of a chain neither cs_frame_q31 nor cs_frame_float32 has."""
    yield chain.window_kind == ASYMMETRIC, f"window_kind '{ASYMMETRIC}'"
    yield not chain.of_sizes, f"feature '{chain.feature}'"
    yield chain.compression != "power", f"compression '{chain.compression}'"
    yield chain.floor != FLOOR, f"floor {chain.floor:g}"
    yield bool(chain.mean or chain.deviation), "mean or deviation"
    yield chain.running != "none", "running normalization"
    yield chain.output != "gains", f"output '{chain.output}'"
    yield chain.gains == "matrix", "gains of a matrix"
    yield chain.n_features != chain.n_outputs, f"{chain.n_outputs} gains for {chain.n_features} features"
    yield chain.compressor is not None, "compression in bands"
    yield chain.gain_min is not None or chain.gain_max is not None, "gain_min or gain_max"
