# SPDX-License-Identifier: Apache-2.0
"""From spectra to what the network is given, in NumPy float32: every bit as the pieces in runtime/dsp compute it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from codesign.compiler.frontend import BandedMatrix, Chain, analysis_bank
from codesign.compiler.frontend.chain import FLOOR as SILENCE
from codesign.compiler.frontend.logarithm import log_scale
from codesign.compiler.reference.running import running_normalized

Float = npt.NDArray[np.float32]
FLOOR = np.float32(SILENCE)
"""Bands below this are silence."""

_ROUND = np.float32(12582912.0)
_SQRT_HALF = np.int32(0x3F3504F3)
_LOG2 = (
    0.1254277378320694,
    -0.21028970181941986,
    0.21736575663089752,
    -0.23852120339870453,
    0.2876587510108948,
    -0.3607211410999298,
    0.4809224307537079,
    -0.7213471531867981,
    1.442694902420044,
)
_EXP2 = (
    0.0001534581242594868,
    0.0013399930903688073,
    0.009618489071726799,
    0.05550328642129898,
    0.24022646248340607,
    0.6931471824645996,
    1.0,
)


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
    """The chain's compression of bands or bins."""
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
) -> npt.NDArray[np.int8] | npt.NDArray[np.int16]:
    """clamp(rne(features / scale) + zero_point) to ±127 (int8) or ±32767 (int16), to −128 where that is the zero point; same
    shape; the division in float32.
    """
    largest = 127 if dtype == "int8" else 32767
    with np.errstate(over="ignore"):  # of a tiny scale, as in C
        scaled = (features / np.float32(scale)).clip(np.float32(-(2.0**20)), np.float32(2.0**20))
    integers: npt.NDArray[np.int32] = np.rint(scaled).astype(np.int32) + np.int32(zero_point)
    limited = integers.clip(min(-largest, zero_point), largest)
    return limited.astype(np.int8) if dtype == "int8" else limited.astype(np.int16)


def power_of(x: Float, exponent: float) -> Float:
    """x^exponent of float32 in 2⁻⁴⁰ … 2¹²⁷, as exp2(exponent · log2(x)) by polynomials; relative error below 3e-7."""
    p = np.float32(exponent)
    high = (p.view(np.int32) & np.int32(-4096)).view(np.float32)
    bits = x.astype(np.float32).view(np.int32)
    octave = (bits - _SQRT_HALF) >> 23
    t = (bits - (octave << 23)).view(np.float32) - np.float32(1.0)
    e = octave.astype(np.float32)
    coarse, fine = high * e, p * (_polynomial(_LOG2, t) * t)
    whole = ((coarse + fine) + _ROUND) - _ROUND
    f = ((coarse - whole) + (p - high) * e) + fine
    return (_polynomial(_EXP2, f).view(np.int32) + (whole.astype(np.int32) << 23)).view(np.float32)


def logarithm(x: Float, offset: np.float32, floor: np.float32, scale: np.float32) -> Float:
    """Scale · log2(max(x + offset, floor)) of float32, by the polynomial of `power_of`."""
    high = (scale.view(np.int32) & np.int32(-4096)).view(np.float32)
    bits = np.maximum(x + offset, floor).view(np.int32)
    octave = (bits - _SQRT_HALF) >> 23
    t = (bits - (octave << 23)).view(np.float32) - np.float32(1.0)
    e = octave.astype(np.float32)
    return np.asarray(high * e + (scale * (_polynomial(_LOG2, t) * t) + (scale - high) * e))


def log2_of(x: Float) -> Float:
    """log2 of positive float32, by the polynomial of `power_of`."""
    bits = x.view(np.int32)
    octave = (bits - _SQRT_HALF) >> 23
    t = (bits - (octave << 23)).view(np.float32) - np.float32(1.0)
    return octave.astype(np.float32) + _polynomial(_LOG2, t) * t


def exp2_of(x: Float) -> Float:
    """2^x of float32 within ±100, by the polynomial of `power_of`."""
    whole = (x + _ROUND) - _ROUND
    return (_polynomial(_EXP2, x - whole).view(np.int32) + (whole.astype(np.int32) << 23)).view(np.float32)


def banded_sums(matrix: BandedMatrix, x: Float) -> Float:
    """Rows of x (frames, columns) times the matrix: (frames, rows), each sum in ascending order of columns from 0.0."""
    sums = np.zeros((len(x), matrix.rows), np.float32)
    starts = matrix.start.astype(np.int64)
    lengths = matrix.length.astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    for step in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > step)
        sums[:, rows] += matrix.weights[offsets[rows] + step] * x[:, starts[rows] + step]
    return sums


def _pairs(chain: Chain, spectrum: Float) -> Float:
    ordered = spectrum if chain.layout == "interleaved" else np.moveaxis(spectrum, -1, 1)
    return ordered.reshape(len(spectrum), -1)


def _polynomial(coefficients: tuple[float, ...], x: Float) -> Float:
    """Horner's rule, highest power first, a multiplication and an addition a step."""
    p = np.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        p = p * x + np.float32(coefficient)
    return p
