# SPDX-License-Identifier: Apache-2.0
"""From spectra to what the network is given, in NumPy float32: every bit as the pieces in runtime/dsp compute it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import BandedMatrix, Chain, analysis_bank
from codesign.compiler.frontend.chain import FLOOR as SILENCE
from codesign.compiler.frontend.float_functions import banded_sums, logarithm, power_of
from codesign.compiler.frontend.logarithm import log_scale
from codesign.compiler.reference.running import running_normalized

Float = npt.NDArray[np.float32]
FLOOR = np.float32(SILENCE)
"""Bands below this are silence."""


def features_of(chain: Chain, spectrum: Float, bank: BandedMatrix | None) -> Float:
    """Real features float32 (frames, n_features) of spectra float32 (frames, n_bins, 2) before any normalization; `bank` is
    `bank_of(chain)`.
    """
    if chain.feature == "spectrum":
        return _pairs(chain, spectrum)
    power = spectrum[..., 0] * spectrum[..., 0] + spectrum[..., 1] * spectrum[..., 1]
    sizes = power if chain.of_power else np.sqrt(power)
    return compressed(chain, sizes if bank is None else banded_sums(bank, sizes))


def bank_of(chain: Chain) -> BandedMatrix | None:
    """The filter bank of the features, None where they are no bands."""
    return analysis_bank(chain) if chain.has_bands else None


def compressed(chain: Chain, sizes: Float) -> Float:
    """The chain's compression of bands or bins, float32 of any shape."""
    match chain.compression:
        case "power":
            return power_of(np.maximum(sizes, np.float32(chain.floor)), chain.exponent)
        case "none":
            return sizes if chain.floor == SILENCE else np.maximum(sizes, np.float32(chain.floor))
        case kind:
            return logarithm(sizes, np.float32(chain.offset), np.float32(chain.floor), log_scale(kind))


def normalized(chain: Chain, features: Float) -> Float:
    """Features (frames, n_features) of a whole signal after the running normalization, then (x − mean) · (1/deviation), the
    factor rounded to float32.
    """
    features = running_normalized(chain, features)
    if not chain.mean and not chain.deviation:
        return features
    mean, factor = mean_and_factor(chain)
    return (features - mean) * factor


def mean_and_factor(chain: Chain) -> tuple[Float, Float]:
    """The mean and one over the deviation, float32 (1,) or (n_features,) each."""
    mean, deviation = np.array(chain.mean or (0.0,)), np.array(chain.deviation or (1.0,))
    return mean.astype(np.float32), (1.0 / deviation).astype(np.float32)


def quantize_features(
    features: Float, scale: float, zero_point: int, dtype: str = "int8"
) -> npt.NDArray[np.int8] | npt.NDArray[np.int16] | Float:
    """clamp(rne(features / scale) + zero_point) to ±127 (int8) or ±32767 (int16), to −128 where that is the zero point; same
    shape; the division in float32. Of "float32" they are the features themselves.
    """
    if dtype == "float32":
        return features
    largest = 127 if dtype == "int8" else 32767
    with np.errstate(over="ignore"):  # of a tiny scale, as in C
        scaled = (features / np.float32(scale)).clip(np.float32(-(2.0**20)), np.float32(2.0**20))
    integers: npt.NDArray[np.int32] = np.rint(scaled).astype(np.int32) + np.int32(zero_point)
    limited = integers.clip(min(-largest, zero_point), largest)
    return limited.astype(np.int8) if dtype == "int8" else limited.astype(np.int16)


def _pairs(chain: Chain, spectrum: Float) -> Float:
    ordered = spectrum if chain.layout == "interleaved" else np.moveaxis(spectrum, -1, 1)
    return ordered.reshape(len(spectrum), -1)
